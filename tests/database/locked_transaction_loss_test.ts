import assert from "node:assert/strict";
import { after } from "node:test";
import type { DatabaseError } from "../../core/errors.ts";
import type { DatabasePoolOptions } from "../../database/database_pool.ts";
import type { PgDriverConfig } from "../../database/drivers/pg.ts";
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

lockTest(
  "a holder that is silent for ttlMs is ended by the server, and what it wrote is gone",
  async ({ pool, locks, table }) => {
    const call = locks.withLock("n", async ({ transaction }) => {
      await transaction.execute(`insert into ${table} values (1)`);
      const endMs = performance.now() + 2 * ttlMs;
      while (performance.now() < endMs);
    }, { ttlMs });
    await assert.rejects(call, { name: "LockError", code: "conflict", outcome: "unknown" });
    assert.deepEqual([await idsIn(pool, table), await database.isHeld("n")], [[], false]);
  },
);

lockTest(
  "after a loss nothing more is written, and the signal aborts",
  async ({ pool, locks, table }) => {
    const call = locks.withLock("n", async ({ transaction, signal }) => {
      await transaction.execute(`insert into ${table} values (1)`);
      await database.endHolder("n");
      // What finds the loss does not keep the process alive, and once the connection is gone, nothing else does.
      await until("the loss is known", () => signal.aborted, 60_000);
      const late = transaction.execute(`insert into ${table} values (2)`);
      await assert.rejects(late, ({ name, code }: DatabaseError) => {
        assert.equal(name, "DatabaseError");
        // The one while the transaction ends, the other behind its end.
        assert.ok(code === "unavailable" || code === "closed", code);
        return true;
      });
    }, { ttlMs });
    await assert.rejects(call, { name: "LockError", code: "conflict", outcome: "unknown" });
    assert.deepEqual(await idsIn(pool, table), []);
  },
);

lockTest(
  "a holder whose time is over by its own clock cannot write any more, whatever the server knows",
  async ({ pool, locks, table }) => {
    const call = locks.withLock("n", async ({ transaction, signal }) => {
      const endMs = performance.now() + 1_900;
      while (performance.now() < endMs);
      assert.equal(signal.aborted, true);
      const late = transaction.execute(`insert into ${table} values (1)`);
      await assert.rejects(late, { code: "unavailable" });
    }, { ttlMs: 2_000 });
    await assert.rejects(call, { name: "LockError", code: "conflict", outcome: "unknown" });
    assert.deepEqual(await idsIn(pool, table), []);
  },
);

lockTest(
  "a block of the event loop during a statement is no excuse: the signal has aborted when its result is read",
  async ({ locks }) => {
    const call = locks.withLock("n", async ({ transaction, signal }) => {
      const statement = transaction.execute("select pg_sleep(0.8)").catch(() => {});
      // A renewal waits for its turn by then.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const endMs = performance.now() + 2_500;
      while (performance.now() < endMs);
      await statement;
      assert.equal(signal.aborted, true);
    }, { ttlMs: 1_000 });
    await assert.rejects(call, { name: "LockError", code: "conflict", outcome: "unknown" });
  },
);
