import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionPool, type ConnectionPoolOptions } from "../../database/connection_pool.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { FakeDriver, settle } from "../support/fake_driver.ts";

const REFUSED = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

test("the connection that came back last is lent first", async () => {
  const { pool } = open();
  const [one, two] = [await pool.acquire("work"), await pool.acquire("work")];
  pool.release(one);
  pool.release(two);
  assert.equal(await pool.acquire("work"), two);
  assert.equal(await pool.acquire("work"), one);
});

test("nothing is opened before it is asked for, and idle connections are reused", async () => {
  const { pool, driver } = open();
  assert.equal(driver.attempted, 0);
  for (let i = 0; i < 5; i++) pool.release(await pool.acquire("work"));
  assert.equal(driver.attempted, 1);
  assert.deepEqual(pool.stats, { total: 1, idle: 1, waiting: 0 });
});

test("no more connections are opened than allowed, by the pool or by the driver", async () => {
  for (
    const { max, maxConnections } of [{ max: 2, maxConnections: 9 }, { max: 9, maxConnections: 2 }]
  ) {
    const driver = new FakeDriver(maxConnections);
    const { pool } = open({ max }, driver);
    const lent = await Promise.all([pool.acquire("work"), pool.acquire("work")]);
    const third = pool.acquire("work");
    await settle();
    assert.deepEqual(pool.stats, { total: 2, idle: 0, waiting: 1 });
    pool.release(lent[0]);
    assert.equal(await third, lent[0]);
  }
});

test("callers are served in the order in which they came", async () => {
  const { pool } = open({ max: 1 });
  const lent = await pool.acquire("work");
  const served: number[] = [];
  const waiting = [1, 2, 3].map(async (caller) => {
    const pooled = await pool.acquire("work");
    served.push(caller);
    pool.release(pooled);
  });
  pool.release(lent);
  await Promise.all(waiting);
  assert.deepEqual(served, [1, 2, 3]);
});

test("a full pool refuses after the acquire timeout, and says that it is full", async () => {
  const { pool, clock } = open({ max: 2, acquireTimeoutMs: 50 });
  await Promise.all([pool.acquire("work"), pool.acquire("work")]);
  const waiting = pool.acquire("load user");
  const refused = assert.rejects(waiting, {
    ...{ code: "overloaded", operation: "load user", outcome: "not-applied", retryable: true },
    message: "Cannot load user: the pool is full, 2 of 2 connections are in use and 0 other " +
      "callers wait, after 50 ms",
  });
  clock.advance(49);
  assert.equal(pool.stats.waiting, 1);
  clock.advance(1);
  await refused;
  assert.equal(pool.stats.waiting, 0);
});

test("a shorter timeout of the caller wins, a longer one does not", async () => {
  const { pool, clock } = open({ max: 1, acquireTimeoutMs: 50 });
  await pool.acquire("work");
  const short = assert.rejects(pool.acquire("work", { timeoutMs: 10 }), { code: "overloaded" });
  clock.advance(10);
  await short;
  const long = assert.rejects(pool.acquire("work", { timeoutMs: 1_000 }), { code: "overloaded" });
  clock.advance(50);
  await long;
});

test("a bad timeout is refused and leaves nobody in the queue", async () => {
  const { pool } = open({ max: 1 });
  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    await assert.rejects(pool.acquire("work", { timeoutMs }), { field: "timeoutMs" });
  }
  assert.equal(pool.stats.waiting, 0);
});

test("the queue is bounded", async () => {
  const { pool } = open({ max: 1, maxWaiting: 2 });
  const lent = await pool.acquire("work");
  const waiting = [pool.acquire("work"), pool.acquire("work")];
  await assert.rejects(pool.acquire("work"), { code: "overloaded", retryable: true });
  pool.release(lent);
  pool.release(await waiting[0]!);
  await waiting[1];
});

