import { afterAll } from "jsr:@std/testing@1.0.20/bdd";
import { createPool } from "../../database/create_pool.ts";
import { denoPostgresDriver } from "../../database/drivers/deno_postgres.ts";
import { databaseConformance } from "../conformance/database.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { describeSuite, service, SOURCES } from "./clients.ts";

for (const [name, source] of Object.entries(SOURCES)) {
  const database = "url" in service ? await createTestDatabase(service.url) : undefined;
  describeSuite(`the pool over ${name}`, (test) => {
    afterAll(() => database?.drop());
    databaseConformance(test, {
      name: "deno-postgres",
      capabilities: {
        concurrent: true,
        interruptible: true,
        typed: true,
        describesColumns: false,
        listens: false,
      },
      open: (options) =>
        createPool({ driver: denoPostgresDriver(source(database?.url ?? "")), ...options }),
    });
  });
}
