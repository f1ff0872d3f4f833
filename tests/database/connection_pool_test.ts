import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConnectionPool,
  type ConnectionPoolOptions,
  type PooledConnection,
} from "../../database/connection_pool.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { FakeDriver, forever, settle } from "../support/fake_driver.ts";

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

test("an idle connection is closed after the idle timeout, to the millisecond", async () => {
  const { pool, driver, clock } = open({ idleTimeoutMs: 100 });
  const [one, two] = [await pool.acquire("work"), await pool.acquire("work")];
  pool.release(one);
  clock.advance(60);
  pool.release(two);
  clock.advance(39);
  assert.equal(pool.stats.total, 2);
  clock.advance(1);
  assert.deepEqual(driver.connections.map(({ closed }) => closed), [true, false]);
  clock.advance(59);
  assert.equal(pool.stats.total, 1);
  clock.advance(1);
  assert.deepEqual(pool.stats, { total: 0, idle: 0, waiting: 0 });
  pool.release(await pool.acquire("work"));
  clock.advance(100);
  assert.equal(pool.stats.total, 0);
});

test("a connection past its lifetime is closed when it comes back", async () => {
  const { pool, driver, clock } = open({ maxLifetimeMs: 100 });
  const pooled = await pool.acquire("work");
  clock.advance(100);
  pool.release(pooled);
  assert.equal(await pool.acquire("work"), pooled);
  clock.advance(1);
  pool.release(pooled);
  assert.equal(driver.connections[0]?.closed, true);
  assert.notEqual(await pool.acquire("work"), pooled);
});

test("a connection is tried after it idled, and lent if it answers", async () => {
  const { pool, driver, clock } = open({ validateAfterIdleMs: 100 });
  pool.release(await pool.acquire("work"));
  clock.advance(100);
  pool.release(await pool.acquire("work"));
  assert.deepEqual(driver.connections[0]?.texts, []);
  clock.advance(101);
  await pool.acquire("work");
  assert.deepEqual(driver.connections[0]?.texts, ["select 1"]);
  assert.equal(driver.attempted, 1);
});

test("one that does not answer is replaced after a second, with those that idled longer", async () => {
  const { pool, driver, clock } = open({ validateAfterIdleMs: 100 });
  const lent = await acquireMany(pool, 3);
  for (const pooled of lent) {
    pool.release(pooled);
    clock.advance(1);
  }
  clock.advance(200);
  for (const connection of driver.connections) connection.answer = () => forever();
  const call = pool.acquire("work");
  await settle();
  clock.advance(1_000);
  const fresh = await call;
  assert.ok(!lent.includes(fresh));
  assert.deepEqual(driver.connections.map(({ closed }) => closed), [true, true, true, false]);
});

test("one that was used meanwhile is not blamed for another that does not answer", async () => {
  const { pool, driver, clock } = open({ validateAfterIdleMs: 100 });
  const [one, two] = await acquireMany(pool, 2) as [PooledConnection, PooledConnection];
  pool.release(one);
  clock.advance(200);
  driver.connections[0]!.answer = () => forever();
  const call = pool.acquire("work");
  await settle();
  const third = pool.acquire("work");
  pool.release(two);
  assert.equal(await call, two);
  pool.release(two);
  pool.release(await third);
  clock.advance(1_000);
  await settle();
  assert.equal(driver.connections[0]?.closed, true);
  assert.equal(driver.connections[1]?.closed, false);
});

test("waiting for a connection to answer ends with the caller's deadline", async () => {
  const { pool, driver, clock } = open({ validateAfterIdleMs: 100 });
  pool.release(await pool.acquire("work"));
  clock.advance(200);
  driver.connections[0]!.answer = () => forever();
  const call = assert.rejects(pool.acquire("work", { timeoutMs: 20 }), { code: "unavailable" });
  await settle();
  clock.advance(20);
  await call;
});

test("an idle connection that breaks is forgotten at once", async () => {
  const { pool, driver } = open();
  pool.release(await pool.acquire("work"));
  driver.connections[0]?.break();
  assert.deepEqual(pool.stats, { total: 0, idle: 0, waiting: 0 });
  await pool.acquire("work");
  assert.equal(driver.attempted, 2);
});

