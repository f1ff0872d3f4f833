import type { CacheHarness, CacheTest } from "./cache/harness.ts";
import { dropObserver } from "./cache/harness.ts";
import { testCounters } from "./cache/counters.ts";
import { testGetOrSet } from "./cache/get_or_set.ts";
import { testInput } from "./cache/input.ts";
import { testLoads } from "./cache/loads.ts";
import { testManyKeys } from "./cache/many_keys.ts";
import { testSharedLoads } from "./cache/shared_loads.ts";
import { testStale } from "./cache/stale.ts";
import { testStore } from "./cache/store.ts";
import { testTags } from "./cache/tags.ts";
import { testTime } from "./cache/time.ts";
import { testValues } from "./cache/values.ts";
import type { TestFn } from "./test_fn.ts";

export type { CacheHarness, OpenOptions } from "./cache/harness.ts";

/**
 * The tests that every adapter and decorator of `CacheProvider` passes: the port, sentence by sentence.
 *
 * ```ts
 * import { test } from "node:test";
 * import { MemoryCacheProvider } from "@benchmark-exchange/infrastructure/cache";
 * import { cacheConformance, ManualClock } from "@benchmark-exchange/infrastructure/testing";
 *
 * const clock = new ManualClock();
 * cacheConformance(test, {
 *   name: "memory", // or your own adapter
 *   capabilities: { shared: false, atomicMany: true },
 *   open: ({ observer }) => Promise.resolve(new MemoryCacheProvider({ clock, observer })),
 *   passTime: (ms) => Promise.resolve(clock.advance(ms)),
 * });
 * ```
 */
export function cacheConformance(test: TestFn, harness: CacheHarness): void {
  let spaces = 0;
  const cacheTest: CacheTest = (name, fn) => {
    test(`${harness.name}: ${name}`, async () => {
      const dropped: string[] = [];
      const failures: string[] = [];
      const observer = dropObserver(dropped, failures);
      const opened = { space: `space-${++spaces}`, observer };
      const cache = await harness.open(opened);
      try {
        await fn({ cache, opened, dropped, failures });
      } finally {
        await cache.close();
      }
    });
  };
  testValues(cacheTest);
  testManyKeys(cacheTest, harness);
  testCounters(cacheTest);
  testTime(cacheTest, harness);
  testGetOrSet(cacheTest);
  testLoads(cacheTest, harness);
  testStale(cacheTest, harness);
  testTags(cacheTest, harness);
  if (harness.capabilities.shared) testSharedLoads(cacheTest, harness);
  testInput(cacheTest);
  testStore(cacheTest, harness);
}
