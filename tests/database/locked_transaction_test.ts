import assert from "node:assert/strict";
import { after } from "node:test";
import type { DatabasePoolOptions } from "../../database/database_pool.ts";
import type { PgDriverConfig } from "../../database/drivers/pg.ts";
import { type PostgresLock, PostgresLockProvider } from "../../database/postgres_locks.ts";
import { CONFLICT } from "../conformance/database/harness.ts";
import { idsIn, type LockContext, LockDatabase } from "../support/lock_database.ts";
import { findService, serviceTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const service = await findService("postgres");
const serverTest = serviceTest(service);
const database = new LockDatabase(service);
after(() => database.drop());

const ttlMs = 400;

function lockTest(
  name: string,
  fn: (context: LockContext) => Promise<void>,
  options: DatabasePoolOptions & Partial<PgDriverConfig> = {},
): void {
  serverTest(name, () => database.useLocks(options, fn));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

lockTest(
  "what is written is there at the release, and not before",
  async ({ pool, locks, table }) => {
    await locks.withLock("n", async ({ transaction }) => {
      await transaction.execute(`insert into ${table} values (1)`);
      assert.deepEqual(await idsIn(pool, table), []);
    });
    assert.deepEqual(await idsIn(pool, table), [1]);
    assert.equal(await database.isHeld("n"), false);
  },
);

lockTest(
  "when fn throws, nothing is written and its error comes as it is",
  async ({ pool, locks, table }) => {
    for (const failure of [new Error("mine"), undefined]) {
      const failing = locks.withLock("n", async ({ transaction }) => {
        await transaction.execute(`insert into ${table} values (1)`);
        throw failure;
      });
      await assert.rejects(failing, (error) => error === failure);
    }
    assert.deepEqual(await idsIn(pool, table), []);
    assert.equal(await database.isHeld("n"), false);
  },
);

lockTest(
  "a statement that takes longer than ttlMs costs nothing",
  async ({ pool, locks, table }) => {
    await locks.withLock("n", async ({ transaction, signal }) => {
      await transaction.execute(`insert into ${table} values (1)`);
      await transaction.execute("select pg_sleep($1)", [3 * ttlMs / 1_000]);
      assert.equal(signal.aborted, false);
      // Time counts again from here.
      await pause(2 * ttlMs);
      assert.equal(signal.aborted, false);
      const running = transaction.execute("select pg_sleep($1)", [2 * ttlMs / 1_000]);
      await pause(1.5 * ttlMs);
      assert.deepEqual([signal.aborted, await database.isHeld("n")], [false, true]);
      await running;
    }, { ttlMs });
    assert.deepEqual(await idsIn(pool, table), [1]);
  },
);

lockTest(
  "a nested transaction that takes longer than ttlMs between its statements costs nothing",
  async ({ pool, locks, table }) => {
    await locks.withLock("n", async ({ transaction, signal }) => {
      await transaction.transaction(async (nested) => {
        await nested.execute(`insert into ${table} values (1)`);
        await pause(2 * ttlMs);
      });
      assert.equal(signal.aborted, false);
    }, { ttlMs });
    assert.deepEqual(await idsIn(pool, table), [1]);
  },
);

lockTest(
  "a statement that fails in a nested transaction costs neither the lock nor what was written before",
  async ({ pool, locks, table }) => {
    await locks.withLock("n", async ({ transaction, signal }) => {
      await transaction.execute(`insert into ${table} values (1)`);
      const nested = transaction.transaction(async (nested) => {
        await nested.execute(`insert into ${table} values (1)`).catch(() => {});
        await pause(2 * ttlMs);
        throw new Error("undone");
      });
      await assert.rejects(nested, { message: "undone" });
      assert.equal(signal.aborted, false);
      await transaction.execute(`insert into ${table} values (2)`);
    }, { ttlMs });
    assert.deepEqual(await idsIn(pool, table), [1, 2]);
  },
);

lockTest(
  "after a failed statement the lock is kept until fn is done, and nothing is written",
  async ({ pool, locks, table }) => {
    const call = locks.withLock("n", async ({ transaction, signal }) => {
      await transaction.execute(`insert into ${table} values (1)`);
      await transaction.execute(`insert into ${table} values (1)`).catch(() => {});
      await pause(2 * ttlMs);
      assert.deepEqual([signal.aborted, await database.isHeld("n")], [false, true]);
    }, { ttlMs });
    await assert.rejects(call, { name: "DatabaseError", code: "already_exists" });
    assert.deepEqual(await idsIn(pool, table), []);
  },
);

lockTest(
  "after a serialization failure fn does not run again, and the lock is free at once",
  async ({ locks }) => {
    for (const caught of [true, false]) {
      let runs = 0;
      const startMs = performance.now();
      const call = locks.withLock("n", async ({ transaction }) => {
        runs++;
        const failing = transaction.execute(CONFLICT);
        await (caught ? failing.catch(() => {}) : failing);
      });
      await assert.rejects(call, { name: "DatabaseError", code: "transaction_conflict" });
      assert.deepEqual([runs, await database.isHeld("n")], [1, false]);
      assert.ok(performance.now() - startMs < 5_000);
    }
  },
);

lockTest(
  "the token is taken when the lock is held, and not while it is waited for",
  async ({ pool, locks }) => {
    const last = async (): Promise<unknown> =>
      (await pool.execute("select last_value from lock_tokens")).rows[0]?.["last_value"];
    let waiting: Promise<number> | undefined;
    const first = await locks.withLock("n", async ({ token }) => {
      const backends = "select 1 from pg_locks where locktype = 'advisory' and not granted";
      waiting = locks.withLock("n", (lock) => lock.token, { waitMs: 30_000 });
      await until("the other waits", async () => (await pool.execute(backends)).rowCount > 0);
      assert.equal(await last(), token);
      return token;
    });
    assert.ok(await waiting! > first);
  },
);

lockTest(
  "fn finds the settings of the session, but for the time that it may be silent",
  async ({ pool, locks }) => {
    const settings = async ({ transaction }: PostgresLock): Promise<unknown> => {
      const names = ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"];
      const { rows } = await transaction.execute(
        "select current_setting(n) as v from unnest($1::text[]) n",
        [names],
      );
      return rows.map(({ v }) => v);
    };
    assert.deepEqual(await locks.withLock("n", settings, { ttlMs }), ["0", "2s", "400ms"]);
    assert.deepEqual(await locks.withLock("n", settings, { waitMs: 0 }), ["0", "2s", "10s"]);
    const { rows: [row] } = await pool.execute("show idle_in_transaction_session_timeout");
    assert.deepEqual(row, { idle_in_transaction_session_timeout: "1min" });
  },
  { max: 1, statementTimeoutMs: 2_000 },
);

lockTest(
  "fn sees what the holder before it has committed, whatever the default isolation is",
  async ({ pool, locks, table }) => {
    const isolate = (level: string): Promise<unknown> =>
      pool.execute(`do $$ begin execute format(
      'alter database %I set default_transaction_isolation to ${level}', current_database()); end $$`);
    await isolate("''repeatable read''");
    try {
      await database.use({}, async (isolated) => {
        let waiting: Promise<unknown> | undefined;
        await locks.withLock("n", async ({ transaction }) => {
          const others = new PostgresLockProvider(isolated);
          waiting = others.withLock("n", (lock) => idsIn(lock.transaction, table), {
            waitMs: 30_000,
          });
          const backends = "select 1 from pg_locks where locktype = 'advisory' and not granted";
          await until("the other waits", async () => (await pool.execute(backends)).rowCount > 0);
          await transaction.execute(`insert into ${table} values (1)`);
        });
        assert.deepEqual(await waiting, [1]);
      });
    } finally {
      await isolate("default");
    }
  },
);

lockTest(
  "a lock can be waited for longer than the server lets a statement run",
  async ({ locks }) => {
    let waiting: Promise<unknown> | undefined;
    await locks.withLock("n", async () => {
      waiting = locks.withLock("n", () => "after all", { waitMs: 30_000 });
      await pause(500);
    });
    assert.equal(await waiting, "after all");
  },
  { statementTimeoutMs: 100 },
);

lockTest(
  "a constraint that is checked at the commit comes as it is, and nothing is written",
  async ({ pool, locks, table }) => {
    await pool.execute(`create table child_of_${table} (
    parent integer references ${table} deferrable initially deferred)`);
    const call = locks.withLock("n", async ({ transaction }) => {
      await transaction.execute(`insert into child_of_${table} values (9)`);
    });
    await assert.rejects(call, { name: "DatabaseError", code: "constraint_violated" });
    assert.equal(await database.isHeld("n"), false);
  },
);
