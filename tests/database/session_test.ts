import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionPool } from "../../database/connection_pool.ts";
import type { DriverQuery } from "../../database/driver.ts";
import { Session, type SessionOptions, type Step } from "../../database/session.ts";
import { type FakeConnection, FakeDriver, forever } from "../support/fake_driver.ts";

const QUERY: DriverQuery = { text: "insert", values: [] };
const STEP: Step = { operation: "create user", outcomeIfLost: "unknown", defaultTimeoutMs: 5_000 };

test("a step returns what the connection answers, and the connection can be given back", async () => {
  const { session, connection, pool } = await open();
  connection.answer = () => Promise.resolve({ rows: [{ id: 1 }], rowCount: 1, command: "INSERT" });
  assert.deepEqual((await session.execute(QUERY, STEP)).rows, [{ id: 1 }]);
  session.release();
  session.release();
  assert.deepEqual(pool.stats, { total: 1, idle: 1, waiting: 0 });
});

test("a step past its deadline is cancelled and costs the connection", async () => {
  const { session, connection, pool } = await open();
  connection.answer = () => forever();
  const call = session.execute(QUERY, { ...STEP, timeoutMs: 20 });
  await assert.rejects(call, {
    ...{ code: "timeout", operation: "create user", outcome: "unknown", retryable: false },
    message: "Cannot create user: no answer within 20 ms",
  });
  assert.deepEqual([connection.cancelled, connection.closed, session.usable], [1, true, false]);
  session.release();
  assert.equal(pool.stats.total, 0);
});

test("a step that cannot have changed anything may be tried again after its deadline", async () => {
  const { session, connection } = await open();
  connection.answer = () => forever();
  const step = { ...STEP, outcomeIfLost: "not-applied", defaultTimeoutMs: 20 } as const;
  const expected = { code: "timeout", outcome: "not-applied", retryable: true };
  await assert.rejects(session.execute(QUERY, step), expected);
});

test("a signal ends a step at once", async () => {
  const { session, connection } = await open();
  connection.answer = () => forever();
  const controller = new AbortController();
  const call = session.execute(QUERY, { ...STEP, signal: controller.signal });
  controller.abort("mine");
  await assert.rejects(call, { code: "aborted", outcome: "unknown", cause: "mine" });
  assert.deepEqual([connection.cancelled, connection.closed], [1, true]);
});

test("nothing is sent if the signal has fired, the timeout is bad, or there are too many values", async () => {
  const { session, connection } = await open();
  const signal = AbortSignal.abort();
  await assert.rejects(session.execute(QUERY, { ...STEP, signal }), {
    ...{ code: "aborted", outcome: "not-applied" },
  });
  await assert.rejects(session.execute(QUERY, { ...STEP, timeoutMs: NaN }), { field: "timeoutMs" });
  const many = { text: "", values: Array.from({ length: 65_536 }) };
  await assert.rejects(session.execute(many, STEP), { code: "invalid_input" });
  await assert.rejects(session.describe("select 1", { ...STEP, signal }), { code: "aborted" });
  assert.deepEqual(connection.texts, []);
  assert.equal(session.usable, true);
});

test("an answer that comes too late, good or bad, surfaces nowhere", async () => {
  for (const late of [Promise.resolve.bind(Promise), Promise.reject.bind(Promise)]) {
    const { session, connection } = await open();
    const answer = Promise.withResolvers<never>();
    connection.answer = () => answer.promise;
    const call = session.execute(QUERY, { ...STEP, timeoutMs: 5 });
    await assert.rejects(call, { code: "timeout" });
    answer.resolve(late(new Error("late")) as never);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
});

const SPOILING: readonly [sqlState: string, spoils: boolean, options?: SessionOptions][] = [
  ["57P01", true],
  ["08006", true],
  ["25P03", true],
  ["25P04", true],
  ["0A000", true],
  ["26000", true],
  ["25006", true],
  ["25006", false, { readOnly: true }],
  ["23505", false],
  ["40001", false],
  ["57014", false],
  ["42P01", false],
];

for (const [code, spoils, options] of SPOILING) {
  test(`SQLSTATE ${code} ${spoils ? "costs" : "does not cost"} the connection ${options ? "of a read-only session" : ""}`, async () => {
    const { session, connection } = await open(options);
    connection.answer = () => Promise.reject(Object.assign(new Error("x"), { code }));
    await assert.rejects(session.execute(QUERY, STEP), { sqlState: code });
    assert.deepEqual([session.usable, connection.closed], [!spoils, spoils]);
  });
}

test("an error without a code is a bad value where the connection works, else a lost connection", async () => {
  const { session, connection } = await open();
  connection.answer = () => Promise.reject(new TypeError("x"));
  await assert.rejects(session.execute(QUERY, STEP), {
    code: "invalid_input",
    outcome: "not-applied",
  });
  assert.equal(session.usable, true);
  connection.answer = () => {
    connection.break();
    return Promise.reject(new Error("Connection terminated unexpectedly"));
  };
  await assert.rejects(session.execute(QUERY, STEP), { code: "unavailable", outcome: "unknown" });
  assert.equal(session.usable, false);
});

test("a driver that throws instead of rejecting is treated alike", async () => {
  const { session, connection } = await open();
  connection.answer = () => {
    throw Object.assign(new Error("x"), { code: "23505" });
  };
  await assert.rejects(session.execute(QUERY, STEP), { code: "already_exists" });
});

async function open(
  options?: SessionOptions,
): Promise<{ session: Session; connection: FakeConnection; pool: ConnectionPool }> {
  const driver = new FakeDriver();
  const pool = new ConnectionPool(driver, {});
  const session = new Session(pool, await pool.acquire("work"), options);
  return { session, connection: driver.connections[0]!, pool };
}
