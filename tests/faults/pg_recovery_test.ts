import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { PostgresDialect } from "kysely";
import pg from "pg";
import { createPool, type DatabaseConfig } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { lazily } from "../support/lazily.ts";
import { withClient } from "../support/postgres.ts";
import { startPostgres } from "../support/private_postgres.ts";
import { privateServerTest } from "../support/services.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { blackholeAfter, type Toxic } from "../support/toxics.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("postgres");
const server = lazily(async () => {
  const started = await startPostgres();
  await withClient(started.url, (client) => client.query("create table kept (id integer)"));
  return started;
});

test("all idle connections can end at once", () =>
  withPool({ max: 5 }, async (pool) => {
    await Promise.all([1, 2, 3, 4, 5].map(() => pool.execute("select pg_sleep(0.05)")));
    assert.equal(pool.stats.idle, 5);
    const pids = await (await server()).backendPids();
    await Promise.all(pids.map(terminate));
    await until("the pool notices", () => pool.stats.total === 0);
    await Promise.all([1, 2, 3, 4, 5].map(() => pool.execute("select 1")));
  }));

test("a statement whose session is ended says so, and its connection is not used again", () =>
  withPool({ max: 1 }, async (pool) => {
    const pid = await backend(pool);
    const call = assert.rejects(pool.execute("select pg_sleep(10)"), {
      ...{ code: "unavailable", outcome: "unknown", retryable: false, sqlState: "57P01" },
    });
    await until("it runs", () => isActive(pid));
    await terminate(pid);
    await call;
    for (let i = 0; i < 3; i++) assert.notEqual(await backend(pool), pid);
  }));

test("an aborted transaction is not handed on either when the server's answer comes in pieces", () =>
  withProxy(async (proxy) => {
    const pool = await createPool({ url: proxy.through((await server()).url), max: 1 });
    proxy.add(delayLastBytes(6, 50));
    await assert.rejects(pool.execute("begin; select 1 / 0"), { sqlState: "22012" });
    await pool.execute("select 1");
    const call = pool.transaction((transaction) => transaction.execute("select 1 / 0"));
    await assert.rejects(call, { sqlState: "22012" });
    await pool.execute("select 1");
    assert.equal(pool.stats.total, 1);
    await pool.close();
  }));

test("an idle connection that leads nowhere is replaced when it is tried", () =>
  withProxy(async (proxy) => {
    const url = proxy.through((await server()).url);
    const pool = await createPool({ url, validateAfterIdleMs: 50 });
    await new Promise((resolve) => setTimeout(resolve, 60));
    proxy.add(blackHoleForOne());
    const startMs = performance.now();
    await pool.execute("select 1");
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs > 900 && tookMs < 2_000, `it took ${tookMs} ms`);
    await pool.close();
  }));

test("callers that come while the server is away are refused at once, and served after", () =>
  withProxy(async (proxy) => {
    const pool = await createPool({ url: proxy.through((await server()).url), max: 2 });
    await proxy.down();
    const startMs = performance.now();
    const calls = Array.from({ length: 20 }, () => pool.execute("select 1"));
    const results = await Promise.allSettled(calls);
    for (const result of results) {
      assert.ok(result.status === "rejected");
      assert.equal(result.reason.code, "unavailable");
    }
    assert.ok(performance.now() - startMs < 1_000);
    await proxy.up();
    await recovered(pool);
    await pool.close();
  }));

test("a commit that leads nowhere ends at the deadline, unknown, and may be applied", () =>
  withProxy(async (proxy) => {
    const pool = await createPool({ url: proxy.through((await server()).url) });
    proxy.add(blackholeAfter(/commit/));
    let attempts = 0;
    const call = pool.transaction((transaction) => {
      attempts++;
      return transaction.execute("insert into kept values (1)");
    }, { timeoutMs: 300 });
    const startMs = performance.now();
    await assert.rejects(call, { code: "timeout", outcome: "unknown", retryable: false });
    assert.ok(performance.now() - startMs < 1_000);
    assert.equal(attempts, 1);
    assert.deepEqual(await query("delete from kept returning id"), [{ id: 1 }]);
    await pool.close();
  }));

