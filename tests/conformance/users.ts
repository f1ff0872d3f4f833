import type { DatabaseHarness } from "./database_harness.ts";
import { peopleTests } from "./people/fixture.ts";
import type { TestFn } from "./test_fn.ts";
import { testAccounts } from "./users/accounts.ts";
import { testChanges } from "./users/changes.ts";
import { testDeletion } from "./users/deletion.ts";
import { testEvents } from "./users/events.ts";
import { testInput } from "./users/input.ts";
import { testLists } from "./users/lists.ts";
import { testSecrets } from "./users/secrets.ts";

/**
 * The tests that the repository of users passes on every database.
 *
 * ```ts
 * import { test } from "node:test";
 * import { createPool, migrate } from "@benchmark-exchange/infrastructure/database";
 * import { usersConformance } from "@benchmark-exchange/infrastructure/testing";
 *
 * usersConformance(test, {
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
export function usersConformance(test: TestFn, harness: DatabaseHarness): void {
  const { peopleTest, end } = peopleTests(test, harness);
  testAccounts(peopleTest, harness);
  testChanges(peopleTest);
  testEvents(peopleTest);
  testDeletion(peopleTest, harness);
  testLists(peopleTest);
  testSecrets(peopleTest);
  testInput(peopleTest);
  end();
}
