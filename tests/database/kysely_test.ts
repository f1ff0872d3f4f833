import assert from "node:assert/strict";
import { PGlite } from "@electric-sql/pglite";
import { PGliteDialect, PostgresDialect } from "kysely";
import pg from "pg";
import { createPool } from "../../database/create_pool.ts";
import { databaseConformance } from "../conformance/database.ts";
import { IS_PERMITTED, test } from "../support/permitted.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { findService, serviceTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const service = await findService("postgres");
const serverTest = serviceTest(service, test);
const database = IS_PERMITTED && "url" in service
  ? await createTestDatabase(service.url)
  : undefined;
const client = new pg.Pool({ connectionString: database?.url, max: 12 });
client.on("error", () => {});
client.on("connect", (one) => one.on("error", () => {}));
const dialect = new PostgresDialect({ pool: client });

databaseConformance(serverTest, {
  name: "kysely on pg",
  capabilities: {
    concurrent: true,
    interruptible: true,
    typed: false,
    describesColumns: false,
    listens: false,
  },
  open: (options) => createPool({ dialect, max: 5, ...options }),
});

databaseConformance(test, {
  name: "kysely on pglite",
  capabilities: {
    concurrent: false,
    interruptible: false,
    typed: false,
    describesColumns: false,
    listens: false,
  },
  open: (options) =>
    createPool({ dialect: new PGliteDialect({ pglite: () => PGlite.create() }), ...options }),
});

serverTest("kysely: a connection goes back to its own pool after every use", async () => {
  const pool = await createPool({ dialect, max: 5 });
  await pool.transaction((transaction) => transaction.execute("select 1"));
  await Promise.all([1, 2, 3].map(() => pool.execute("select 1")));
  assert.deepEqual(pool.stats, { total: 0, idle: 0, waiting: 0 });
  // What earlier tests left running ends by itself.
  await until("every connection is idle", () => client.idleCount === client.totalCount);
  await pool.close();
});

serverTest("kysely: a transaction left open does not reach the next user", async () => {
  const pool = await createPool({ dialect, max: 1 });
  for (const text of ["begin", " START  transaction read only", "begin; select 1"]) {
    await pool.execute(text);
    const { rows } = await pool.execute("select now() = statement_timestamp() as alone");
    assert.equal(rows[0]?.["alone"], true, text);
  }
  await pool.close();
});

serverTest("kysely: a commit that the server turned into a rollback is an error", async () => {
  const pool = await createPool({ dialect, max: 1 });
  const call = pool.transaction(async (transaction) => {
    // The error is caught on the server's side of the port, where no adapter sees it.
    await transaction.execute("savepoint s");
    await transaction.execute("select 1 / 0").catch(() => {});
    await transaction.execute("rollback to savepoint s").catch(() => {});
  });
  await assert.rejects(call, { code: "invalid_input", sqlState: "22012" });
  await pool.close();
});

test("kysely: a start that failed is tried again", async () => {
  let attempts = 0;
  const flaky = new PostgresDialect({
    pool: () => {
      attempts++;
      return Promise.reject(new Error("not yet"));
    },
  });
  const pool = createPool({ dialect: flaky });
  await assert.rejects(pool, { code: "unavailable", retryable: true });
  const driver = new (await import("../../database/drivers/kysely.ts")).KyselyDriver({
    dialect: flaky,
  });
  for (let i = 0; i < 2; i++) await assert.rejects(driver.connect(() => {}), /not yet/);
  assert.equal(attempts, 3);
});

serverTest("kysely: closing the pool leaves the client open, for its owner to close", async () => {
  const pool = await createPool({ dialect });
  await pool.close();
  assert.equal((await client.query("select 1 as one")).rows[0].one, 1);
  await client.end();
  await database?.drop();
});