test("many faults in a row leave no connection behind", () =>
  withPool({ max: 4, timeoutMs: 100 }, async (pool) => {
    const calls = Array.from({ length: 20 }, (_, i) => {
      if (i % 3 === 0) return pool.execute("select pg_sleep(10)", [], { timeoutMs: 50 });
      if (i % 3 === 1) return pool.execute("select 1 / 0");
      return pool.transaction(() => new Promise(() => {}), { timeoutMs: 50 });
    });
    await Promise.allSettled(calls);
    await until("the server has no more than the pool", async () => {
      return (await (await server()).backendPids()).length === pool.stats.total;
    });
    assert.deepEqual([pool.stats.waiting, pool.stats.total], [0, pool.stats.idle]);
    await pool.execute("select 1");
  }));

test("kysely: a lost connection is unavailable, and its dialect gives another one", async () => {
  const client = new pg.Pool({ connectionString: (await server()).url, max: 2 });
  client.on("error", () => {});
  client.on("connect", (one) => one.on("error", () => {}));
  const pool = await createPool({ dialect: new PostgresDialect({ pool: client }), max: 2 });
  const call = assert.rejects(pool.execute("select pg_sleep(10)"), {
    ...{ code: "unavailable", outcome: "unknown", retryable: false },
  });
  await until("it runs", async () => (await activeCount()) === 1);
  for (const pid of await (await server()).backendPids()) await terminate(pid);
  await call;
  await pool.execute("select 1");
  const inside = pool.transaction(async (transaction) => {
    await transaction.execute("insert into kept values (1)");
    await terminate(await backend(transaction));
    await transaction.execute("insert into kept values (2)");
  });
  await assert.rejects(inside, { code: "unavailable", outcome: "not-applied" });
  assert.deepEqual(await query("select id from kept"), []);
  await pool.execute("select 1");
  await pool.close();
  assert.equal(client.totalCount, client.idleCount);
  await client.end();
});

test("the server of these tests stops", async () => {
  await (await server())[Symbol.asyncDispose]();
});

async function withPool(
  options: Partial<DatabaseConfig>,
  use: (pool: DatabasePool) => Promise<void>,
): Promise<void> {
  const pool = await createPool({ url: (await server()).url, ...options });
  try {
    await use(pool);
  } finally {
    await pool.close();
  }
}

async function withProxy(use: (proxy: TcpProxy) => Promise<void>): Promise<void> {
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port: (await server()).port });
  try {
    await use(proxy);
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
}

/** Works again within 5 seconds, without a new pool. */
async function recovered(pool: DatabasePool): Promise<void> {
  await until("the pool recovers", () => pool.execute("select 1").then(() => true, () => false));
}

async function backend(database: Pick<DatabasePool, "execute">): Promise<number> {
  const { rows } = await database.execute("select pg_backend_pid() as pid");
  return Number(rows[0]?.["pid"]);
}

async function terminate(pid: number): Promise<void> {
  // Waits until the session has ended.
  await query("select pg_terminate_backend($1, 5000)", [pid]);
}

async function isActive(pid: number): Promise<boolean> {
  const sql = "select 1 from pg_stat_activity where pid = $1 and wait_event = 'PgSleep'";
  return (await query(sql, [pid])).length === 1;
}

async function activeCount(): Promise<number> {
  return (await query("select 1 from pg_stat_activity where wait_event = 'PgSleep'")).length;
}

async function query(sql: string, values: unknown[] = []): Promise<unknown[]> {
  const { url } = await server();
  return await withClient(url, async (client) => (await client.query(sql, values)).rows);
}

/** Replies arrive in two pieces: the last bytes come later. */
function delayLastBytes(count: number, delayMs: number): Toxic {
  return ({ client }) => async (data, direction) => {
    if (direction === "request" || data.length <= count) return data;
    client.write(data.subarray(0, -count));
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    return data.subarray(-count);
  };
}

/** The next connection that says something gets no answer any more; others do. */
function blackHoleForOne(): Toxic {
  let found = false;
  return (connection) => {
    const isTheOne = !found;
    found = true;
    return (data) => {
      if (!isTheOne) return data;
      connection.silent = true;
      return Buffer.alloc(0);
    };
  };
}
