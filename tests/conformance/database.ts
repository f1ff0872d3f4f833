import type { DatabasePool } from "../../database/database_pool.ts";
import { testDeadlines } from "./database/deadlines.ts";
import type { DatabaseTest, PoolHarness } from "./database/harness.ts";
import { testLife } from "./database/life.ts";
import { testListening } from "./database/listening.ts";
import { testNestedTransactions } from "./database/nested_transactions.ts";
import { testPaging } from "./database/paging.ts";
import { testScopes } from "./database/scopes.ts";
import { testStatements } from "./database/statements.ts";
import { testTransactions } from "./database/transactions.ts";
import { testValues } from "./database/values.ts";
import type { TestFn } from "./test_fn.ts";

export type { PoolCapabilities, PoolHarness } from "./database/harness.ts";

/**
 * The tests that a pool over every driver passes: the `Database` port and the driver port, sentence by sentence.
 *
 * ```ts
 * import { test } from "node:test";
 * import { createPool } from "@benchmark-exchange/infrastructure/database";
 * import { databaseConformance } from "@benchmark-exchange/infrastructure/testing";
 *
 * const typed = { typed: true, describesColumns: true };
 * databaseConformance(test, {
 *   name: "PGlite", // or your own driver: createPool({ driver, ...options })
 *   capabilities: { ...typed, concurrent: false, interruptible: false, listens: true },
 *   open: (options) => createPool({ embedded: {}, ...options }),
 * });
 * ```
 */
export function databaseConformance(test: TestFn, harness: PoolHarness): void {
  let shared: Promise<DatabasePool> | undefined;
  let second: Promise<DatabasePool> | undefined;
  let tables = 0;
  const small = (): Promise<DatabasePool> =>
    second ??= harness.open({ max: 1, maxWaiting: 2, preparedStatements: false });
  const databaseTest: DatabaseTest = (name, fn) => {
    test(`${harness.name}: ${name}`, async () => {
      shared ??= harness.open();
      const pool = await shared;
      const table = `conformance_${++tables}`;
      await pool.execute(`create table ${table} (id integer primary key, label text)`);
      await fn({ pool, table, small });
    });
  };
  testTransactions(databaseTest);
  testNestedTransactions(databaseTest);
  testScopes(databaseTest, harness);
  testDeadlines(databaseTest, harness);
  testValues(databaseTest, harness);
  testStatements(databaseTest, harness);
  testPaging(databaseTest);
  testListening(databaseTest, harness);
  testLife(databaseTest, harness);
}
