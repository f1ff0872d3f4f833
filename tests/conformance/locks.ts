import type { LockHarness, LockTest, OpenLocks } from "./locks/harness.ts";
import { testHolding } from "./locks/holding.ts";
import { testInput } from "./locks/input.ts";
import { testLosing } from "./locks/losing.ts";
import { testWaiting } from "./locks/waiting.ts";
import type { TestFn } from "./test_fn.ts";

export { REAL_TIME } from "./locks/harness.ts";
export type { LockCapabilities, LockHarness, OpenLocks } from "./locks/harness.ts";

/**
 * The tests that every adapter of `LockProvider` passes: the port, sentence by sentence.
 *
 * ```ts
 * import { test } from "node:test";
 * import { MemoryLocks } from "@benchmark-exchange/infrastructure/cache";
 * import { lockConformance, REAL_TIME } from "@benchmark-exchange/infrastructure/testing";
 *
 * const stores = new Map<string, MemoryLocks>();
 * lockConformance(test, {
 *   ...REAL_TIME,
 *   name: "memory", // or your own adapter
 *   capabilities: { manyAtOnce: true },
 *   ttlMs: 400,
 *   open: (space) => {
 *     const provider = stores.get(space) ?? new MemoryLocks();
 *     stores.set(space, provider);
 *     return Promise.resolve({ provider, close: () => provider.close() });
 *   },
 * });
 * ```
 */
export function lockConformance(test: TestFn, harness: LockHarness): void {
  let spaces = 0;
  const lockTest: LockTest = (name, fn) => {
    test(`${harness.name}: ${name}`, async () => {
      const space = `space-${++spaces}`;
      const opened: OpenLocks[] = [];
      try {
        for (let i = 0; i < 2; i++) opened.push(await harness.open(space));
        const [one, two] = opened.map(({ provider }) => provider);
        await fn({ one: one!, two: two!, space, ttlMs: harness.ttlMs });
      } finally {
        for (const { close } of opened) await close();
      }
    });
  };
  testHolding(lockTest, harness);
  testWaiting(lockTest, harness);
  testLosing(lockTest, harness);
  testInput(lockTest);
}
