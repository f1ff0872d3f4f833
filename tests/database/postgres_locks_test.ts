import assert from "node:assert/strict";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool, DatabasePoolOptions } from "../../database/database_pool.ts";
import type { PgDriverConfig } from "../../database/drivers/pg.ts";
import { migrate } from "../../database/migrator.ts";
import { type PostgresLock, PostgresLockProvider } from "../../database/postgres_locks.ts";
import { lockConformance, REAL_TIME } from "../conformance/locks.ts";
import { lazily } from "../support/lazily.ts";
import { idsIn, LockDatabase } from "../support/lock_database.ts";
import { after, test } from "../support/permitted.ts";
import { findService, serviceTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const service = await findService("postgres");
const serverTest = serviceTest(service);
const database = new LockDatabase(service);

const embedded = lazily(async () => {
  const pool = await createPool({ embedded: {} });
  await migrate(pool);
  return pool;
});

after(async () => {
  await (await embedded()).close();
  await database.drop();
});

lockConformance(serverTest, {
  ...REAL_TIME,
  name: "postgres",
  capabilities: { manyAtOnce: true },
  ttlMs: 800,
  open: async () => {
    const pool = await database.open();
    return { provider: new PostgresLockProvider(pool), close: () => pool.close() };
  },
  steal: (_space, name) => database.endHolder(name),
});

lockConformance(test, {
  ...REAL_TIME,
  name: "pglite",
  capabilities: { manyAtOnce: false },
  ttlMs: 400,
  open: async () => ({
    provider: new PostgresLockProvider(await embedded()),
    close: () => Promise.resolve(),
  }),
});

/** Registers a test on a server. */
function postgresTest(
  name: string,
  options: DatabasePoolOptions & Partial<PgDriverConfig>,
  fn: (pool: DatabasePool, locks: PostgresLockProvider) => Promise<void>,
): void {
  serverTest(
    `postgres: ${name}`,
    () => database.use(options, (pool) => fn(pool, new PostgresLockProvider(pool))),
  );
}

/** Takes the lock; the function that it resolves with ends it. */
function take(
  locks: PostgresLockProvider,
  name: string,
  use: (lock: PostgresLock) => Promise<void> = () => Promise.resolve(),
): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    const call = locks.withLock(name, async (lock) => {
      await use(lock);
      await new Promise<void>((settle) => resolve(() => (settle(), call)));
    });
    call.catch(reject);
  });
}

postgresTest(
  "fn may use the pool and its transactions beside the one of the lock",
  {},
  async (pool, locks) => {
    const table = await database.createTable(pool);
    await locks.withLock("n", async ({ transaction }) => {
      await transaction.execute(`insert into ${table} values (1)`);
      await pool.execute(`insert into ${table} values (2)`);
      await pool.transaction((other) => other.execute(`insert into ${table} values (3)`));
      assert.deepEqual(await idsIn(pool, table), [2, 3]);
      assert.deepEqual(await idsIn(transaction, table), [1, 2, 3]);
    });
    assert.deepEqual(await idsIn(pool, table), [1, 2, 3]);
  },
);

postgresTest("a lock is refused inside a transaction of the same pool", {}, async (pool, locks) => {
  const nested = pool.transaction(() => locks.withLock("n", () => assert.fail("it must not run")));
  await assert.rejects(nested, { code: "nested_call" });
});

postgresTest("a held lock takes one connection, and a full pool is a timeout within waitMs", {
  max: 1,
}, async (pool, locks) => {
  const end = await take(locks, "held");
  const startMs = performance.now();
  const other = locks.withLock("other", () => assert.fail("it must not run"), { waitMs: 300 });
  await assert.rejects(other, { name: "LockError", code: "timeout", outcome: "not-applied" });
  assert.ok(performance.now() - startMs < 2_500);
  const waiting = locks.withLock("other", () => "after all", { waitMs: 30_000 });
  await end();
  assert.equal(await waiting, "after all");
  assert.deepEqual(pool.stats, { total: 1, idle: 1, waiting: 0 });
});

postgresTest("a pool that is full for longer than it lets callers wait is asked again", {
  max: 1,
  // Long enough to open a connection on a busy machine.
  acquireTimeoutMs: 1_000,
}, async (_pool, locks) => {
  const end = await take(locks, "held");
  const waiting = locks.withLock("other", () => "after all", { waitMs: 30_000 });
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  await end();
  assert.equal(await waiting, "after all");
});

postgresTest(
  "many callers of a name leave the holder connections of the pool",
  { max: 3 },
  async (pool, locks) => {
    const end = await take(locks, "n");
    const waiters = Array.from(
      { length: 20 },
      () => locks.withLock("n", () => 1, { waitMs: 30_000 }),
    );
    await until(
      "one caller waits at the server",
      () => pool.stats.total >= 2,
    );
    for (let i = 0; i < 10; i++) await pool.execute("select 1", [], { timeoutMs: 2_000 });
    await end();
    assert.equal((await Promise.all(waiters)).length, 20);
  },
);

postgresTest(
  "a closed pool is closed, and a database without the migrations says so",
  {},
  async (pool, locks) => {
    await pool.transaction(async (transaction) => {
      await transaction.execute("drop sequence lock_tokens");
      await transaction.execute("create sequence lock_tokens_kept");
    });
    await assert.rejects(locks.withLock("n", () => {}), { message: /run the migrations$/ });
    await pool.execute("alter sequence lock_tokens_kept rename to lock_tokens");
    assert.equal(await database.isHeld("n"), false);
    await pool.close();
    await assert.rejects(locks.withLock("n", () => {}), { code: "closed" });
  },
);

postgresTest(
  "a lock can be waited for longer than the server lets a statement run",
  { statementTimeoutMs: 100 },
  async (_pool, locks) => {
    const end = await take(locks, "n");
    const waiting = locks.withLock("n", () => "after all", { waitMs: 30_000 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    await end();
    assert.equal(await waiting, "after all");
  },
);

test("pglite: the function has the transaction, but the pool has no connection for it", async () => {
  const pool = await embedded();
  const locks = new PostgresLockProvider(pool);
  await pool.execute("create table written (id integer)");
  await locks.withLock("n", async ({ transaction }) => {
    await assert.rejects(pool.execute("select 1", [], { timeoutMs: 50 }), { code: "overloaded" });
    await transaction.execute("insert into written values (1)");
  });
  const failure = new Error("mine");
  const failing = locks.withLock("n", async ({ transaction }) => {
    await transaction.execute("insert into written values (2)");
    throw failure;
  });
  await assert.rejects(failing, failure);
  assert.deepEqual(await idsIn(pool, "written"), [1]);
});