test("a caller that gave up leaves the queue, and takes no connection", async () => {
  const { pool, clock } = open({ max: 1, acquireTimeoutMs: 50 });
  const lent = await pool.acquire("work");
  const controller = new AbortController();
  const aborted = assert.rejects(pool.acquire("work", { signal: controller.signal }), {
    ...{ code: "aborted", outcome: "not-applied", cause: "mine" },
  });
  const timedOut = assert.rejects(pool.acquire("work"), { code: "overloaded" });
  controller.abort("mine");
  clock.advance(50);
  await Promise.all([aborted, timedOut]);
  const last = pool.acquire("work");
  pool.release(lent);
  assert.equal(await last, lent);
});

test("a signal that has fired refuses before anything is opened", async () => {
  const { pool, driver } = open();
  await assert.rejects(pool.acquire("work", { signal: AbortSignal.abort() }), { code: "aborted" });
  assert.equal(driver.attempted, 0);
});

test("a connection that arrives in the moment of the abort goes back to the pool", async () => {
  const { pool } = open({ max: 1 });
  const lent = await pool.acquire("work");
  const controller = new AbortController();
  const waiting = assert.rejects(pool.acquire("work", { signal: controller.signal }), {
    code: "aborted",
  });
  pool.release(lent);
  controller.abort();
  await waiting;
  await settle();
  assert.deepEqual(pool.stats, { total: 1, idle: 1, waiting: 0 });
  assert.equal(pool.acquireIdle(), lent);
});

test("a connection for a caller that gave up serves the next one", async () => {
  const { pool, driver, clock } = open({ max: 1, acquireTimeoutMs: 50 });
  const connected = Promise.withResolvers<void>();
  driver.attempts.push(() => connected.promise);
  const first = assert.rejects(pool.acquire("work"), {
    ...{ code: "unavailable", retryable: true, outcome: "not-applied" },
    message: "Cannot work: the server did not accept a connection within 50 ms",
  });
  clock.advance(50);
  await first;
  const second = pool.acquire("work");
  connected.resolve();
  await second;
  assert.equal(driver.attempted, 1);
});

test("why a connection cannot be opened reaches the caller", async () => {
  const { pool, driver } = open();
  driver.attempts.push(() => Promise.reject(REFUSED));
  await assert.rejects(pool.acquire("load user"), {
    ...{ code: "unavailable", operation: "load user", outcome: "not-applied", retryable: true },
    message:
      "Cannot load user: the server refused the connection; it is down, or the port is wrong",
  });
  pool.release(await pool.acquire("work"));
});

test("after a failed attempt the next caller gets an attempt of its own", async () => {
  const { pool, driver } = open({ max: 1 });
  for (let i = 0; i < 2; i++) driver.attempts.push(() => Promise.reject(REFUSED));
  const calls = [1, 2, 3].map(() => pool.acquire("work"));
  const results = await Promise.allSettled(calls);
  assert.deepEqual(results.map(({ status }) => status), ["rejected", "rejected", "fulfilled"]);
  assert.equal(driver.attempted, 3);
});

test("a server that is down is tried once for each caller, not more", async () => {
  const { pool, driver } = open({ max: 4 });
  driver.connect = () => (driver.attempted++, Promise.reject(REFUSED));
  const results = await Promise.allSettled(Array.from({ length: 50 }, () => pool.acquire("work")));
  assert.ok(results.every(({ status }) => status === "rejected"));
  assert.equal(driver.attempted, 50);
  await settle();
  assert.deepEqual(pool.stats, { total: 0, idle: 0, waiting: 0 });
});

test("one connection is opened for each caller that waits, not more", async () => {
  const { pool, driver } = open({ max: 10 });
  await Promise.all([1, 2, 3].map(() => pool.acquire("work")));
  assert.equal(driver.attempted, 3);
});

function open(
  options: ConnectionPoolOptions = {},
  driver = new FakeDriver(),
): { pool: ConnectionPool; driver: FakeDriver; clock: ManualClock } {
  const clock = new ManualClock();
  return { pool: new ConnectionPool(driver, options, clock), driver, clock };
}
