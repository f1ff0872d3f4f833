import assert from "node:assert/strict";
import { createPool } from "../../database/create_pool.ts";
import { migrate } from "../../database/migrator.ts";
import { test } from "../support/permitted.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { findService, serviceTest } from "../support/services.ts";
import { serveSqlOverHttp } from "../support/sql_over_http.ts";
import { skipTest } from "../support/skip.ts";
import { startWorker } from "../support/workerd.ts";

const NAME = "the example reads and writes PostgreSQL in workerd, and says what it cannot";
const WORKER = 'export { default } from "./examples/edge_postgres.ts";';

const databaseTest = serviceTest(await findService("postgres"), test);

async function run(serverUrl: string): Promise<void> {
  const database = await createTestDatabase(serverUrl);
  const pool = await createPool({ url: database.url });
  try {
    await migrate(pool);
    await using endpoint = await serveSqlOverHttp(database.url);
    const variables = { DATABASE_URL: database.url, SQL_ENDPOINT: endpoint.url };
    await using worker = await startWorker(WORKER, { node: "full", variables });
    await play(worker.url);
  } finally {
    await pool.close();
    await database.drop();
  }
}

async function play(url: string): Promise<void> {
  const send = async (method: string, path: string): Promise<unknown[]> => {
    const response = await fetch(url + path, { method });
    const text = await response.text();
    return [response.status, text === "" ? undefined : JSON.parse(text)];
  };
  const [status, ada] = await send("PUT", "/ada?email=ada@example.org");
  assert.equal(status, 201);
  assert.deepEqual(await send("GET", "/ada"), [200, ada]);
  assert.deepEqual(await send("PUT", "/ada?email=other@example.org"), [400, {
    code: "already_exists",
    message: "Cannot create user: duplicate username",
  }]);
  const [refused, { code }] = await send("DELETE", "/ada") as [number, { code: string }];
  assert.deepEqual([refused, code], [501, "unsupported"]);
  assert.deepEqual(await send("GET", "/ada"), [200, ada]);
  assert.deepEqual(await send("GET", "/bob"), [404, undefined]);
}

if ("Deno" in globalThis) databaseTest(NAME, run);
else skipTest(NAME, "workerd is the same whoever starts it; Deno does");
