import { parseConnectionUrl } from "../../database/connection_url.ts";
import { newPgClient } from "../../database/drivers/pg_client.ts";
import type pg from "pg";
import { readVariable } from "./permitted.ts";

/** The variable that names a run of the suite, so that it can clean up after itself. */
export const RUN_VARIABLE = "EXCHANGE_TESTS_RUN";

/** The name of the run that this test file belongs to. */
export function runName(): string {
  return readVariable(RUN_VARIABLE) ?? "alone";
}

/** A database of a suite's own, empty, on a server that others may use at the same time. */
export interface TestDatabase {
  /** How to connect to it. */
  readonly url: string;
  /** Deletes it, whoever is still connected. */
  drop(): Promise<void>;
}

/** Creates an empty database with a random name on the server at `url`. */
export async function createTestDatabase(url: string): Promise<TestDatabase> {
  const name = `${databasePrefix(runName())}${crypto.randomUUID().replaceAll("-", "")}`;
  // template0 has no connections, which would block two suites that create at once.
  await withClient(
    url,
    (client) => client.query(`create database ${name} template template0 encoding 'UTF8'`),
  );
  const ours = new URL(url);
  ours.pathname = `/${name}`;
  const drop = async (): Promise<void> => {
    await withClient(url, (client) => client.query(`drop database if exists ${name} with (force)`));
  };
  return { url: ours.href, drop };
}

/** Deletes the databases that killed test files of a run left on the server at `url`. */
export async function dropLeftDatabases(url: string, run: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      "select datname as name from pg_database where starts_with(datname, $1)",
      [databasePrefix(run)],
    );
    for (const { name } of rows) await client.query(`drop database if exists ${name} with (force)`);
  });
}

/** Resolves when a server answers at `url` that lets its user create databases. */
export async function probePostgres(url: string): Promise<void> {
  const sql = "select rolsuper or rolcreatedb as able from pg_roles where rolname = current_user";
  const { rows } = await withClient(url, (client) => client.query<{ able: boolean }>(sql));
  if (!rows[0]?.able) throw new Error("its user may not create databases");
}

/** Connects, uses the connection, and closes it whatever happens. */
export async function withClient<T>(
  url: string,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = newPgClient(pgClientConfig(url));
  client.on("error", () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** How `pg` reaches the database at `url`. */
export function pgClientConfig(url: string): pg.ClientConfig {
  const { host, port, user, password, database, tls } = parseConnectionUrl(url);
  return {
    ...{ host, port, user, database, password: password || (() => "") },
    ssl: tls === "disable" ? false : { rejectUnauthorized: true },
    connectionTimeoutMillis: 20_000,
  };
}

function databasePrefix(run: string): string {
  return `exchange_test_${run}_`;
}
