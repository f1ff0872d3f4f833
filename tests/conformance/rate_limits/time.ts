import assert from "node:assert/strict";
import type { RateLimitHarness, RateLimitTest } from "./harness.ts";

/** In steps of 10 ms. The watched limit knows what a slow store can have let pass meanwhile. */
const rate = { limit: 4, windowMs: 600 };

/** What comes back, and when. */
export function testRateTime(test: RateLimitTest, harness: RateLimitHarness): void {
  testSliding(test, harness);
  testComingBack(test, harness);
}

function testSliding(test: RateLimitTest, harness: RateLimitHarness): void {
  test("a burst at the end of a window of the clock and one at the start of the next do not both pass", async ({ watch }) => {
    const limit = watch(rate);
    const { windowMs } = rate;
    const leftMs = windowMs - await harness.now() % windowMs;
    await harness.passTime(leftMs > 50 ? leftMs - 50 : leftMs + windowMs - 50);
    const startMs = await harness.now();
    let passed = await limit.takeMany(5);
    await harness.passTime(50);
    passed += await limit.takeMany(5);
    if (await harness.now() <= startMs + windowMs) assert.equal(passed, rate.limit);
  });

  test("through many windows no answer is wrong, whatever the steps of the calls", async ({ watch }) => {
    const limit = watch(rate);
    for (let i = 0; i < 40; i++) {
      await limit.take(i % 3);
      await harness.passTime(i % 7 * 17);
    }
  });

  test("a window of 1 ms and one that is no multiple of 60 ms are kept, too", async ({ watch }) => {
    for (const windowMs of [1, 61, 119]) {
      const limit = watch({ limit: 2, windowMs });
      for (let i = 0; i < 20; i++) {
        await limit.take();
        if (i % 4 === 3) await harness.passTime(i);
      }
    }
  });
}

function testComingBack(test: RateLimitTest, harness: RateLimitHarness): void {
  test("after retryAfterMs a call of the same cost passes", async ({ watch }) => {
    const limit = watch(rate);
    for (const cost of [1, 2, 1]) {
      await limit.take(cost);
      await harness.passTime(30);
    }
    for (const cost of [1, 3, 4]) {
      const { allowed, retryAfterMs } = await limit.take(cost);
      if (allowed) continue; // The store was so slow that something has come back.
      await harness.passTime(retryAfterMs);
      assert.equal((await limit.take(cost)).allowed, true, `${cost} after ${retryAfterMs} ms`);
    }
  });

  test("at resetAt all of the limit is available, and resetAt is now", async ({ watch }) => {
    const limit = watch(rate);
    await limit.take(2);
    await harness.passTime(100);
    const { resetAt } = await limit.take();
    await harness.passTime(Math.max(0, resetAt.getTime() - await harness.now()));
    const { allowed, remaining } = await limit.take(0);
    assert.deepEqual({ allowed, remaining }, { allowed: true, remaining: 4 });
    assert.equal((await limit.take(4)).allowed, true);
  });

  test("calls that go on do not keep away what has left the window", async ({ watch }) => {
    const limit = watch(rate);
    await limit.take(4);
    const endMs = await harness.now() + rate.windowMs + 10;
    let passed = 0;
    while (await harness.now() < endMs) {
      passed += await limit.takeMany(1);
      await harness.passTime(20);
    }
    assert.ok(passed + await limit.takeMany(1) > 0);
  });
}
