import assert from "node:assert/strict";
import type { StorageCapabilities, StorageProvider } from "../../storage/storage.ts";
import { bucketCases } from "./storage/buckets.ts";
import { callCases } from "./storage/calls.ts";
import type { StorageCase } from "./storage/case.ts";
import { conditionCases } from "./storage/conditions.ts";
import { damageCases } from "./storage/damage.ts";
import { isolationCases } from "./storage/isolation.ts";
import { listingCases } from "./storage/listing.ts";
import { nameCases } from "./storage/names.ts";
import { presigningCases } from "./storage/presigning.ts";
import { readingCases } from "./storage/reading.ts";
import { writingCases } from "./storage/writing.ts";
import type { TestFn } from "./test_fn.ts";

/** What the suite needs to know about an adapter. */
export interface StorageHarness {
  /** The adapter's name, as it appears in the names of the tests. */
  readonly name: string;
  /** What the adapter declares; chooses the tests. */
  readonly capabilities: StorageCapabilities;
  /** What the names of the suite's buckets begin with, at most 25 characters. Default: `conformance-`. */
  readonly bucketPrefix?: string;
  /** Opens a provider; the suite closes it. All of them may share what they store. */
  open(): Promise<StorageProvider>;
  /** Damages a stored object so that the adapter finds it damaged, where that can happen. */
  damage?(bucket: string, key: string): Promise<void>;
}

/**
 * The tests of the port `StorageProvider`: one for each sentence of its specification, in the same
 * words. Every test uses buckets of its own, whose names begin with the prefix of the harness. The
 * suite cannot delete them, because the port has no way to.
 *
 * ```ts
 * import { test } from "node:test";
 * import { MemoryStorageProvider } from "@benchmark-exchange/infrastructure/storage";
 * import { storageConformance } from "@benchmark-exchange/infrastructure/testing";
 *
 * const urls = { presignedUrls: false, presignedPosts: false };
 * storageConformance(test, {
 *   name: "MemoryStorageProvider", // or your own adapter
 *   capabilities: { createOnly: true, ifMatch: true, ...urls },
 *   open: () => Promise.resolve(new MemoryStorageProvider()),
 * });
 * ```
 */
export function storageConformance(test: TestFn, harness: StorageHarness): void {
  const { bucketPrefix = "conformance-" } = harness;
  const cases: readonly StorageCase[] = [
    ...nameCases,
    ...writingCases,
    ...isolationCases,
    ...conditionCases,
    ...readingCases,
    ...listingCases,
    ...presigningCases,
    ...harness.damage ? damageCases(harness.damage) : [],
    ...bucketCases,
    ...callCases,
  ];
  test(`${harness.name}: declares its capabilities`, async () => {
    const storage = await harness.open();
    assert.deepEqual(storage.capabilities, harness.capabilities);
    await storage.close();
  });
  for (const { sentence, needs, lacks, run } of cases) {
    if (needs && !harness.capabilities[needs]) continue;
    if (lacks && harness.capabilities[lacks]) continue;
    test(`${harness.name}: ${sentence}`, async () => {
      const storage = await harness.open();
      try {
        const bucket = `${bucketPrefix}${crypto.randomUUID()}`;
        await storage.createBucket(bucket);
        await run(storage, bucket);
      } finally {
        await storage.close();
      }
    });
  }
}
