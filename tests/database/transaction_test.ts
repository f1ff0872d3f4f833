import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionPool } from "../../database/connection_pool.ts";
import { DatabaseError } from "../../core/errors.ts";
import { Session } from "../../database/session.ts";
import { statement } from "../../database/statement.ts";
import {
  connectionLost,
  refuseCommit,
  settleFunction,
  Transaction,
} from "../../database/transaction.ts";
import { type FakeConnection, FakeDriver, forever, NOTHING } from "../support/fake_driver.ts";

const readKey = statement(
  "read key",
  { key: "text" },
  (db, _: object) => db.selectFrom("cursor_key").select("key"),
);

test("statements are sent one at a time, in the order in which they were given", async () => {
  const { transaction, connection } = await open();
  let running = 0;
  connection.answer = async () => {
    assert.equal(++running, 1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running--;
    return NOTHING;
  };
  await Promise.all(["a", "b", "c"].map((text) => transaction.execute(text)));
  assert.deepEqual(connection.texts, ["a", "b", "c"]);
});

test("a statement that fails does not keep the next one from being sent", async () => {
  const { transaction, connection } = await open();
  connection.answer = ({ text }) => text === "a" ? fail("23505") : Promise.resolve(NOTHING);
  const calls = await Promise.allSettled([transaction.execute("a"), transaction.execute("b")]);
  assert.deepEqual(calls.map(({ status }) => status), ["rejected", "fulfilled"]);
});

test("the first failure is the one that forbids the commit", async () => {
  const { transaction, connection } = await open();
  assert.equal(transaction.failure?.code, undefined);
  connection.answer = () => fail("23505");
  await assert.rejects(transaction.execute("a"));
  connection.answer = () => fail("25P02");
  await assert.rejects(transaction.execute("b"));
  assert.equal(transaction.failure?.code, "already_exists");
});

test("names are sent or not, as configured", async () => {
  for (const named of [true, false]) {
    const { transaction, connection } = await open(named);
    let name: string | undefined;
    connection.answer = (query) => (name = query.name, Promise.resolve(NOTHING));
    await transaction.run(readKey, {});
    assert.equal(typeof name, named ? "string" : "undefined");
  }
});

test("a nested transaction is a savepoint, named after its depth", async () => {
  const { transaction, connection } = await open();
  await transaction.transaction(async (middle) => {
    await middle.transaction((inner) => inner.execute("a"));
    await middle.transaction(() => Promise.reject(new Error("undone"))).catch(() => {});
  });
  assert.deepEqual(connection.texts, [
    "savepoint exchange_1",
    ...["savepoint exchange_2", "a", "release savepoint exchange_2"],
    ...["savepoint exchange_2", "rollback to savepoint exchange_2", "release savepoint exchange_2"],
    "release savepoint exchange_1",
  ]);
});

test("a ping takes its turn also beside a nested transaction, and says when it has come", async () => {
  const { transaction, connection } = await open();
  const answer = Promise.withResolvers<typeof NOTHING>();
  const log: string[] = [];
  await transaction.transaction(async (nested) => {
    connection.answer = ({ text }) => (log.push(text), answer.promise);
    assert.equal(transaction.busy, false);
    const call = nested.execute("a");
    const ping = transaction.ping(1_000, () => log.push("turn"));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([log, transaction.busy, nested.busy], [["a"], true, true]);
    answer.resolve(NOTHING);
    await Promise.all([call, ping]);
    assert.deepEqual([log, transaction.busy], [["a", "turn", "select 1"], false]);
  });
});

test("a ping finds a server that refuses statements after a failure, and no other trouble", async () => {
  const { transaction, connection } = await open();
  connection.answer = () => fail("25P02");
  await transaction.ping(1_000, () => {});
  assert.equal(transaction.failure, undefined);
  connection.answer = () => fail("57P01");
  await assert.rejects(transaction.ping(1_000, () => {}), { code: "unavailable" });
  await assert.rejects(transaction.ping(1_000, () => {}), { message: /lost its connection/ });
  assert.equal(transaction.busy, false);
});

test("a savepoint that cannot be set leaves nothing to undo", async () => {
  const { transaction, connection } = await open();
  connection.answer = () => fail("25P02");
  let called = false;
  const nested = transaction.transaction(() => Promise.resolve(called = true));
  await assert.rejects(nested, { sqlState: "25P02" });
  assert.equal(called, false);
  assert.deepEqual(connection.texts, ["savepoint exchange_1"]);
  connection.answer = () => Promise.resolve(NOTHING);
  await transaction.transaction(() => Promise.resolve());
});

test("end refuses what comes later and waits for what runs", async () => {
  const { transaction, connection } = await open();
  const answer = Promise.withResolvers<typeof NOTHING>();
  connection.answer = () => answer.promise;
  const call = transaction.execute("a");
  let ended = false;
  const end = transaction.end().then(() => ended = true);
  await assert.rejects(transaction.execute("b"), { code: "closed" });
  assert.equal(ended, false);
  answer.resolve(NOTHING);
  await Promise.all([call, end]);
  assert.deepEqual(connection.texts, ["a"]);
});

test("end waits also for what a nested transaction runs, and ends it", async () => {
  const { transaction, connection } = await open();
  const answer = Promise.withResolvers<typeof NOTHING>();
  const begun = Promise.withResolvers<Transaction>();
  const nested = transaction.transaction((inner) => (begun.resolve(inner), forever<void>()));
  nested.catch(() => {});
  const inner = await begun.promise;
  connection.answer = () => answer.promise;
  const call = inner.execute("a");
  const end = transaction.end();
  await assert.rejects(inner.execute("b"), { code: "closed" });
  answer.resolve(NOTHING);
  await Promise.all([call, end]);
  assert.equal(transaction.failure?.code, "nested_call");
});

test("without a connection a statement is refused, and is not applied", async () => {
  const { transaction, connection, session } = await open();
  session.destroy();
  const expected = { code: "unavailable", outcome: "not-applied", message: /lost its connection/ };
  await assert.rejects(transaction.execute("a"), expected);
  assert.deepEqual(connection.texts, []);
  assert.equal(connectionLost("x").code, "unavailable");
});

test("a refused commit keeps code, state and cause of the failure", () => {
  const failure = new DatabaseError("Cannot x: y", {
    ...{ code: "transaction_conflict", operation: "x", retryable: true, sqlState: "40001" },
  });
  const { code, retryable, sqlState, cause, outcome } = refuseCommit(failure);
  assert.deepEqual([code, retryable, sqlState, cause, outcome], [
    ...["transaction_conflict", true, "40001", failure, "not-applied"],
  ]);
});

test("a function without deadline and signal is waited for without a timer", async () => {
  const { session } = await open();
  assert.equal(await settleFunction(session, () => Promise.resolve(5), {}), 5);
  await assert.rejects(
    settleFunction(session, () => Promise.reject(new Error("mine")), {}),
    /mine/,
  );
  assert.equal(session.usable, true);
});

test("a function that is interrupted costs the connection", async () => {
  const { session, connection } = await open();
  const controller = new AbortController();
  const call = settleFunction(session, () => forever(), { signal: controller.signal });
  controller.abort("mine");
  await assert.rejects(call, { code: "aborted", cause: "mine", outcome: "not-applied" });
  assert.equal(connection.closed, true);
});

function fail(code: string): Promise<never> {
  return Promise.reject(Object.assign(new Error("x"), { code }));
}

async function open(
  named = true,
): Promise<{ transaction: Transaction; connection: FakeConnection; session: Session }> {
  const driver = new FakeDriver();
  const pool = new ConnectionPool(driver, {});
  const session = new Session(pool, await pool.acquire("work"));
  const transaction = new Transaction(session, { timeoutMs: 30_000, named });
  return { transaction, connection: driver.connections[0]!, session };
}