test("a lent connection that breaks is closed when it comes back", async () => {
  const { pool, driver } = open({ max: 1 });
  const pooled = await pool.acquire("work");
  driver.connections[0]?.break();
  const next = pool.acquire("work");
  pool.release(pooled);
  assert.notEqual(await next, pooled);
  assert.equal(pool.stats.total, 1);
});

test("a connection that cannot be reused is closed, and its place is free", async () => {
  const { pool, driver } = open({ max: 1 });
  const pooled = await pool.acquire("work");
  driver.connections[0]!.reusable = false;
  pool.release(pooled);
  assert.equal(driver.connections[0]?.closed, true);
  await pool.acquire("work");
});

test("a driver whose connections serve one use each is asked once for each use", async () => {
  const { pool, driver } = open({ max: 2 });
  const connect = driver.connect.bind(driver);
  driver.connect = async (onBroken) => Object.assign(await connect(onBroken), { reusable: false });
  for (let i = 1; i <= 3; i++) {
    pool.release(await pool.acquire("work"));
    assert.equal(driver.attempted, i);
  }
});

test("destroying is idempotent and makes room for the next caller", async () => {
  const { pool, driver } = open({ max: 1 });
  const pooled = await pool.acquire("work");
  const next = pool.acquire("work");
  pool.destroy(pooled);
  pool.destroy(pooled);
  pool.release(pooled);
  await next;
  assert.deepEqual(pool.stats, { total: 1, idle: 0, waiting: 0 });
  assert.equal(driver.attempted, 2);
});

test("close refuses new callers and those in the queue, waits for lent ones, and closes all", async () => {
  const { pool, driver } = open({ max: 2 });
  const [one, two] = await acquireMany(pool, 2) as [PooledConnection, PooledConnection];
  const waiting = assert.rejects(pool.acquire("load user"), {
    ...{ code: "closed", operation: "load user", message: "Cannot load user: the pool is closed" },
  });
  let closed = false;
  const closing = pool.close().then(() => closed = true);
  await waiting;
  await assert.rejects(pool.acquire("work"), { code: "closed" });
  assert.equal(pool.acquireIdle(), undefined);
  pool.release(one);
  await settle();
  assert.deepEqual([closed, driver.closed], [false, false]);
  pool.release(two);
  await closing;
  assert.ok(driver.closed && driver.connections.every((one) => one.closed));
  assert.equal(pool.close(), pool.close());
});

test("close closes what is still lent after its deadline", async () => {
  const { pool, driver, clock } = open();
  const pooled = await pool.acquire("work");
  const closing = pool.close(100);
  await settle();
  clock.advance(100);
  await settle();
  assert.ok(driver.connections[0]?.closed);
  await closing;
  pool.release(pooled);
  assert.deepEqual(pool.stats, { total: 0, idle: 0, waiting: 0 });
});

test("close waits for a connection that is being opened, and closes it", async () => {
  const { pool, driver } = open();
  const connected = Promise.withResolvers<void>();
  driver.attempts.push(() => connected.promise);
  const call = assert.rejects(pool.acquire("work"), { code: "closed" });
  const closing = pool.close();
  await call;
  connected.resolve();
  await closing;
  assert.deepEqual(driver.connections.map(({ closed }) => closed), [true]);
});

test("close does not wait for a connection that does not say goodbye", async () => {
  const { pool, driver, clock } = open();
  pool.release(await pool.acquire("work"));
  driver.connections[0]!.close = () => forever();
  const closing = pool.close();
  await settle();
  clock.advance(1_000);
  await closing;
  assert.ok(driver.closed);
});

function open(
  options: ConnectionPoolOptions = {},
  driver = new FakeDriver(),
): { pool: ConnectionPool; driver: FakeDriver; clock: ManualClock } {
  const clock = new ManualClock();
  return { pool: new ConnectionPool(driver, options, clock), driver, clock };
}

function acquireMany(pool: ConnectionPool, count: number): Promise<PooledConnection[]> {
  return Promise.all(Array.from({ length: count }, () => pool.acquire("work")));
}
