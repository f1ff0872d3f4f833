import assert from "node:assert/strict";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool, DatabasePoolOptions } from "../../database/database_pool.ts";
import { denoPostgresDriver } from "../../database/drivers/deno_postgres.ts";
import { databaseConformance } from "../conformance/database.ts";
import { ClientSource, type SourceClient } from "../support/deno_postgres_clients.ts";
import { IS_PERMITTED, test as permittedTest } from "../support/permitted.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { backendOf, endBackend, isRunning } from "../support/postgres_sessions.ts";
import { findService, serviceTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const service = await findService("postgres");
const test = serviceTest(service, permittedTest);
const database = IS_PERMITTED && "url" in service
  ? await createTestDatabase(service.url)
  : undefined;
const url = database?.url ?? "";

function open(source: ClientSource, options: DatabasePoolOptions = {}): Promise<DatabasePool> {
  return createPool({ driver: denoPostgresDriver(source), ...options });
}

databaseConformance(test, {
  name: "deno-postgres",
  capabilities: {
    concurrent: true,
    interruptible: true,
    typed: true,
    describesColumns: false,
    listens: false,
  },
  open: (options) => open(new ClientSource(url), options),
});

test("deno-postgres: a connection is used again, and its client goes back without a session", async () => {
  const source = new ClientSource(url);
  const pool = await open(source);
  for (let i = 0; i < 3; i++) await pool.transaction((inner) => inner.execute("select 1"));
  assert.deepEqual([source.made, source.free.length], [1, 0]);
  await pool.close();
  assert.deepEqual(source.free.map(({ connected }) => connected), [false]);
  const client = await source.connect();
  assert.equal((await client.queryArray({ text: "select 1", args: [] })).rowCount, 1);
  await client.end();
});

test("deno-postgres: a client that is broken and does not know it is not given back", async () => {
  const source = new ClientSource(url);
  const pool = await open(source, { max: 1 });
  await endBackend(url, await backendOf(pool));
  await assert.rejects(pool.execute("select 1"), { code: "unavailable", outcome: "unknown" });
  await pool.execute("select 1");
  await pool.close();
  assert.deepEqual([source.made, source.free.length], [2, 1]);
});

test("deno-postgres: a server that ends a session in the middle of a transaction ends the transaction", async () => {
  const pool = await open(new ClientSource(url), { max: 1 });
  const call = pool.transaction(async (transaction) => {
    const { rows } = await transaction.execute("select pg_backend_pid() as pid");
    const running = transaction.execute("select pg_sleep(30)").catch(() => {});
    await endBackend(url, rows[0]?.["pid"]);
    await running;
    await transaction.execute("select 1");
  });
  await assert.rejects(call, { code: "unavailable", outcome: "not-applied" });
  await pool.execute("select 1");
  await pool.close();
});

test("deno-postgres: a closed connection sends nothing, although its client may serve somebody else", async () => {
  const source = new ClientSource(url);
  const connection = await denoPostgresDriver(source).connect(() => {});
  await Promise.all([connection.close(), connection.close()]);
  assert.equal(source.free.length, 1);
  const client = await source.connect();
  await assert.rejects(connection.execute({ text: "select 1", values: [] }), /closed/);
  await client.end();
});

test("deno-postgres: a statement that is cancelled ends on the server", async () => {
  const pool = await open(new ClientSource(url));
  const text = `select pg_sleep(60) /* ${crypto.randomUUID()} */`;
  const controller = new AbortController();
  const call = assert.rejects(pool.execute(text, [], { signal: controller.signal }));
  await until("it runs", () => isRunning(url, text));
  controller.abort();
  await call;
  await until("it is cancelled", async () => !await isRunning(url, text));
  await pool.close();
});

test("deno-postgres: a transaction left open does not reach the next user", async () => {
  const pool = await open(new ClientSource(url), { max: 1 });
  for (const text of ["begin", " START  transaction read only", "select 1; begin"]) {
    await pool.execute(text);
    const { rows } = await pool.execute("select now() = statement_timestamp() as alone");
    assert.equal(rows[0]?.["alone"], true, text);
  }
  await pool.close();
});

test("deno-postgres: clients that decode values are refused", async () => {
  const source = new ClientSource(url, { decodes: true });
  await assert.rejects(open(source), {
    name: "ConfigurationError",
    message: 'Cannot read a value: the clients need controls: { decodeStrategy: "string" }, ' +
      "and no decoders",
  });
  assert.equal(source.free.length, 1);
});

test("deno-postgres: why the server refuses a session is known", async () => {
  const missing = new URL(url);
  missing.pathname = "/exchange_test_missing";
  await assert.rejects(open(new ClientSource(missing.href)), {
    code: "configuration_invalid",
    sqlState: "3D000",
  });
});

test("deno-postgres: a client that comes too late is given back", async () => {
  const source = new ClientSource(url);
  let give: () => void = () => {};
  const asked = new Promise<void>((resolve) => give = resolve);
  const connect = (): Promise<SourceClient> => asked.then(() => source.connect());
  const driver = denoPostgresDriver({ connect }, { connectTimeoutMs: 10 });
  await assert.rejects(driver.connect(() => {}), { code: "unavailable", retryable: true });
  give();
  await until("it is given back", () => source.free.length === 1);
});

test("deno-postgres: a bad timeout is refused by its name", () => {
  assert.throws(() => denoPostgresDriver(new ClientSource(url), { connectTimeoutMs: 0 }), {
    name: "ValidationError",
    field: "connectTimeoutMs",
  });
});

test("the database of the suite goes", async () => {
  await database?.drop();
});
