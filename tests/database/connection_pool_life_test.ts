import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ConnectionPool,
  type ConnectionPoolOptions,
  type PooledConnection,
} from "../../database/connection_pool.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { FakeDriver, forever, settle } from "../support/fake_driver.ts";

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
): { pool: ConnectionPool; driver: FakeDriver; clock: ManualClock } {
  const clock = new ManualClock();
  const driver = new FakeDriver();
  return { pool: new ConnectionPool(driver, options, clock), driver, clock };
}

function acquireMany(pool: ConnectionPool, count: number): Promise<PooledConnection[]> {
  return Promise.all(Array.from({ length: count }, () => pool.acquire("work")));
}
