import type { DatabaseHarness } from "./database_harness.ts";
import { testChange } from "./submissions/change.ts";
import { testCreate } from "./submissions/create.ts";
import { testEvents } from "./submissions/events.ts";
import { submissionTests } from "./submissions/fixture.ts";
import { testLeaderboardPages } from "./submissions/leaderboard_pages.ts";
import { testLeaderboards } from "./submissions/leaderboards.ts";
import { testLists } from "./submissions/lists.ts";
import type { TestFn } from "./test_fn.ts";

/**
 * The tests that the submission repository passes on every database.
 *
 * ```ts
 * import { test } from "node:test";
 * import { createPool, migrate } from "@benchmark-exchange/infrastructure/database";
 * import { submissionsConformance } from "@benchmark-exchange/infrastructure/testing";
 *
 * submissionsConformance(test, {
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
export function submissionsConformance(test: TestFn, harness: DatabaseHarness): void {
  const { submissionTest, end } = submissionTests(test, harness);
  testCreate(submissionTest);
  testChange(submissionTest, harness);
  testEvents(submissionTest);
  testLists(submissionTest);
  testLeaderboards(submissionTest, harness);
  testLeaderboardPages(submissionTest);
  end();
}
