import assert from "node:assert/strict";
import process from "node:process";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { migrate } from "../../database/migrator.ts";
import { type PostgresLock, PostgresLockProvider } from "../../database/postgres_locks.ts";
import { lazily } from "../support/lazily.ts";
import { startPostgres } from "../support/private_postgres.ts";
import { privateServerTest } from "../support/services.ts";
import { Script } from "../support/spawn_script.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { swallowReply, timeout } from "../support/toxics.ts";

const test = privateServerTest("postgres");
const server = lazily(async () => {
  const started = await startPostgres();
  const pool = await createPool({ url: started.url });
  await migrate(pool);
  await pool.execute("create table written (who text)");
  await pool.close();
  return started;
});

const ttlMs = 1_000;
const LOST = { name: "LockError", code: "conflict", outcome: "unknown" };
const INSERT = "insert into written values ($1)";

interface Context {
  readonly one: PostgresLockProvider;
  readonly two: PostgresLockProvider;
  readonly proxy: TcpProxy;
  readonly pool: DatabasePool;
}

/** Two providers on the same database, and an empty table: one through a proxy, the other not. */
async function withLocks(use: (context: Context) => Promise<void>): Promise<void> {
  const { url, port } = await server();
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port });
  const proxied = await createPool({ url: proxy.through(url) });
  const pool = await createPool({ url });
  try {
    await pool.execute("truncate written");
    const [one, two] = [new PostgresLockProvider(proxied), new PostgresLockProvider(pool)];
    await use({ one, two, proxy, pool });
  } finally {
    await proxied.close(100);
    await pool.close(100);
    await proxy[Symbol.asyncDispose]();
  }
}

async function startHolder(manner: string): Promise<[Script, token: number]> {
  const args = [(await server()).url, String(ttlMs), manner];
  const script = new Script("hold_postgres_lock.ts", args);
  return [script, Number((await script.line()).replace("held ", ""))];
}

async function written(pool: DatabasePool): Promise<unknown[]> {
  return (await pool.execute("select who from written")).rows.map(({ who }) => who);
}

function aborted({ signal }: PostgresLock): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}

for (const manner of ["obedient", "stubborn"]) {
  test(`what a holder writes that was paused for longer than ttlMs is not committed, also if it is ${manner}`, () =>
    withLocks(async ({ two, pool }) => {
      const [holder, token] = await startHolder(manner);
      process.kill(holder.pid, "SIGSTOP");
      try {
        await two.withLock("n", async (lock) => {
          assert.ok(lock.token > token);
          // It can be read as soon as the holder goes on, perhaps before any timer has fired.
          const finished = holder.finish();
          process.kill(holder.pid, "SIGCONT");
          const line = manner === "obedient" ? /^stopped$/ : /^refused as (unavailable|closed)$/;
          assert.match(await holder.line(), line);
          assert.equal(await holder.line(), "conflict unknown");
          await finished;
          await lock.transaction.execute(INSERT, ["second"]);
        }, { waitMs: 30_000 });
        assert.deepEqual(await written(pool), ["second"]);
      } finally {
        await holder.kill();
      }
    }));
}

test("the lock of a holder that was killed is free at once, and nothing of it is committed", () =>
  withLocks(async ({ two, pool }) => {
    const [holder, token] = await startHolder("obedient");
    await holder.kill();
    const startMs = performance.now();
    assert.ok(await two.withLock("n", (lock) => lock.token, { waitMs: 30_000 }) > token);
    assert.ok(performance.now() - startMs < ttlMs / 2);
    assert.deepEqual(await written(pool), []);
  }));

for (const mode of ["fast", "immediate"] as const) {
  test(`when the server stops (${mode}), the signal aborts, and nothing is committed`, () =>
    withLocks(async ({ two, pool }) => {
      const postgres = await server();
      let token = 0;
      const call = two.withLock("n", async (lock) => {
        token = lock.token;
        await lock.transaction.execute(INSERT, ["holder"]);
        await postgres.stop(mode);
        const stoppedMs = performance.now();
        await aborted(lock);
        assert.ok(performance.now() - stoppedMs < ttlMs);
        await assert.rejects(two.withLock("other", () => {}), { code: "unavailable" });
        await postgres.start();
      }, { ttlMs });
      await assert.rejects(call, LOST);
      assert.ok(await two.withLock("n", (lock) => lock.token, { waitMs: 30_000 }) > token);
      assert.deepEqual(await written(pool), []);
    }));
}

test("a holder that is cut off stops before another starts, and nothing of it is committed", () =>
  withLocks(async ({ one, two, proxy, pool }) => {
    const log: string[] = [];
    const call = one.withLock("n", async (lock) => {
      lock.signal.addEventListener("abort", () => log.push("the first stops"));
      await lock.transaction.execute(INSERT, ["first"]);
      proxy.add(timeout());
      await two.withLock("n", async ({ transaction }) => {
        log.push("the second starts");
        await transaction.execute(INSERT, ["second"]);
      }, { waitMs: 30_000 });
    }, { ttlMs });
    await assert.rejects(call, LOST);
    assert.deepEqual(log, ["the first stops", "the second starts"]);
    assert.deepEqual(await written(pool), ["second"]);
  }));

test("a holder whose server freezes during a statement learns it at the deadline of the statement", () =>
  withLocks(async ({ two, pool }) => {
    const postgres = await server();
    const call = two.withLock("n", async (lock) => {
      await lock.transaction.execute(INSERT, ["holder"]);
      const text = "select pg_sleep(60)";
      const running = lock.transaction.execute(text, [], { timeoutMs: 2 * ttlMs });
      await postgres.pause();
      await assert.rejects(running, { name: "DatabaseError", code: "timeout" });
      await aborted(lock);
      postgres.resume();
    }, { ttlMs });
    await assert.rejects(call, LOST);
    assert.deepEqual(await written(pool), []);
  }));

test("when the reply to the commit is lost, the outcome is unknown", () =>
  withLocks(async ({ one, proxy, pool }) => {
    const call = one.withLock("n", async ({ transaction }) => {
      await transaction.execute(INSERT, ["holder"]);
      proxy.add(swallowReply(/commit/));
    });
    await assert.rejects(call, LOST);
    assert.deepEqual(await written(pool), ["holder"]);
  }));

test("a server that does not answer is a timeout for who waits", () =>
  withLocks(async ({ one, proxy }) => {
    proxy.add(timeout());
    const startMs = performance.now();
    const call = one.withLock("n", () => assert.fail("it must not run"), { waitMs: 500 });
    await assert.rejects(call, { name: "LockError", code: "timeout", outcome: "not-applied" });
    assert.ok(performance.now() - startMs < 3_000);
  }));

test("the server of the suite goes", async () => (await server())[Symbol.asyncDispose]());
