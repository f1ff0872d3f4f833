import { Pool } from "jsr:@db/postgres@0.19.5";
import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { ConfigurationError, DatabaseError } from "../../core/errors.ts";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { denoPostgresDriver, type DenoPostgresPool } from "../../database/drivers/deno_postgres.ts";
import { backendOf, endBackend, isRunning } from "../support/postgres_sessions.ts";
import { until } from "../support/until.ts";
import {
  clientOptions,
  clientPool,
  describeSuite,
  newClients,
  service,
  SOURCES,
} from "./clients.ts";

const url = "url" in service ? service.url : "";

function open(source: DenoPostgresPool): Promise<DatabasePool> {
  return createPool({ driver: denoPostgresDriver(source), max: 1 });
}

describeSuite("the driver over @db/postgres", (test) => {
  test("a Pool that was passed in stays open, without sessions", async () => {
    const clients = clientPool(url, 1);
    const pool = await open(clients);
    assertEquals((await pool.execute("select $1::int8 as n", [7])).rows, [{ n: 7 }]);
    await pool.close();
    assertEquals(await clients.initialized(), 0);
    const client = await clients.connect();
    assertEquals((await client.queryArray("select 1")).rows, [["1"]]);
    client.release();
    await clients.end();
  });

  test("a Pool that decodes values is refused", async () => {
    const clients = new Pool({ ...clientOptions(url), controls: {} }, 1, true);
    await assertRejects(() => open(clients), ConfigurationError, "decodeStrategy");
    await clients.end();
  });

  test("a session that the server ends while it idles is replaced by one of a new Client", async () => {
    const pool = await open(newClients(url));
    await endBackend(url, await backendOf(pool));
    const error = await assertRejects(() => pool.execute("select 1"), DatabaseError);
    assertEquals([error.code, error.outcome], ["unavailable", "unknown"]);
    assertEquals((await pool.execute("select 1 as one")).rows, [{ one: 1 }]);
    await pool.close();
  });

  test("a session that the server ends in a transaction takes the transaction with it", async () => {
    const pool = await open(newClients(url));
    const call = pool.transaction(async (transaction) => {
      const { rows } = await transaction.execute("select pg_backend_pid() as pid");
      const running = transaction.execute("select pg_sleep(30)").catch(() => {});
      await endBackend(url, rows[0]?.["pid"]);
      await running;
      await transaction.execute("select 1");
    });
    const error = await assertRejects(() => call, DatabaseError);
    assertEquals([error.code, error.outcome], ["unavailable", "not-applied"]);
    await pool.execute("select 1");
    await pool.close();
  });

  const sources = { ...SOURCES, "a Pool that has no other": (url: string) => clientPool(url, 1) };
  for (const [name, source] of Object.entries(sources)) {
    test(`a statement that is cancelled ends on the server, over ${name}`, async () => {
      const pool = await open(source(url));
      const text = `select pg_sleep(60) /* ${crypto.randomUUID()} */`;
      const controller = new AbortController();
      const call = pool.execute(text, [], { signal: controller.signal });
      const rejected = assertRejects(() => call, DatabaseError);
      await until("it runs", () => isRunning(url, text));
      controller.abort();
      await rejected;
      await until("it is cancelled", async () => !await isRunning(url, text));
      await pool.close();
    });
  }

  test("a copy, which the client cannot do, costs its connection and no other statement", async () => {
    const pool = await open(clientPool(url, 1));
    const error = await assertRejects(() => pool.execute("copy (select 1) to stdout"));
    assert(error instanceof DatabaseError && error.code === "unavailable");
    assertEquals((await pool.execute("select 2 as two")).rows, [{ two: 2 }]);
    await pool.close();
  });
});
