import assert from "node:assert/strict";
import { CONFLICT, type DatabaseTest, ids, insert, rejects } from "./harness.ts";

/** Commit, rollback and what a transaction refuses. */
export function testTransactions(test: DatabaseTest): void {
  test("a transaction commits when its function resolves, and returns its result", async ({ pool, table }) => {
    const result = await pool.transaction(async (transaction) => {
      await insert(transaction, table, 1);
      await insert(transaction, table, 2);
      return "done";
    });
    assert.equal(result, "done");
    assert.deepEqual(await ids(pool, table), [1, 2]);
  });

  test("a transaction sees what it wrote before it commits", async ({ pool, table }) => {
    await pool.transaction(async (transaction) => {
      await insert(transaction, table, 1);
      assert.deepEqual(await ids(transaction, table), [1]);
    });
  });

  test("a transaction rolls back and rejects with the error of its function", async ({ pool, table }) => {
    const mine = new Error("mine");
    const call = pool.transaction(async (transaction) => {
      await insert(transaction, table, 1);
      throw mine;
    });
    await assert.rejects(call, (error) => error === mine);
    assert.deepEqual(await ids(pool, table), []);
  });

  test("a function that throws at once is one that rejects", async ({ pool }) => {
    const mine = new Error("mine");
    const call = pool.transaction(() => {
      throw mine;
    });
    await assert.rejects(call, (error) => error === mine);
    assert.equal((await pool.execute("select 1 as one")).rows[0]?.["one"], 1);
  });

  test("an error that the function catches still forbids the commit", async ({ pool, table }) => {
    await insert(pool, table, 1);
    const call = pool.transaction(async (transaction) => {
      await insert(transaction, table, 2);
      await insert(transaction, table, 1).catch(() => {});
    });
    await rejects(call, { code: "already_exists", outcome: "not-applied", retryable: false });
    assert.deepEqual(await ids(pool, table), [1]);
  });

  test("after a failed statement the transaction refuses the next one", async ({ pool, table }) => {
    await insert(pool, table, 1);
    await pool.transaction(async (transaction) => {
      await rejects(insert(transaction, table, 1), { code: "already_exists" });
      await rejects(insert(transaction, table, 2), { code: "conflict" });
      throw new Error("enough");
    }).catch((error) => assert.equal(error.message, "enough"));
    assert.deepEqual(await ids(pool, table), [1]);
  });

  test("the handle is of no use after the function has settled", async ({ pool, table }) => {
    const kept = await pool.transaction((transaction) => Promise.resolve(transaction));
    await rejects(insert(kept, table, 1), { code: "closed" });
    await rejects(kept.transaction(() => Promise.resolve()), { code: "closed" });
    await rejects(kept.query.selectFrom("cursor_key").selectAll().execute(), { code: "closed" });
    assert.deepEqual(await ids(pool, table), []);
  });

  test("statements given at the same time run one after the other", async ({ pool, table }) => {
    await pool.transaction(async (transaction) => {
      await Promise.all([1, 2, 3].map((id) => insert(transaction, table, id)));
      await transaction.execute(`update ${table} set label = 'x'`);
    });
    assert.deepEqual(await ids(pool, table), [1, 2, 3]);
  });

  test("a statement that the function did not await is part of the transaction", async ({ pool, table }) => {
    await pool.transaction((transaction) => {
      void insert(transaction, table, 1);
      return Promise.resolve();
    });
    assert.deepEqual(await ids(pool, table), [1]);
  });

  test("a statement that the function did not await forbids the commit if it fails", async ({ pool, table }) => {
    await insert(pool, table, 1);
    const call = pool.transaction(async (transaction) => {
      await insert(transaction, table, 2);
      insert(transaction, table, 1).catch(() => {});
    });
    await rejects(call, { code: "already_exists" });
    assert.deepEqual(await ids(pool, table), [1]);
  });

  test("isolation and readOnly are those of the transaction", async ({ pool, table }) => {
    for (const isolation of ["read committed", "repeatable read", "serializable"] as const) {
      for (const readOnly of [true, false]) {
        const row = await pool.transaction(async (transaction) => {
          const { rows } = await transaction.execute(
            "select current_setting('transaction_isolation') as isolation, " +
              "current_setting('transaction_read_only') as read_only",
          );
          return rows[0];
        }, { isolation, readOnly });
        assert.deepEqual({ ...row }, { isolation, read_only: readOnly ? "on" : "off" });
      }
    }
    const write = pool.transaction((transaction) => insert(transaction, table, 1), {
      readOnly: true,
    });
    await rejects(write, { code: "permission_denied", outcome: "not-applied" });
  });

  test("a write that a read-only transaction refused costs no more than its savepoint", async ({ pool, table }) => {
    const count = await pool.transaction(async (transaction) => {
      const nested = transaction.transaction((inner) => insert(inner, table, 1));
      await rejects(nested, { code: "permission_denied" });
      return (await ids(transaction, table)).length;
    }, { readOnly: true });
    assert.equal(count, 0);
  });

  test("unknown isolations and bad numbers are refused before anything begins", async ({ pool }) => {
    let calls = 0;
    const run = (options: object): Promise<void> =>
      pool.transaction(() => Promise.resolve(void calls++), options);
    const injection = "serializable; drop table users";
    for (const isolation of ["SERIALIZABLE", "read uncommitted", injection, "", "constructor"]) {
      await rejects(run({ isolation }), { code: "invalid_input", field: "isolation" });
    }
    for (const retries of [-1, 1.5, NaN, 101, "3"]) {
      await rejects(run({ retries }), { code: "invalid_input", field: "retries" });
    }
    for (const timeoutMs of [0, -1, NaN, Infinity]) {
      await rejects(run({ timeoutMs }), { code: "invalid_input", field: "timeoutMs" });
    }
    assert.equal(calls, 0);
  });

  test("a conflict runs the function again, in a fresh transaction", async ({ pool, table }) => {
    const seen: unknown[] = [];
    const attempts = await pool.transaction(async (transaction) => {
      seen.push(await ids(transaction, table));
      await insert(transaction, table, seen.length);
      if (seen.length < 3) await transaction.execute(CONFLICT);
      return seen.length;
    });
    assert.equal(attempts, 3);
    assert.deepEqual(seen, [[], [], []]);
    assert.deepEqual(await ids(pool, table), [3]);
  });

  test("a conflict that the function wraps or swallows is retried all the same", async ({ pool }) => {
    let attempts = 0;
    await pool.transaction(async (transaction) => {
      attempts++;
      try {
        if (attempts < 3) await transaction.execute(CONFLICT);
      } catch (cause) {
        if (attempts === 1) throw new Error("wrapped", { cause });
      }
    });
    assert.equal(attempts, 3);
  });

  test("conflicts are retried as often as asked for, then rejected", async ({ pool }) => {
    for (const [retries, expected] of [[0, 1], [2, 3], [undefined, 6]] as const) {
      let attempts = 0;
      const call = pool.transaction((transaction) => {
        attempts++;
        return transaction.execute(CONFLICT);
      }, { retries });
      await rejects(call, {
        code: "transaction_conflict",
        outcome: "not-applied",
        retryable: true,
      });
      assert.equal(attempts, expected);
    }
  });

  test("other errors are not retried", async ({ pool, table }) => {
    await insert(pool, table, 1);
    let attempts = 0;
    const call = pool.transaction((transaction) => {
      attempts++;
      return insert(transaction, table, 1);
    });
    await rejects(call, { code: "already_exists" });
    assert.equal(attempts, 1);
  });
}
