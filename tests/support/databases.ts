import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { migrate } from "../../database/migrator.ts";
import type { DatabaseHarness } from "../conformance/database_harness.ts";
import type { TestFn } from "../conformance/test_fn.ts";
import { test } from "./permitted.ts";
import { createTestDatabase } from "./postgres.ts";
import { findService, serviceTest } from "./services.ts";

/** Runs a suite on embedded PostgreSQL. */
export function onPglite(suite: (test: TestFn, harness: DatabaseHarness) => void): void {
  suite(test, {
    name: "pglite",
    open: () => openMigrated({ embedded: {} }),
    capabilities: { concurrentConnections: false },
  });
}

/** Runs a suite on a PostgreSQL server, in a database of its own; skipped visibly without a server. */
export async function onPostgres(
  suite: (test: TestFn, harness: DatabaseHarness) => void,
): Promise<void> {
  const service = await findService("postgres");
  suite(serviceTest(service) as TestFn, {
    name: "postgres",
    open: async () => {
      if ("missing" in service) throw new Error(service.missing);
      const database = await createTestDatabase(service.url);
      const pool = await openMigrated({ url: database.url });
      const close = pool.close.bind(pool);
      // The database goes with the pool that a suite closes.
      pool.close = async (deadlineMs?: number): Promise<void> => {
        await close(deadlineMs);
        await database.drop();
      };
      return pool;
    },
    capabilities: { concurrentConnections: true },
  });
}

async function openMigrated(config: Parameters<typeof createPool>[0]): Promise<DatabasePool> {
  const pool = await createPool(config);
  await migrate(pool);
  return pool;
}
