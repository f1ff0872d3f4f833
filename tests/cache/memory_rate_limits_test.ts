import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryRateLimits } from "../../cache/memory_rate_limits.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { rateLimitConformance } from "../conformance/rate_limits.ts";

const clock = new ManualClock();
const spaces = new Map<string, MemoryRateLimits>();

rateLimitConformance(test, {
  name: "memory",
  open: (space) => {
    const limits = spaces.get(space) ?? new MemoryRateLimits({ clock });
    spaces.set(space, limits);
    return Promise.resolve(limits);
  },
  passTime: (ms) => Promise.resolve(clock.advance(ms)),
  now: () => Promise.resolve(clock.now()),
});

const SECOND = { limit: 1, windowMs: 1_000 };

test("a million different keys take no more memory than those that count", async () => {
  const clock = new ManualClock();
  const limits = new MemoryRateLimits({ clock });
  let most = 0;
  for (let i = 0; i < 1_000_000; i++) {
    clock.advance(1);
    await limits.checkRateLimit(`k:${i}`, SECOND);
    most = Math.max(most, limits.size);
  }
  assert.ok(most >= 1_000 && most <= 4_000, `there were ${most} windows for 1,000 keys`);
});

test("after a burst, half as many calls on any key remove what is over", async () => {
  const clock = new ManualClock();
  const limits = new MemoryRateLimits({ clock });
  for (let i = 0; i < 1_000; i++) await limits.checkRateLimit(`k:${i}`, SECOND);
  assert.equal(limits.size, 1_000);
  clock.advance(2_000);
  for (let i = 0; i < 502; i++) await limits.checkRateLimit("k", SECOND);
  assert.equal(limits.size, 1);
});

test("refused calls and looking keep nothing", async () => {
  const limits = new MemoryRateLimits();
  for (let i = 0; i < 100; i++) {
    await limits.checkRateLimit(`k:${i}`, { ...SECOND, cost: 0 });
    await assert.rejects(limits.checkRateLimit(`k:${i}`, { ...SECOND, cost: 2 }));
  }
  assert.equal(limits.size, 0);
});

test("one key too many is an error, and no other key loses its limit", async () => {
  const clock = new ManualClock();
  const limits = new MemoryRateLimits({ maxKeys: 3, clock });
  const minute = { limit: 1, windowMs: 60_000 };
  for (const key of ["a", "b", "c"]) await limits.checkRateLimit(key, minute);
  for (let i = 0; i < 10; i++) {
    await assert.rejects(limits.checkRateLimit(`d:${i}`, minute), {
      code: "resource_exhausted",
      retryable: true,
      message: "Cannot keep a rate limit: there must be at most 3 keys at the same time",
    });
  }
  assert.equal((await limits.checkRateLimit("d", { ...minute, cost: 0 })).remaining, 1);
  for (const key of ["a", "b", "c"]) {
    assert.equal((await limits.checkRateLimit(key, minute)).allowed, false);
  }
  clock.advance(61_000);
  assert.equal((await limits.checkRateLimit("d", minute)).allowed, true);
});

test("without a clock it takes that of the machine", async () => {
  const startMs = Date.now();
  const { resetAt } = await new MemoryRateLimits().checkRateLimit("k", SECOND);
  assert.ok(resetAt.getTime() > startMs + 1_000 && resetAt.getTime() <= Date.now() + 1_017);
});

test("a bad maxKeys is refused by its name", () => {
  for (const maxKeys of [0, -1, 0.5, NaN, Infinity]) {
    assert.throws(() => new MemoryRateLimits({ maxKeys }), { field: "maxKeys" });
  }
});
