import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionPool } from "../../database/connection_pool.ts";
import type { DriverQuery, DriverResult } from "../../database/driver.ts";
import { Session } from "../../database/session.ts";
import type { Transaction } from "../../database/transaction.ts";
import { attemptTransaction, beginStatement } from "../../database/transaction_attempt.ts";
import { FakeConnection, FakeDriver, forever, NOTHING } from "../support/fake_driver.ts";

test("each isolation and access mode has its statement", () => {
  assert.equal(beginStatement({}), "begin");
  assert.equal(beginStatement({ readOnly: false }), "begin");
  assert.equal(beginStatement({ readOnly: true }), "begin read only");
  for (const isolation of ["read committed", "repeatable read", "serializable"] as const) {
    assert.equal(beginStatement({ isolation }), `begin isolation level ${isolation}`);
  }
  const both = beginStatement({ isolation: "serializable", readOnly: true });
  assert.equal(both, "begin isolation level serializable read only");
});

test("a transaction begins, runs and commits", async () => {
  const { run, connection } = await open();
  assert.equal(
    await run(async (transaction) => (await transaction.execute("insert"), "done")),
    "done",
  );
  assert.deepEqual(connection.texts, ["begin", "insert", "commit"]);
});

test("a function that rejects rolls back", async () => {
  const { run, connection, session } = await open();
  await assert.rejects(run(() => Promise.reject(new Error("mine"))), { message: "mine" });
  assert.deepEqual(connection.texts, ["begin", "rollback"]);
  assert.equal(session.usable, true);
});

test("a lost reply to the commit is unknown, and is not followed by a rollback", async () => {
  const lost = { code: "ECONNRESET" };
  const { run, connection } = await open((one, { text }) => text === "commit" && one.lose(lost));
  await assert.rejects(run(() => Promise.resolve()), {
    ...{ code: "unavailable", outcome: "unknown", retryable: false },
    operation: "commit transaction",
  });
  assert.deepEqual(connection.texts, ["begin", "commit"]);
});

test("a server that goes down instead of confirming the commit leaves it unknown", async () => {
  const { run } = await open((one, { text }) => text === "commit" && one.fail("57P01"));
  const expected = { code: "unavailable", outcome: "unknown", retryable: false, sqlState: "57P01" };
  await assert.rejects(run(() => Promise.resolve()), expected);
});

test("a commit that the server refuses is not applied", async () => {
  for (
    const [sqlState, code] of [["40001", "transaction_conflict"], ["23503", "constraint_violated"]]
  ) {
    const { run } = await open((one, { text }) => text === "commit" && one.fail(sqlState!));
    await assert.rejects(run(() => Promise.resolve()), { code, outcome: "not-applied" });
  }
});

test("a commit that the server answers with a rollback is a conflict", async () => {
  const { run } = await open((_, { text }) =>
    text === "commit" && Promise.resolve({ ...NOTHING, command: "ROLLBACK" })
  );
  await assert.rejects(run(() => Promise.resolve()), { code: "conflict", outcome: "not-applied" });
});

test("a connection that is lost before the commit means that nothing was applied", async () => {
  const { run, connection } = await open((one, { text }) => text === "insert" && one.lose({}));
  const call = run(async (transaction) => {
    await transaction.execute("insert").catch(() => {});
  });
  await assert.rejects(call, { code: "unavailable", outcome: "not-applied", retryable: true });
  assert.deepEqual(connection.texts, ["begin", "insert"]);
});

test("a connection that dies while the function works is noticed before the commit", async () => {
  const { run, connection } = await open();
  const call = run(() => Promise.resolve(connection.break()));
  await assert.rejects(call, { code: "unavailable", outcome: "not-applied" });
  assert.deepEqual(connection.texts, ["begin"]);
});

test("a failed rollback costs the connection, and the caller gets the first error", async () => {
  const { run, session } = await open((one, { text }) => text === "rollback" && one.fail("XX000"));
  await assert.rejects(run(() => Promise.reject(new Error("mine"))), { message: "mine" });
  assert.equal(session.usable, false);
});

test("a transaction that cannot begin is not run", async () => {
  const { run } = await open((one, { text }) => text === "begin" && one.fail("53300"));
  let called = false;
  await assert.rejects(run(() => Promise.resolve(called = true)), { code: "overloaded" });
  assert.equal(called, false);
});

test("begin and commit keep to the deadline of the transaction", async () => {
  for (const [silent, outcome] of [["begin", "not-applied"], ["commit", "unknown"]] as const) {
    const { run } = await open((_, { text }) => text === silent && forever(), 50);
    const startMs = performance.now();
    await assert.rejects(run(() => Promise.resolve()), { code: "timeout", outcome });
    assert.ok(performance.now() - startMs < 1_000);
  }
});

test("a savepoint that cannot be undone costs the connection", async () => {
  const { run, session } = await open((one, { text }) =>
    text.startsWith("rollback to") && one.fail("XX000")
  );
  const call = run(async (outer) => {
    await outer.transaction(() => Promise.reject(new Error("mine"))).catch(() => {});
  });
  await assert.rejects(call, { code: "unavailable", outcome: "not-applied" });
  assert.equal(session.usable, false);
});

class ScriptedConnection extends FakeConnection {
  fail(code: string): Promise<never> {
    return Promise.reject(Object.assign(new Error("x"), { code }));
  }

  lose(fields: object): Promise<never> {
    this.break();
    return Promise.reject(Object.assign(new Error("x"), fields));
  }
}

type Script = (connection: ScriptedConnection, query: DriverQuery) => Promise<DriverResult> | false;

async function open(script: Script = () => false, timeoutMs = 60_000): Promise<{
  run<T>(fn: (transaction: Transaction) => Promise<T>): Promise<T>;
  connection: ScriptedConnection;
  session: Session;
}> {
  const driver = new FakeDriver();
  const connection: ScriptedConnection = new ScriptedConnection(
    (query) => script(connection, query) || Promise.resolve(NOTHING),
    () => {},
  );
  driver.connect = () => Promise.resolve(connection);
  const pool = new ConnectionPool(driver, {});
  const session = new Session(pool, await pool.acquire("work"));
  const plan = {
    begin: "begin",
    readOnly: false,
    signal: undefined,
    deadlineMs: performance.now() + timeoutMs,
    settings: { timeoutMs: 30_000, named: true },
  };
  return { run: (fn) => attemptTransaction(session, fn, plan), connection, session };
}
