import assert from "node:assert/strict";
import { type DatabaseTest, gate, ids, insert, type PoolHarness, rejects } from "./harness.ts";

/** The pool inside of its own transactions. */
export function testScopes(test: DatabaseTest, { capabilities }: PoolHarness): void {
  test("inside a transaction the pool refuses everything at once with nested_call", async ({ pool, table }) => {
    await pool.transaction(async (transaction) => {
      const calls = [
        () => pool.execute("select 1"),
        () => pool.transaction(() => Promise.resolve()),
        () => pool.describe("select 1", "describe"),
        () => pool.check(),
        () => pool.query.selectFrom("cursor_key").selectAll().execute(),
        () => insert(pool, table, 1),
      ];
      for (const call of calls) await rejects(call(), { code: "nested_call" });
      await transaction.transaction(async () => {
        await rejects(pool.execute("select 1"), { code: "nested_call" });
      });
      await insert(transaction, table, 2);
    });
    assert.deepEqual(await ids(pool, table), [2]);
  });

  test("the pool refuses also what is called indirectly", async ({ pool }) => {
    await pool.transaction(async () => {
      const later = new Promise((resolve) => setTimeout(resolve, 1));
      const call = later.then(() => Promise.all([pool.execute("select 1")]));
      await rejects(call, { code: "nested_call" });
    });
  });

  test("the pool can be used again after the transaction, by what was started inside as well", async ({ pool, table }) => {
    const after = gate();
    let left: Promise<void> = Promise.resolve();
    await pool.transaction(() => {
      left = after.opened.then(() => insert(pool, table, 1));
      return Promise.resolve();
    });
    await insert(pool, table, 2);
    after.open();
    await left;
    await pool.transaction(() => Promise.reject(new Error("failed"))).catch(() => {});
    await insert(pool, table, 3);
    assert.deepEqual(await ids(pool, table), [1, 2, 3]);
  });

  test("what runs beside a transaction may use the pool", async ({ pool, table }) => {
    await Promise.all([
      pool.transaction((transaction) => insert(transaction, table, 1)),
      insert(pool, table, 2),
      pool.transaction((transaction) => insert(transaction, table, 3)),
    ]);
    assert.deepEqual(await ids(pool, table), [1, 2, 3]);
  });

  test("another pool can be used inside a transaction, and the first is still refused there", async ({ pool, small }) => {
    const other = await small();
    await pool.transaction(async () => {
      await other.execute("select 1");
      await other.transaction(async (transaction) => {
        await transaction.execute("select 1");
        await rejects(pool.execute("select 1"), { code: "nested_call" });
        await rejects(other.execute("select 1"), { code: "nested_call" });
      });
    });
  });

  if (!capabilities.concurrent) return;

  test("transactions that run at the same time do not see each other's changes", async ({ pool, table }) => {
    const [written, looked] = [gate(), gate()];
    const writer = pool.transaction(async (transaction) => {
      await insert(transaction, table, 1);
      written.open();
      await looked.opened;
    });
    await written.opened;
    assert.deepEqual(await ids(pool, table), []);
    looked.open();
    await writer;
    assert.deepEqual(await ids(pool, table), [1]);
  });

  test("a real serialization failure is retried with a fresh snapshot", async ({ pool, small, table }) => {
    const other = await small();
    await pool.execute(`insert into ${table} (id, label) values (1, '0')`);
    const seen: unknown[] = [];
    await pool.transaction(async (transaction) => {
      const { rows } = await transaction.execute(`select label from ${table}`);
      seen.push(rows[0]?.["label"]);
      if (seen.length === 1) await other.execute(`update ${table} set label = 'theirs'`);
      await transaction.execute(`update ${table} set label = label || ' and ours'`);
    }, { isolation: "repeatable read" });
    assert.deepEqual(seen, ["0", "theirs"]);
    const { rows } = await pool.execute(`select label from ${table}`);
    assert.equal(rows[0]?.["label"], "theirs and ours");
  });

  test("of two transactions in a deadlock one is retried, and both commit", async ({ pool, table }) => {
    await insert(pool, table, 1);
    await insert(pool, table, 2);
    let attempts = 0;
    const gates = [gate(), gate()];
    const swap = (mine: number, theirs: number): Promise<void> =>
      pool.transaction(async (transaction) => {
        const isFirst = ++attempts <= 2;
        await transaction.execute(`update ${table} set label = 'x' where id = $1`, [mine]);
        gates[mine - 1]?.open();
        if (isFirst) await gates[theirs - 1]?.opened;
        await transaction.execute(`update ${table} set label = 'y' where id = $1`, [theirs]);
      });
    await Promise.all([swap(1, 2), swap(2, 1)]);
    assert.equal(attempts, 3);
  });
}
