import { testChanges } from "./benchmarks/changes.ts";
import { testCreate } from "./benchmarks/create.ts";
import { testEvents } from "./benchmarks/events.ts";
import { benchmarkTests } from "./benchmarks/fixture.ts";
import { testInput } from "./benchmarks/input.ts";
import { testLists } from "./benchmarks/lists.ts";
import { testSearch } from "./benchmarks/search.ts";
import { testStatus } from "./benchmarks/status.ts";
import { testVersions } from "./benchmarks/versions.ts";
import type { DatabaseHarness } from "./database_harness.ts";
import type { TestFn } from "./test_fn.ts";

/**
 * The tests that the benchmark repository passes on every database.
 *
 * ```ts
 * import { test } from "node:test";
 * import { createPool, migrate } from "@benchmark-exchange/infrastructure/database";
 * import { benchmarksConformance } from "@benchmark-exchange/infrastructure/testing";
 *
 * benchmarksConformance(test, {
 *   name: "PGlite", // or your own driver: createPool({ driver })
 *   capabilities: { concurrentConnections: false },
 *   open: async () => {
 *     const pool = await createPool({ embedded: {} });
 *     await migrate(pool);
 *     return pool;
 *   },
 * });
 * ```
 */
export function benchmarksConformance(test: TestFn, harness: DatabaseHarness): void {
  const { benchmarkTest, end } = benchmarkTests(test, harness);
  testCreate(benchmarkTest);
  testInput(benchmarkTest);
  testVersions(benchmarkTest);
  testChanges(benchmarkTest);
  testStatus(benchmarkTest, harness);
  testEvents(benchmarkTest);
  testLists(benchmarkTest);
  testSearch(benchmarkTest);
  end();
}
