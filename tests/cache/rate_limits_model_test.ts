import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { RedisRateLimits } from "../../cache/adapters/redis/rate_limits.ts";
import type { RunScript } from "../../cache/adapters/redis/script.ts";
import { MemoryRateLimits } from "../../cache/memory_rate_limits.ts";
import type { RateLimit, RateLimiter, RateLimitResult } from "../../cache/rate_limiter.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { lazily } from "../support/lazily.ts";
import { openPlainScripts } from "../support/plain_script.ts";
import { testNamespace } from "../support/redis.ts";
import { findService, serviceTest } from "../support/services.ts";

// Before the first test, whose work would keep an answer waiting.
const service = await findService("redis");
const redisTest = serviceTest(service);

/** The exact log of what passed, as one would explain a sliding window. */
class ExactLog {
  readonly #passed: { readonly atMs: number; readonly cost: number }[] = [];

  add(atMs: number, cost: number): void {
    this.#passed.push({ atMs, cost });
  }

  /** What passed from `fromMs` to `toMs`, both included. */
  between(fromMs: number, toMs: number): number {
    const within = this.#passed.filter(({ atMs }) => fromMs <= atMs && atMs <= toMs);
    return within.reduce((sum, { cost }) => sum + cost, 0);
  }
}

/** A clock that shows what the test says, also an earlier time. */
class TestClock implements Clock {
  readonly monotonic = systemClock.monotonic;
  readonly after = systemClock.after;
  #nowMs: number;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  move(ms: number): void {
    this.#nowMs += ms;
  }
}

/** One call after a wait; `wait` is in steps of the window, so that it is near what matters. */
interface Step {
  readonly wait: number;
  readonly jitterMs: number;
  readonly cost: number;
  readonly limit: number;
}

const windowMs = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.constantFrom(600, 60_000, 3_600_000, 2_147_483_646),
);
const LIMIT = 6;
const step: fc.Arbitrary<Step> = fc.record({
  wait: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 55, max: 130 }) },
  ),
  jitterMs: fc.integer({ min: 0, max: 3 }),
  cost: fc.integer({ min: 0, max: 3 }),
  limit: fc.constant(LIMIT),
});
const anyLimit = fc.integer({ min: 3, max: 9 });
const stepOfAnyLimit = fc.record({ step, limit: anyLimit }).map(({ step, limit }) => ({
  ...step,
  limit,
}));
const startMs = fc.integer({ min: 0, max: 10_000 });

function waitMs(windowMs: number, { wait, jitterMs }: Step): number {
  return wait * Math.ceil(windowMs / 60) + jitterMs;
}

test("no window lets more than the limit pass, and what is refused would exceed it within one step", async () => {
  const sequence = fc.array(step, { maxLength: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(windowMs, startMs, sequence, async (windowMs, startMs, steps) => {
      const clock = new TestClock(startMs);
      const limits = new MemoryRateLimits({ clock });
      const log = new ExactLog();
      for (const each of steps) {
        clock.move(waitMs(windowMs, each));
        const { limit, cost } = each;
        const { allowed } = await limits.checkRateLimit("k", { limit, windowMs, cost });
        const nowMs = clock.now();
        if (allowed) log.add(nowMs, cost);
        const passed = log.between(nowMs - windowMs, nowMs);
        assert.ok(passed <= limit, `${passed} of ${limit} in the window that ends at ${nowMs}`);
        const longMs = windowMs + Math.ceil(windowMs / 60);
        const most = log.between(nowMs - longMs + 1, nowMs) + cost;
        assert.ok(allowed || most > limit, `refused at ${nowMs}, and it was ${most} of ${limit}`);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("a call passes after retryAfterMs and not a millisecond before, and all is there at resetAt", async () => {
  const sequence = fc.array(stepOfAnyLimit, { maxLength: 30, size: "max" });
  await fc.assert(
    fc.asyncProperty(windowMs, startMs, sequence, async (windowMs, startMs, steps) => {
      const clock = new TestClock(startMs);
      const limits = new MemoryRateLimits({ clock });
      const call = ({ limit, cost }: Pick<Step, "limit" | "cost">) =>
        limits.checkRateLimit("k", { limit, windowMs, cost });
      for (const each of steps) {
        clock.move(waitMs(windowMs, each));
        const { allowed, retryAfterMs } = await call(each);
        assert.equal(retryAfterMs === 0, allowed);
        if (allowed) continue;
        clock.move(retryAfterMs - 1);
        assert.equal((await call(each)).retryAfterMs, 1);
        clock.move(1);
        assert.equal((await call(each)).allowed, true);
      }
      const look = { limit: 100, cost: 0 };
      const { remaining, resetAt } = await call(look);
      clock.move(resetAt.getTime() - clock.now() - 1);
      if (remaining < 100) assert.ok((await call(look)).remaining < 100);
      clock.move(1);
      assert.equal((await call(look)).remaining, 100);
    }),
    { numRuns: 2_000 },
  );
});

const scripts = lazily(() => openPlainScripts("url" in service ? service.url : ""));
if ("url" in service) after(async () => (await scripts()).close());

/** Runs the script on the test's time instead of the server's. */
function onClock(runScript: RunScript, clock: Clock): RunScript {
  return (script, kind, name, args, call) => {
    const seconds = String(Math.floor(clock.now() / 1_000));
    const microseconds = String(clock.now() % 1_000 * 1_000 + 999);
    const text = script.text.replace('redis.call("TIME")', "{ ARGV[5], ARGV[6] }");
    assert.notEqual(text, script.text);
    return runScript({ ...script, text }, kind, name, [...args, seconds, microseconds], call);
  };
}

/** Calls on several limits, on a clock that is set back at times. */
const travel = fc.array(
  fc.record({
    step: stepOfAnyLimit,
    back: fc.nat(9).map((n) => n === 0),
    key: fc.constantFrom("a", "b"),
    isLonger: fc.boolean(),
  }),
  { maxLength: 60, size: "max" },
);

/** Moves the clock by `ms`, but back only if nothing can have left: what was forgotten stays so. */
class TravelClock extends TestClock {
  #firstMs = this.now();
  #lastMs = this.now();

  travel(ms: number, windowMs: number): void {
    const toMs = this.now() + ms;
    if (ms < 0 && this.#lastMs - Math.min(this.#firstMs, toMs) >= windowMs) return;
    this.move(ms);
    this.#firstMs = Math.min(this.#firstMs, toMs);
    this.#lastMs = Math.max(this.#lastMs, toMs);
  }
}

redisTest(
  "memory and the script on a Redis server give the same answers, also when the clock is set back",
  async () => {
    const { runScript } = await scripts();
    const namespace = testNamespace();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(windowMs, startMs, travel, async (windowMs, startMs, calls) => {
        // In the future, so that the server, which has its own clock, does not expire the keys meanwhile.
        const clock = new TravelClock(Date.now() + 3_600_000 + startMs);
        const run = onClock(runScript(`${namespace}:${++runs}`), clock);
        const limiters: RateLimiter[] = [new MemoryRateLimits({ clock }), new RedisRateLimits(run)];
        for (const { step, back, key, isLonger } of calls) {
          clock.travel((back ? -1 : 1) * waitMs(windowMs, step), windowMs);
          const { limit, cost } = step;
          const rate: RateLimit = { limit, windowMs: isLonger ? windowMs + 1 : windowMs, cost };
          const answers: RateLimitResult[] = [];
          for (const each of limiters) answers.push(await each.checkRateLimit(key, rate));
          assert.deepEqual(answers[1], answers[0]);
        }
      }),
      { numRuns: 300 },
    );
  },
);
