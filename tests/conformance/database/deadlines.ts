import assert from "node:assert/strict";
import {
  CONFLICT,
  type DatabaseTest,
  forever,
  gate,
  ids,
  insert,
  type PoolHarness,
  rejects,
  settlesWithin,
} from "./harness.ts";

/** Deadlines and signals. */
export function testDeadlines(test: DatabaseTest, { capabilities }: PoolHarness): void {
  test("a call with a signal that has fired rejects with aborted and changes nothing", async ({ pool, table }) => {
    const options = { signal: AbortSignal.abort("mine") };
    let called = false;
    const calls = [
      () => pool.execute(`insert into ${table} (id) values (1)`, [], options),
      () => pool.describe("select 1", "describe", options),
      () => pool.check(options),
      () => pool.transaction(() => Promise.resolve(called = true), options),
    ];
    for (const call of calls) await rejects(call(), { code: "aborted", outcome: "not-applied" });
    await pool.transaction(async (transaction) => {
      const statement = transaction.execute(`insert into ${table} (id) values (2)`, [], options);
      await rejects(statement, { code: "aborted", outcome: "not-applied" });
      const nested = transaction.transaction(() => Promise.resolve(called = true), options);
      await rejects(nested, { code: "aborted" });
      throw new Error("enough");
    }).catch((error) => assert.equal(error.message, "enough"));
    assert.equal(called, false);
    assert.deepEqual(await ids(pool, table), []);
  });

  test("a signal that cannot abort is refused before anything is sent", async ({ pool, table }) => {
    const options = { signal: 5 as unknown as AbortSignal };
    const text = `insert into ${table} (id) values (1)`;
    const expected = { code: "invalid_input", field: "signal" };
    await rejects(pool.execute(text, [], options), expected);
    await rejects(pool.transaction(() => Promise.resolve(), options), expected);
    await pool.transaction(async (transaction) => {
      await rejects(transaction.execute(text, [], options), expected);
    });
    assert.deepEqual(await ids(pool, table), []);
  });

  test("a bad timeout is refused before anything is sent", async ({ pool, table }) => {
    for (const timeoutMs of [0, -1, NaN, Infinity, "50" as unknown as number]) {
      const text = `insert into ${table} (id) values (1)`;
      const expected = { code: "invalid_input", field: "timeoutMs" };
      await rejects(pool.execute(text, [], { timeoutMs }), expected);
      await pool.transaction(async (transaction) => {
        await rejects(transaction.execute(text, [], { timeoutMs }), expected);
      });
    }
    assert.deepEqual(await ids(pool, table), []);
  });

  test("a transaction whose function never settles is rolled back at its deadline", async ({ pool, table }) => {
    let handle: Parameters<Parameters<typeof pool.transaction>[0]>[0] | undefined;
    const call = pool.transaction(async (transaction) => {
      handle = transaction;
      await insert(transaction, table, 1);
      return await forever<void>();
    }, { timeoutMs: 100 });
    const expected = { code: "timeout", outcome: "not-applied", retryable: false };
    await settlesWithin(5_000, rejects(call, expected));
    await rejects(insert(handle!, table, 2), { code: "closed" });
    assert.deepEqual(await ids(pool, table), []);
  });

  test("a signal ends a transaction at once", async ({ pool, table }) => {
    const controller = new AbortController();
    const call = pool.transaction(async (transaction) => {
      await insert(transaction, table, 1);
      controller.abort("mine");
      return await forever<void>();
    }, { signal: controller.signal });
    const expected = { code: "aborted", outcome: "not-applied", retryable: false };
    await settlesWithin(2_000, rejects(call, expected));
    assert.deepEqual(await ids(pool, table), []);
  });

  test("a nested transaction that is interrupted costs the whole transaction", async ({ pool, table }) => {
    const call = pool.transaction(async (outer) => {
      await insert(outer, table, 1);
      const nested = outer.transaction(() => forever<void>(), { timeoutMs: 50 });
      await settlesWithin(5_000, rejects(nested, { code: "timeout" }));
      await rejects(insert(outer, table, 2), { code: "unavailable" });
    });
    await rejects(call, { code: "unavailable", outcome: "not-applied" });
    assert.deepEqual(await ids(pool, table), []);
  });

  test("a signal ends the pause between two attempts", async ({ pool }) => {
    const controller = new AbortController();
    let attempts = 0;
    let abortedAtMs = Infinity;
    const call = pool.transaction((transaction) => {
      // By now the pauses are long.
      if (++attempts === 8) {
        setTimeout(() => {
          abortedAtMs = performance.now();
          controller.abort("mine");
        }, 1);
      }
      return transaction.execute(CONFLICT);
    }, { signal: controller.signal, retries: 100 });
    await rejects(call, { code: "aborted" });
    const tookMs = performance.now() - abortedAtMs;
    assert.ok(tookMs < 100, `it took ${tookMs} ms`);
  });

  test("the deadline of a transaction covers all its attempts", async ({ pool }) => {
    const call = pool.transaction((transaction) => transaction.execute(CONFLICT), {
      retries: 100,
      timeoutMs: 100,
    });
    const error = await settlesWithin(5_000, call.catch((error) => error));
    // The last conflict, if the next pause would outlast the deadline; else it ends an attempt.
    assert.ok(["transaction_conflict", "timeout"].includes(error.code), String(error));
  });

  test("the deadline of a call covers its wait for a connection, and the error says why", async ({ small }) => {
    const pool = await small();
    const end = gate();
    const holder = pool.transaction(() => end.opened);
    const calls = [
      () => pool.execute("select 1", [], { timeoutMs: 50 }),
      () => pool.transaction(() => Promise.resolve(), { timeoutMs: 50 }),
      () => pool.describe("select 1", "describe", { timeoutMs: 50 }),
    ];
    for (const call of calls) {
      const expected = { code: "overloaded", outcome: "not-applied", retryable: true };
      await settlesWithin(5_000, rejects(call(), expected));
    }
    const controller = new AbortController();
    const waiting = pool.execute("select 1", [], { signal: controller.signal });
    controller.abort("mine");
    await settlesWithin(2_000, rejects(waiting, { code: "aborted", outcome: "not-applied" }));
    end.open();
    await holder;
    await pool.execute("select 1");
  });

  test("a full queue refuses the next caller at once", async ({ small }) => {
    const pool = await small();
    const [begun, end] = [gate(), gate()];
    const holder = pool.transaction(() => (begun.open(), end.opened));
    await begun.opened;
    const waiting = [pool.execute("select 1"), pool.execute("select 1")];
    await settlesWithin(2_000, rejects(pool.execute("select 1"), { code: "overloaded" }));
    end.open();
    await Promise.all([holder, ...waiting]);
  });

  if (!capabilities.interruptible) return;

  test("a statement is stopped at its deadline, and its outcome is unknown if it could write", async ({ pool }) => {
    const sleep = "select pg_sleep(10)";
    // With a connection at hand, the time goes to the statement.
    await pool.execute("select 1");
    const call = pool.execute(sleep, [], { timeoutMs: 100 });
    await settlesWithin(
      5_000,
      rejects(call, { code: "timeout", outcome: "unknown", retryable: false }),
    );
    await pool.execute("select 1");
    const controller = new AbortController();
    const aborted = pool.execute(sleep, [], { signal: controller.signal });
    setTimeout(() => controller.abort("mine"), 50);
    await settlesWithin(5_000, rejects(aborted, { code: "aborted", outcome: "unknown" }));
    await pool.execute("select 1");
  });

  test("a transaction settles at its deadline also while a statement runs", async ({ pool, table }) => {
    const call = pool.transaction(async (transaction) => {
      await insert(transaction, table, 1);
      await transaction.execute("select pg_sleep(10)");
    }, { timeoutMs: 200 });
    await settlesWithin(5_000, rejects(call, { code: "timeout", outcome: "not-applied" }));
    assert.deepEqual(await ids(pool, table), []);
  });

  test("a statement that is stopped in a transaction rolls it back", async ({ pool, table }) => {
    const call = pool.transaction(async (transaction) => {
      await insert(transaction, table, 1);
      await transaction.execute("select pg_sleep(10)", [], { timeoutMs: 100 }).catch(() => {});
    });
    await settlesWithin(5_000, rejects(call, { code: "timeout", outcome: "not-applied" }));
    assert.deepEqual(await ids(pool, table), []);
  });
}
