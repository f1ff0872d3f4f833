import type { TestFn } from "./test_fn.ts";
import type { RateLimitHarness, RateLimitTest } from "./rate_limits/harness.ts";
import { testRateInput } from "./rate_limits/input.ts";
import { testRateKeys } from "./rate_limits/keys.ts";
import { testRateTaking } from "./rate_limits/taking.ts";
import { testRateTime } from "./rate_limits/time.ts";
import { WatchedLimit } from "./rate_limits/watched_limit.ts";

export type { RateLimitHarness } from "./rate_limits/harness.ts";

/**
 * The tests that every adapter of `RateLimiter` passes: the port, sentence by sentence.
 *
 * ```ts
 * import { test } from "node:test";
 * import { MemoryRateLimits } from "@benchmark-exchange/infrastructure/cache";
 * import { ManualClock, rateLimitConformance } from "@benchmark-exchange/infrastructure/testing";
 *
 * const clock = new ManualClock();
 * const stores = new Map<string, MemoryRateLimits>();
 * rateLimitConformance(test, {
 *   name: "memory", // or your own adapter
 *   open: (space) => {
 *     const limits = stores.get(space) ?? new MemoryRateLimits({ clock });
 *     stores.set(space, limits);
 *     return Promise.resolve(limits);
 *   },
 *   passTime: (ms) => Promise.resolve(clock.advance(ms)),
 *   now: () => Promise.resolve(clock.now()),
 * });
 * ```
 */
export function rateLimitConformance(test: TestFn, harness: RateLimitHarness): void {
  let spaces = 0;
  const rateLimitTest: RateLimitTest = (name, fn) => {
    test(`${harness.name}: ${name}`, async () => {
      const space = `space-${++spaces}`;
      const limiter = await harness.open(space);
      await fn({
        limiter,
        openOther: () => harness.open(space),
        watch: (rate, key = "k") => new WatchedLimit(harness, limiter, key, rate),
      });
    });
  };
  testRateTaking(rateLimitTest);
  testRateTime(rateLimitTest, harness);
  testRateKeys(rateLimitTest);
  testRateInput(rateLimitTest);
}
