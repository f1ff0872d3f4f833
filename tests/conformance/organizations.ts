import type { DatabaseHarness } from "./database_harness.ts";
import { testEvents } from "./organizations/events.ts";
import { testInput } from "./organizations/input.ts";
import { testLastOwner } from "./organizations/last_owner.ts";
import { testLists } from "./organizations/lists.ts";
import { testMembers } from "./organizations/members.ts";
import { testRecords } from "./organizations/records.ts";
import { peopleTests } from "./people/fixture.ts";
import type { TestFn } from "./test_fn.ts";

/**
 * The tests that the repository of organizations passes on every database.
 *
 * ```ts
 * import { test } from "node:test";
 * import { createPool, migrate } from "@benchmark-exchange/infrastructure/database";
 * import { organizationsConformance } from "@benchmark-exchange/infrastructure/testing";
 *
 * organizationsConformance(test, {
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
export function organizationsConformance(test: TestFn, harness: DatabaseHarness): void {
  const { peopleTest, end } = peopleTests(test, harness);
  testRecords(peopleTest, harness);
  testLists(peopleTest);
  testMembers(peopleTest);
  testEvents(peopleTest);
  testLastOwner(peopleTest, harness);
  testInput(peopleTest);
  end();
}
