import assert from "node:assert/strict";
import { checkHealth } from "../../../core/health.ts";
import type { DatabasePoolOptions } from "../../../database/database_pool.ts";
import {
  type DatabaseTest,
  forever,
  gate,
  type PoolHarness,
  rejects,
  settlesWithin,
} from "./harness.ts";

/** Numbers, health and the end of a pool. */
export function testLife(test: DatabaseTest, harness: PoolHarness): void {
  test("stats count connections and callers that wait", async ({ small }) => {
    const pool = await small();
    const [begun, end] = [gate(), gate()];
    const holder = pool.transaction(() => (begun.open(), end.opened));
    await begun.opened;
    const waiting = pool.execute("select 1");
    assert.deepEqual(pool.stats, { total: 1, idle: 0, waiting: 1 });
    end.open();
    await Promise.all([holder, waiting]);
    assert.equal(pool.stats.waiting, 0);
    assert.equal(pool.stats.total, pool.stats.idle);
  });

  test("a pool reports its health", async ({ pool }) => {
    const details = await pool.check();
    assert.match(String(details["version"]), /^\d+\.\d+/);
    assert.equal(typeof details["driver"], "string");
    for (const key of ["total", "idle", "waiting"]) assert.equal(typeof details[key], "number");
    const report = await checkHealth([pool]);
    assert.deepEqual([report.healthy, report.parts[0]?.name], [true, "database"]);
  });

  test("bad options of a pool are refused by their names", async () => {
    const bad: DatabasePoolOptions[] = [
      ...[{ max: 0 }, { max: 1.5 }, { max: NaN }, { maxWaiting: 0 }, { acquireTimeoutMs: 0 }],
      ...[{ idleTimeoutMs: -1 }, { maxLifetimeMs: NaN }, { validateAfterIdleMs: Infinity }],
      ...[{ timeoutMs: 0 }, { transactionTimeoutMs: NaN }],
    ];
    for (const options of bad) {
      const field = String(Object.keys(options)[0]);
      await rejects(harness.open(options), { code: "invalid_input", field });
    }
  });

  if (harness.capabilities.concurrent) testConcurrency(test, harness);

  test("close waits for what runs and refuses who waits; later calls are refused", async ({ small }) => {
    const pool = await small();
    const [begun, end] = [gate(), gate()];
    const steps: string[] = [];
    const running = pool.transaction(async (transaction) => {
      begun.open();
      await end.opened;
      await transaction.execute("select 1");
      steps.push("done");
    });
    await begun.opened;
    const waiting = rejects(pool.execute("select 1"), { code: "closed", outcome: "not-applied" });
    const closing = pool.close().then(() => steps.push("closed"));
    await waiting;
    await rejects(pool.execute("select 1"), { code: "closed", outcome: "not-applied" });
    await rejects(pool.transaction(() => Promise.resolve()), { code: "closed" });
    end.open();
    await Promise.all([running, closing]);
    assert.deepEqual(steps, ["done", "closed"]);
    assert.deepEqual(pool.stats, { total: 0, idle: 0, waiting: 0 });
    await rejects(pool.check(), { code: "closed" });
    assert.equal((await checkHealth([pool])).healthy, false);
  });

  test("close is idempotent, and so is disposing", async ({ small }) => {
    const pool = await small();
    await Promise.all([pool.close(), pool.close(), pool[Symbol.asyncDispose]()]);
  });

  test("close does not wait longer than its deadline", async ({ pool }) => {
    const begun = gate();
    const hanging = pool.transaction(() => (begun.open(), forever<void>()), { timeoutMs: 2_000 });
    const interrupted = rejects(hanging, { code: "timeout", outcome: "not-applied" });
    await begun.opened;
    await settlesWithin(1_500, pool.close(50));
    await settlesWithin(3_000, interrupted);
  });
}

function testConcurrency(test: DatabaseTest, harness: PoolHarness): void {
  test("a pool opens no more connections than it may, and serves callers in their order", async () => {
    const pool = await harness.open({ max: 2 });
    await Promise.all(Array.from({ length: 10 }, async () => {
      await pool.execute("select pg_sleep(0.01)");
      assert.ok(pool.stats.total <= 2);
    }));
    await pool.close();
    // With one connection, callers are done in the order in which they were served.
    const narrow = await harness.open({ max: 1 });
    const served: number[] = [];
    await Promise.all(Array.from({ length: 10 }, async (_, caller) => {
      await narrow.execute("select 1");
      served.push(caller);
    }));
    assert.deepEqual(served, Array.from({ length: 10 }, (_, caller) => caller));
    await narrow.close();
  });
}
