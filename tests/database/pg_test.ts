import { createPool } from "../../database/create_pool.ts";
import { databaseConformance } from "../conformance/database.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { findService, serviceTest } from "../support/services.ts";

const service = await findService("postgres");
const test = serviceTest(service);
const database = "url" in service ? await createTestDatabase(service.url) : undefined;

databaseConformance(test, {
  name: "pg",
  capabilities: {
    concurrent: true,
    interruptible: true,
    typed: true,
    describesColumns: true,
  },
  open: (options) => createPool({ url: database?.url ?? "", ...options }),
});

test("the database of the suite goes", async () => {
  await database?.drop();
});
