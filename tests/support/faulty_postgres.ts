import assert from "node:assert/strict";
import { inspect } from "node:util";
import { DatabasePool, type DatabasePoolOptions } from "../../database/database_pool.ts";
import { PgDriver } from "../../database/drivers/pg.ts";
import { DatabaseError } from "../../core/errors.ts";
import { withClient } from "./postgres.ts";
import { type PrivatePostgres, startPostgres } from "./private_postgres.ts";
import { privateServerTest } from "./services.ts";
import { TcpProxy } from "./tcp_proxy.ts";

/** No error may show these. */
export const SECRETS = { password: "canary-password-51c7", value: "canary-value-9e02" };

/** How much later than its deadline a call may settle. */
export const GRACE_MS = 1_000;

/** The user `app` gets two of these; three are kept for superusers. */
export const SETTINGS = { max_connections: 10, superuser_reserved_connections: 8 };

export const SLEEP = "select pg_sleep(30), $1::text";

export const test = privateServerTest("postgres");
let started: Promise<PrivatePostgres> | undefined;

/** Stops the server; the last test of a file does. */
export async function stopServer(): Promise<void> {
  await (await started)?.[Symbol.asyncDispose]();
}

export function server(): Promise<PrivatePostgres> {
  started ??= startPostgres({ password: SECRETS.password, settings: SETTINGS });
  return started;
}

/** Unlike `createPool`, this asks the server for nothing. */
export function openPool(url: string, options: DatabasePoolOptions): DatabasePool {
  return new DatabasePool(new PgDriver({ url }), { max: 1, ...options });
}

export async function withPool(
  options: DatabasePoolOptions,
  use: (pool: DatabasePool, server: PrivatePostgres) => Promise<void>,
): Promise<void> {
  const postgres = await server();
  const pool = openPool(postgres.url, options);
  try {
    await use(pool, postgres);
  } finally {
    postgres.resume();
    await pool.close(100);
  }
}

export async function withProxiedPool(
  options: DatabasePoolOptions,
  use: (pool: DatabasePool, proxy: TcpProxy) => Promise<void>,
): Promise<void> {
  const { url, port } = await server();
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port });
  const pool = openPool(proxy.through(url), options);
  try {
    await use(pool, proxy);
  } finally {
    await pool.close(100);
    await proxy[Symbol.asyncDispose]();
  }
}

/** The process that serves the pool's only connection. */
export async function backendOf(pool: DatabasePool): Promise<number> {
  const { rows } = await pool.execute("select pg_backend_pid() as pid");
  return rows[0]?.["pid"] as number;
}

/** How many of the suite's long statements the server runs. */
export function sleeping({ url }: PrivatePostgres): Promise<number> {
  const sql = "select from pg_stat_activity where state = 'active' and query = $1";
  return withClient(url, async (client) => (await client.query(sql, [SLEEP])).rowCount ?? 0);
}

/** Calls fail in one way only, and not for longer than 5 seconds. */
export async function recovers(pool: DatabasePool): Promise<void> {
  await until(async () => {
    const error = await settled(pool.check({ timeoutMs: 2_000 }));
    if (error) assert.equal(error.code, "unavailable");
    return error === undefined;
  });
}

/** Polls the state of the server or the pool. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 5_000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    assert.ok(performance.now() < endMs, `it was not so within ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The error of a call that has to fail in time. */
export async function failureOf(
  call: () => Promise<unknown>,
  timeoutMs: number,
): Promise<DatabaseError> {
  const startMs = performance.now();
  const error = await settled(call());
  assert.ok(error, "it did not fail");
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < timeoutMs + GRACE_MS, `it took ${tookMs} ms`);
  return error;
}

/** Waits; an error has to be ours and to show no secret. */
export async function settled(call: Promise<unknown>): Promise<DatabaseError | undefined> {
  const error = await call.then(() => undefined, (error) => error);
  if (error === undefined) return undefined;
  assert.ok(error instanceof DatabaseError, String(error));
  const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) +
    error.message + error.stack;
  for (const secret of Object.values(SECRETS)) assert.ok(!shown.includes(secret), shown);
  return error;
}
