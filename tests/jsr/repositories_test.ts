import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { denoPostgresDriver } from "../../database/drivers/deno_postgres.ts";
import { migrate } from "../../database/migrator.ts";
import { verify } from "../../database/verify.ts";
import { benchmarksConformance } from "../conformance/benchmarks.ts";
import type { DatabaseHarness } from "../conformance/database_harness.ts";
import { organizationsConformance } from "../conformance/organizations.ts";
import { submissionsConformance } from "../conformance/submissions.ts";
import { usersConformance } from "../conformance/users.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { clientPool, describeSuite, service } from "./clients.ts";

const SUITES = {
  users: usersConformance,
  organizations: organizationsConformance,
  benchmarks: benchmarksConformance,
  submissions: submissionsConformance,
};

const harness: DatabaseHarness = {
  name: "deno-postgres",
  open: openMigrated,
  capabilities: { concurrentConnections: true },
};

for (const [name, suite] of Object.entries(SUITES)) {
  describeSuite(`${name} over a Pool`, (test) => suite(test, harness));
}

async function openMigrated(): Promise<DatabasePool> {
  if ("missing" in service) throw new Error(service.missing);
  const database = await createTestDatabase(service.url);
  const pool = await createPool({ driver: denoPostgresDriver(clientPool(database.url)) });
  await migrate(pool);
  await verify(pool);
  const close = pool.close.bind(pool);
  // The database goes with the pool that a suite closes.
  pool.close = async (deadlineMs?: number): Promise<void> => {
    await close(deadlineMs);
    await database.drop();
  };
  return pool;
}
