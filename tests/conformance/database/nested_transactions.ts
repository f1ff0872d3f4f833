import assert from "node:assert/strict";
import { CONFLICT, type DatabaseTest, gate, ids, insert, rejects } from "./harness.ts";

/** Transactions inside of transactions. */
export function testNestedTransactions(test: DatabaseTest): void {
  test("a nested transaction that rejects is undone, and the outer one goes on", async ({ pool, table }) => {
    await pool.transaction(async (outer) => {
      await insert(outer, table, 1);
      const mine = new Error("mine");
      const nested = outer.transaction(async (inner) => {
        await insert(inner, table, 2);
        throw mine;
      });
      await assert.rejects(nested, (error) => error === mine);
      await insert(outer, table, 3);
    });
    assert.deepEqual(await ids(pool, table), [1, 3]);
  });

  test("a statement that fails in a nested transaction leaves the outer one usable", async ({ pool, table }) => {
    await insert(pool, table, 1);
    await pool.transaction(async (outer) => {
      await rejects(outer.transaction((inner) => insert(inner, table, 1)), {
        code: "already_exists",
      });
      await insert(outer, table, 2);
    });
    assert.deepEqual(await ids(pool, table), [1, 2]);
  });

  test("an error that a nested function catches undoes the nested transaction", async ({ pool, table }) => {
    await insert(pool, table, 1);
    await pool.transaction(async (outer) => {
      const nested = outer.transaction(async (inner) => {
        await insert(inner, table, 2);
        await insert(inner, table, 1).catch(() => {});
      });
      await rejects(nested, { code: "already_exists" });
      await insert(outer, table, 3);
    });
    assert.deepEqual(await ids(pool, table), [1, 3]);
  });

  test("nested transactions nest, and each undoes its own part", async ({ pool, table }) => {
    await pool.transaction(async (outer) => {
      await insert(outer, table, 1);
      await outer.transaction(async (middle) => {
        await insert(middle, table, 2);
        await middle.transaction((inner) => insert(inner, table, 3));
        await middle.transaction(async (inner) => {
          await insert(inner, table, 4);
          throw new Error("inner");
        }).catch(() => {});
        await insert(middle, table, 5);
      });
      await outer.transaction(async (middle) => {
        await middle.transaction((inner) => insert(inner, table, 6));
        throw new Error("middle");
      }).catch(() => {});
    });
    assert.deepEqual(await ids(pool, table), [1, 2, 3, 5]);
  });

  test("many nested transactions that fail do not pile up", async ({ pool, table }) => {
    await pool.transaction(async (outer) => {
      for (let i = 0; i < 50; i++) {
        await outer.transaction(() => Promise.reject(new Error("undone"))).catch(() => {});
      }
      await insert(outer, table, 1);
      // A savepoint that was left would be found under its name.
      await assert.rejects(outer.execute("release savepoint exchange_1"), { sqlState: "3B001" });
      throw new Error("enough");
    }).catch((error) => assert.equal(error.message, "enough"));
    assert.deepEqual(await ids(pool, table), []);
  });

  test("while a nested transaction runs, the outer handle refuses with nested_call", async ({ pool, table }) => {
    await pool.transaction(async (outer) => {
      await outer.transaction(async (inner) => {
        await rejects(insert(outer, table, 1), { code: "nested_call" });
        await rejects(outer.transaction(() => Promise.resolve()), { code: "nested_call" });
        await insert(inner, table, 2);
      });
      await insert(outer, table, 3);
    });
    assert.deepEqual(await ids(pool, table), [2, 3]);
  });

  test("of two nested transactions at the same time the second is refused", async ({ pool, table }) => {
    await pool.transaction(async (outer) => {
      const first = outer.transaction((inner) => insert(inner, table, 1));
      const second = outer.transaction((inner) => insert(inner, table, 2));
      await rejects(second, { code: "nested_call" });
      await first;
      await outer.transaction((inner) => insert(inner, table, 3));
    });
    assert.deepEqual(await ids(pool, table), [1, 3]);
  });

  test("a nested handle is of no use after its function has settled", async ({ pool, table }) => {
    await pool.transaction(async (outer) => {
      const kept = await outer.transaction((inner) => Promise.resolve(inner));
      await rejects(insert(kept, table, 1), { code: "closed" });
    });
    assert.deepEqual(await ids(pool, table), []);
  });

  test("a nested transaction that was not awaited forbids the commit", async ({ pool, table }) => {
    const end = gate();
    let nested: Promise<unknown> = Promise.resolve();
    const call = pool.transaction(async (outer) => {
      const begun = gate();
      nested = outer.transaction(async (inner) => {
        await insert(inner, table, 1);
        begun.open();
        await end.opened;
        await insert(inner, table, 2);
      });
      nested.catch(() => {});
      await begun.opened;
    });
    await rejects(call, { code: "nested_call", outcome: "not-applied" });
    end.open();
    await rejects(nested, { code: "closed" });
    assert.deepEqual(await ids(pool, table), []);
  });

  test("a nested transaction has the isolation, readOnly and retries of the outermost", async ({ pool }) => {
    await pool.transaction(async (outer) => {
      for (
        const [field, value] of [["isolation", "serializable"], ["readOnly", true], ["retries", 1]]
      ) {
        const options = { [String(field)]: value };
        const nested = outer.transaction(() => Promise.resolve(), options);
        await rejects(nested, { code: "invalid_input", field: String(field) });
      }
    });
  });

  test("a conflict in a nested transaction runs the outermost one again", async ({ pool, table }) => {
    let attempts = 0;
    await pool.transaction(async (outer) => {
      attempts++;
      await insert(outer, table, attempts);
      await outer.transaction(async (inner) => {
        if (attempts < 3) await inner.execute(CONFLICT);
      });
    });
    assert.equal(attempts, 3);
    assert.deepEqual(await ids(pool, table), [3]);
  });

  test("a conflict that a nested function wraps runs the outermost one again, too", async ({ pool }) => {
    let attempts = 0;
    await pool.transaction(async (outer) => {
      attempts++;
      await outer.transaction(async (inner) => {
        if (attempts === 3) return;
        await inner.execute(CONFLICT).catch((cause) => {
          throw new Error("wrapped", { cause });
        });
      });
    });
    assert.equal(attempts, 3);
  });
}
