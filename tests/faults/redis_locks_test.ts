import assert from "node:assert/strict";
import process from "node:process";
import { RedisLocks } from "../../cache/adapters/redis/locks.ts";
import type { Lock } from "../../core/lock.ts";
import { within } from "../support/faulty_redis.ts";
import { lazily } from "../support/lazily.ts";
import { startRedis } from "../support/private_redis.ts";
import { testNamespace } from "../support/redis.ts";
import { openScripts } from "../support/redis_scripts.ts";
import { privateServerTest } from "../support/services.ts";
import { Script } from "../support/spawn_script.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { timeout } from "../support/toxics.ts";

const test = privateServerTest("redis");
const server = lazily(() => startRedis());

/** Long enough for a machine that does not come to a timer for half a second. */
const ttlMs = 2_500;
const LOST = { name: "LockError", code: "conflict", outcome: "unknown" };

/** Something outside that is to be written by one holder at a time. */
class Resource {
  #greatest = 0;

  write(token: number): boolean {
    if (token < this.#greatest) return false;
    this.#greatest = token;
    return true;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function aborted({ signal }: Lock): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve());
  });
}

/** Two providers on the same lock: one through a proxy, the other not. */
async function withLocks(
  use: (
    context: { one: RedisLocks; two: RedisLocks; proxy: TcpProxy; namespace: string },
  ) => Promise<
    void
  >,
): Promise<void> {
  const { url, port } = await server();
  const namespace = testNamespace();
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port });
  const [one, two] = await Promise.all(
    [proxy.through(url), url].map((url) => openScripts(url, namespace)),
  );
  try {
    await use({ one: new RedisLocks(one!.run), two: new RedisLocks(two!.run), proxy, namespace });
  } finally {
    await one![Symbol.asyncDispose]();
    await two![Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  }
}

async function startHolder(namespace: string, manner: string): Promise<[Script, token: number]> {
  const args = [(await server()).url, namespace, String(ttlMs), manner];
  const script = new Script("hold_redis_lock.ts", args);
  return [script, Number((await script.line()).replace("held ", ""))];
}

for (const manner of ["obedient", "stubborn"]) {
  test(
    `a holder that was paused for longer than ttlMs does no harm, also if it is ${manner}`,
    () =>
      withLocks(async ({ two, namespace }) => {
        const resource = new Resource();
        const [holder, token] = await startHolder(namespace, manner);
        assert.ok(resource.write(token));
        process.kill(holder.pid, "SIGSTOP");
        try {
          await two.withLock("n", async (lock) => {
            assert.ok(lock.token > token && resource.write(lock.token));
            // It can be read as soon as the holder goes on, perhaps before any timer has fired.
            const finished = holder.finish();
            process.kill(holder.pid, "SIGCONT");
            const line = await holder.line();
            if (manner === "obedient") assert.equal(line, "stopped");
            else {
              assert.equal(line, `write ${token}`);
              assert.equal(resource.write(token), false);
            }
            assert.equal(await holder.line(), "conflict unknown");
            await finished;
            assert.equal(lock.signal.aborted, false);
          }, { ttlMs, waitMs: 30_000 });
        } finally {
          await holder.kill();
        }
      }),
  );
}

test("a holder that was killed keeps the lock for what is left of ttlMs, and not longer", () =>
  withLocks(async ({ two, namespace }) => {
    const [holder, token] = await startHolder(namespace, "obedient");
    await holder.kill();
    await assert.rejects(two.withLock("n", () => {}, { waitMs: 0 }), { code: "timeout" });
    const startMs = performance.now();
    assert.ok(await two.withLock("n", (lock) => lock.token, { waitMs: 30_000 }) > token);
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs > ttlMs / 10 && tookMs < 3 * ttlMs, `it took ${tookMs} ms`);
  }));

test("after a flush the lock has another holder with a greater token, and the first one is told", () =>
  withLocks(async ({ one, two }) => {
    const first = one.withLock("n", async (lock) => {
      await (await server()).command("FLUSHALL");
      await two.withLock("n", async ({ token, signal }) => {
        assert.ok(token > lock.token);
        await aborted(lock);
        await pause(ttlMs);
        assert.equal(signal.aborted, false);
      }, { ttlMs, waitMs: 0 });
    }, { ttlMs });
    await assert.rejects(first, LOST);
  }));

test("after a crash of the server the signal aborts, and the next token is greater", () =>
  withLocks(async ({ one, two }) => {
    let token = 0;
    const first = one.withLock("n", async (lock) => {
      token = lock.token;
      const redis = await server();
      await redis.stop("kill");
      const crashedMs = performance.now();
      const tookMs = aborted(lock).then(() => performance.now() - crashedMs);
      await redis.start();
      assert.ok(await tookMs < 2 * ttlMs, `it took ${await tookMs} ms`);
    }, { ttlMs });
    await assert.rejects(first, LOST);
    assert.ok(await two.withLock("n", (lock) => lock.token, { waitMs: 30_000 }) > token);
  }));

test("while the server is away the signal aborts in time, and callers are told why they wait in vain", () =>
  withLocks(async ({ one, two, proxy }) => {
    const first = one.withLock("n", async (lock) => {
      await proxy.down();
      const downMs = performance.now();
      await aborted(lock);
      const tookMs = performance.now() - downMs;
      assert.ok(tookMs > ttlMs / 10 && tookMs < 1.5 * ttlMs, `it took ${tookMs} ms`);
      await assert.rejects(one.withLock("other", () => {}), { code: "unavailable" });
    }, { ttlMs });
    await assert.rejects(first, LOST);
    assert.equal(await two.withLock("n", () => "free", { waitMs: 30_000 }), "free");
  }));

test("a holder that is cut off stops before another starts", () =>
  withLocks(async ({ one, two, proxy }) => {
    const log: string[] = [];
    const first = one.withLock("n", async (lock) => {
      lock.signal.addEventListener("abort", () => log.push("the first stops"));
      proxy.add(timeout());
      await two.withLock("n", () => void log.push("the second starts"), { waitMs: 30_000 });
    }, { ttlMs });
    await assert.rejects(first, LOST);
    assert.deepEqual(log, ["the first stops", "the second starts"]);
  }));

test("a server that does not answer for less than the lease has left costs nothing", () =>
  withLocks(async ({ one }) => {
    const redis = await server();
    const result = await one.withLock("n", async ({ signal }) => {
      redis.pause();
      await pause(ttlMs / 4);
      redis.resume();
      await pause(2 * ttlMs);
      return signal.aborted;
    }, { ttlMs });
    assert.equal(result, false);
  }));

test("a server that does not answer is a timeout for who waits", () =>
  withLocks(async ({ one, proxy }) => {
    proxy.add(timeout());
    const call = one.withLock("n", () => assert.fail("it must not run"), { waitMs: 1_200 });
    await assert.rejects(within(10_000, () => call), {
      name: "LockError",
      code: "timeout",
      outcome: "not-applied",
    });
  }));

test("the server of the suite goes", async () => (await server())[Symbol.asyncDispose]());
