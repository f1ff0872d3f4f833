import assert from "node:assert/strict";
import { PGlite } from "@electric-sql/pglite";
import { PGliteDialect } from "kysely";
import { test } from "node:test";
import { createPool, type DatabaseConfig } from "../../database/create_pool.ts";
import { PgliteDriver } from "../../database/drivers/pglite.ts";
import { findService, serviceTest } from "../support/services.ts";

const serverTest = serviceTest(await findService("postgres"));

test("exactly one kind of database is asked for", async () => {
  for (const config of [{}, { url: "postgres://a@b/c", embedded: {} }, { max: 3 }]) {
    await assert.rejects(createPool(config as DatabaseConfig), { code: "configuration_invalid" });
  }
});

test("a driver is used and closed", async () => {
  const driver = new PgliteDriver();
  const pool = await createPool({ driver });
  assert.equal((await pool.check())["driver"], "pglite");
  await pool.close();
  assert.deepEqual(pool.stats, { total: 0, idle: 0, waiting: 0 });
});

test("a dialect is used, and its client stays open", async () => {
  const pglite = await PGlite.create();
  const pool = await createPool({ dialect: new PGliteDialect({ pglite }) });
  assert.deepEqual((await pool.execute("select 1 as one")).rows, [{ one: 1 }]);
  await pool.close();
  assert.deepEqual((await pglite.query("select 2 as two")).rows, [{ two: 2 }]);
  await pglite.close();
});

serverTest("a server is used, through its limits", async (url) => {
  const pool = await createPool({ url, max: 2 });
  const sleep = () => pool.execute("select pg_sleep(0.05)");
  await Promise.all([sleep(), sleep(), sleep(), sleep()]);
  assert.equal(pool.stats.total, 2);
  await pool.close();
});

test("why a database cannot be used is in the error", async () => {
  await assert.rejects(createPool({ url: "postgres://nobody@127.0.0.1:9/nothing" }), {
    code: "unavailable",
    message: /refused the connection/,
  });
  await assert.rejects(createPool({ url: "not a url" }), { code: "configuration_invalid" });
});
