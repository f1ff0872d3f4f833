import assert from "node:assert/strict";
import type { RateLimitTest } from "./harness.ts";

/** So long that nothing comes back during a test. */
const rate = { limit: 10, windowMs: 3_600_000 };

/** What a call takes and what is left. */
export function testRateTaking(test: RateLimitTest): void {
  testLimit(test);
  testCost(test);
  testOtherLimit(test);
  testManyCallers(test);
}

function testLimit(test: RateLimitTest): void {
  test("as much as the limit passes, and no more", async ({ watch }) => {
    const limit = watch(rate);
    for (let left = 9; left >= 0; left--) {
      const { allowed, remaining } = await limit.take();
      assert.deepEqual({ allowed, remaining }, { allowed: true, remaining: left });
    }
    const { allowed, remaining } = await limit.take();
    assert.deepEqual({ allowed, remaining }, { allowed: false, remaining: 0 });
  });

  test("a refused call takes nothing", async ({ watch }) => {
    const limit = watch(rate);
    await limit.take(7);
    for (let i = 0; i < 20; i++) assert.equal((await limit.take(4)).allowed, false);
    assert.equal((await limit.take(3)).allowed, true);
    const { resetAt } = await limit.take();
    for (let i = 0; i < 20; i++) assert.deepEqual((await limit.take()).resetAt, resetAt);
  });

  test("the greatest limit, the longest window and the greatest cost are exact", async ({ watch }) => {
    const limit = watch({ limit: 1_000_000_000, windowMs: 2_147_483_647 });
    assert.equal((await limit.take(999_999_999)).remaining, 1);
    assert.equal((await limit.take(1_000_000_000)).allowed, false);
    assert.equal((await limit.take(1)).remaining, 0);
    assert.equal((await limit.take(1)).allowed, false);
  });
}

function testCost(test: RateLimitTest): void {
  test("a call takes its cost, 1 by default", async ({ limiter, watch }) => {
    assert.equal((await limiter.checkRateLimit("one", rate)).remaining, 9);
    assert.equal((await limiter.checkRateLimit("one", { ...rate, cost: undefined })).remaining, 8);
    const limit = watch(rate);
    assert.equal((await limit.take(4)).remaining, 6);
    assert.equal((await limit.take(6)).remaining, 0);
    assert.equal((await watch(rate, "all").take(10)).remaining, 0);
  });

  test("a cost of 0 only looks, and is allowed also when nothing is left", async ({ watch }) => {
    const limit = watch(rate);
    for (let i = 0; i < 20; i++) assert.equal((await limit.take(0)).remaining, 10);
    await limit.take(10);
    const { resetAt } = await limit.take(0);
    const looked = await limit.take(0);
    assert.deepEqual(looked, { allowed: true, remaining: 0, resetAt, retryAfterMs: 0 });
  });
}

function testOtherLimit(test: RateLimitTest): void {
  test("with another limit, what has passed still counts", async ({ watch }) => {
    const limit = watch(rate);
    await limit.take(8);
    assert.equal((await limit.take(1, 5)).allowed, false);
    assert.equal((await limit.take(1, 8)).allowed, false);
    assert.equal((await limit.take(1, 9)).remaining, 0);
    assert.equal((await limit.take(0, 20)).remaining, 11);
    assert.equal((await limit.take(11, 20)).allowed, true);
  });

  test("what is left is never less than 0, and looking at it is allowed", async ({ watch }) => {
    const limit = watch(rate);
    await limit.take(8);
    for (const cost of [0, 1, 5]) {
      const { allowed, remaining } = await limit.take(cost, 5);
      assert.deepEqual({ allowed, remaining }, { allowed: cost === 0, remaining: 0 });
    }
  });
}

function testManyCallers(test: RateLimitTest): void {
  test("of 100 calls at the same time over two providers, as many as the limit pass", async ({ limiter, openOther }) => {
    const limiters = [limiter, await openOther()];
    const calls = Array.from({ length: 100 }, (_, i) => limiters[i % 2]!);
    const limit = { ...rate, limit: 37 };
    const results = await Promise.all(calls.map((each) => each.checkRateLimit("k", limit)));
    const left = results.filter(({ allowed }) => allowed).map(({ remaining }) => remaining);
    assert.deepEqual(left.sort((a, b) => b - a), Array.from({ length: 37 }, (_, i) => 36 - i));
  });

  test("calls of different costs at the same time never take more than the limit", async ({ limiter, openOther }) => {
    const limiters = [limiter, await openOther()];
    const costs = Array.from({ length: 60 }, (_, i) => i % 4 + 1);
    const results = await Promise.all(
      costs.map((cost, i) => limiters[i % 2]!.checkRateLimit("k", { ...rate, cost })),
    );
    const passed = costs.filter((_, i) => results[i]!.allowed);
    assert.equal(passed.reduce((sum, cost) => sum + cost), 10);
  });
}
