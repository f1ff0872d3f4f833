import assert from "node:assert/strict";
import { test } from "node:test";
import { RateLimitWindow, rateStepMs } from "../../cache/rate_limit_window.ts";

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 1);
const one = { limit: 2, cost: 1 };

test("a step is a 60th of the window, rounded up to whole milliseconds", () => {
  const windows = [1, 60, 61, 600, 60_000, 60_001, 2_147_483_647];
  assert.deepEqual(windows.map(rateStepMs), [1, 1, 2, 10, 1_000, 1_001, 35_791_395]);
});

test("what passes counts until its whole step has left the window, to the millisecond", () => {
  for (const [offsetMs, leavesMs] of [[0, 61_000], [1, 61_000], [999, 61_000], [1_000, 62_000]]) {
    const window = new RateLimitWindow(MINUTE_MS);
    const { resetAt } = window.take({ limit: 1, cost: 1 }, START_MS + offsetMs!);
    assert.equal(resetAt.getTime(), START_MS + leavesMs!);
    assert.equal(window.isEmpty(START_MS + leavesMs! - 1), false);
    assert.equal(window.take({ limit: 1, cost: 1 }, START_MS + leavesMs! - 1).allowed, false);
    assert.equal(window.take({ limit: 1, cost: 0 }, START_MS + leavesMs!).remaining, 1);
    assert.equal(window.isEmpty(START_MS + leavesMs!), true);
  }
});

test("the result says what is left, when a call can pass, and when all is available", () => {
  const window = new RateLimitWindow(MINUTE_MS);
  const at = (ms: number): Date => new Date(START_MS + ms);
  const take = (ms: number, cost: number) => window.take({ limit: 10, cost }, START_MS + ms);
  assert.deepEqual(take(0, 0), { allowed: true, remaining: 10, resetAt: at(0), retryAfterMs: 0 });
  assert.deepEqual(take(0, 4), {
    allowed: true,
    remaining: 6,
    resetAt: at(61_000),
    retryAfterMs: 0,
  });
  assert.deepEqual(take(5_500, 5), {
    allowed: true,
    remaining: 1,
    resetAt: at(66_000),
    retryAfterMs: 0,
  });
  const refused = { allowed: false, remaining: 1, resetAt: at(66_000) };
  assert.deepEqual(take(6_000, 2), { ...refused, retryAfterMs: 55_000 });
  assert.deepEqual(take(6_000, 5), { ...refused, retryAfterMs: 55_000 });
  assert.deepEqual(take(6_000, 6), { ...refused, retryAfterMs: 60_000 });
  assert.equal(take(61_000, 5).allowed, true);
  assert.equal(take(66_000, 0).remaining, 5);
});

test("what passed under a greater limit leaves nothing, never less, and looking is still allowed", () => {
  const window = new RateLimitWindow(MINUTE_MS);
  window.take({ limit: 9, cost: 4 }, START_MS);
  window.take({ limit: 9, cost: 5 }, START_MS + 1_000);
  const resetAt = new Date(START_MS + 62_000);
  assert.deepEqual(window.take({ limit: 5, cost: 1 }, START_MS + 1_000), {
    allowed: false,
    remaining: 0,
    resetAt,
    retryAfterMs: 61_000,
  });
  assert.deepEqual(window.take({ limit: 5, cost: 0 }, START_MS + 1_000), {
    allowed: true,
    remaining: 0,
    resetAt,
    retryAfterMs: 0,
  });
  assert.equal(window.take({ limit: 10, cost: 1 }, START_MS + 1_000).allowed, true);
});

test("when the clock is set back, what has passed counts as long as that clock says", () => {
  const window = new RateLimitWindow(MINUTE_MS);
  assert.equal(window.take(one, START_MS + 10_000).allowed, true);
  const earlier = window.take(one, START_MS);
  assert.deepEqual(earlier.resetAt, new Date(START_MS + 71_000));
  const refused = window.take(one, START_MS);
  assert.deepEqual([refused.allowed, refused.retryAfterMs], [false, 61_000]);
  assert.equal(window.take(one, START_MS + 61_000).allowed, true);
  assert.equal(window.take(one, START_MS + 61_000).allowed, false);
});
