import assert from "node:assert/strict";
import { inspect } from "node:util";
import { createPool } from "../../database/create_pool.ts";
import { PgDriver } from "../../database/drivers/pg.ts";
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
    listens: true,
  },
  open: (options) => createPool({ url: database?.url ?? "", ...options }),
});

test("pg: a pool, its driver and its transactions show no password", async () => {
  const url = new URL(database!.url);
  // A server that trusts its loopback does not ask for it; another one has none to compare.
  url.password ||= "canary-password";
  const pool = await createPool({ url: url.href });
  const { password } = url;
  const shown: string[] = [];
  const show = (value: unknown): void => {
    shown.push(inspect(value, { depth: 10, showHidden: true }), JSON.stringify(value) ?? "");
  };
  show(pool);
  show(new PgDriver({ url: url.href }));
  show(pool.query);
  await pool.transaction((transaction) => Promise.resolve(show(transaction)));
  await pool.close();
  assert.ok(shown.every((text) => !text.includes(password)));
});

test("the database of the suite goes", async () => {
  await database?.drop();
});
