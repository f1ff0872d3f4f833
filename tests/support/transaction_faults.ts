import assert from "node:assert/strict";
import { inspect } from "node:util";
import { createPool } from "../../database/create_pool.ts";
import { DatabasePool, type DatabasePoolOptions } from "../../database/database_pool.ts";
import { PgDriver, type PgDriverConfig } from "../../database/drivers/pg.ts";
import { migrate } from "../../database/migrator.ts";
import type { Transaction } from "../../database/transaction.ts";
import { DatabaseError } from "../../core/errors.ts";
import { withClient } from "./postgres.ts";
import { type PrivatePostgres, startPostgres } from "./private_postgres.ts";
import { privateServerTest } from "./services.ts";
import { TcpProxy } from "./tcp_proxy.ts";

/** No error may show these. */
export const SECRETS = { password: "canary-password-b3a8", value: "canary-value-40fd" };

export const INSERT = "insert into kept values ($1)";

/** A connection that broke before anything was applied. */
export const LOST_BEFORE = { code: "unavailable", outcome: "not-applied", retryable: true };

/** A reply that was lost: nobody knows. */
export const LOST_REPLY = { code: "unavailable", outcome: "unknown", retryable: false };

export const test = privateServerTest("postgres");
let started: Promise<PrivatePostgres> | undefined;

/** Stops the server; the last test of the file does. */
export async function stopServer(): Promise<void> {
  await (await started)?.[Symbol.asyncDispose]();
}

export function server(): Promise<PrivatePostgres> {
  started ??= startMigrated();
  return started;
}

export async function startMigrated(): Promise<PrivatePostgres> {
  const postgres = await startPostgres({ password: SECRETS.password });
  const pool = await createPool({ url: postgres.url });
  await migrate(pool);
  await pool.execute("create table kept (name text primary key)");
  await pool.execute("create table short (name text check (length(name) < 5))");
  await pool.close();
  return postgres;
}

export async function withPool(
  options: DatabasePoolOptions & Partial<PgDriverConfig>,
  use: (pool: DatabasePool) => Promise<void>,
): Promise<void> {
  const config = { url: (await server()).url, max: 1, ...options };
  const pool = new DatabasePool(new PgDriver(config), config);
  try {
    await use(pool);
  } finally {
    await pool.close(100);
  }
}

export async function withProxiedPool(
  use: (pool: DatabasePool, proxy: TcpProxy) => Promise<void>,
): Promise<void> {
  const { url, port } = await server();
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port });
  try {
    await withPool({ url: proxy.through(url) }, (pool) => use(pool, proxy));
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
}

export function insert(
  database: DatabasePool | Transaction,
  name: string,
  timeoutMs = 5_000,
): Promise<unknown> {
  return database.execute(INSERT, [name], { timeoutMs });
}

export async function backendOf(database: DatabasePool | Transaction): Promise<number> {
  const { rows } = await database.execute("select pg_backend_pid() as pid");
  return rows[0]?.["pid"] as number;
}

/** Which of the names the server has, asked for without the pool. */
export async function kept(...names: string[]): Promise<string[]> {
  const sql = "select name from kept where name = any($1)";
  return await query(sql, [names]) as string[];
}

/** Asks the server without the pool; returns the first column. */
export async function query(sql: string, values: unknown[] = []): Promise<unknown[]> {
  const { url } = await server();
  return await withClient(url, async (client) => {
    const { rows } = await client.query({ text: sql, values, rowMode: "array" });
    return rows.map(([first]) => first);
  });
}

export async function lives(pid: number): Promise<boolean> {
  return (await query("select pid from pg_stat_activity where pid = $1", [pid])).length > 0;
}

export async function endBackend(pid: number): Promise<void> {
  await query("select pg_terminate_backend($1)", [pid]);
  await until(async () => !await lives(pid));
}

export async function setReadOnly(readOnly: boolean): Promise<void> {
  await query(`alter system set default_transaction_read_only = ${readOnly}`);
  await query("select pg_reload_conf()");
}

export function verdict({ code, outcome, retryable }: DatabaseError): unknown {
  return { code, outcome, retryable };
}

export async function until(condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 5_000;
  while (!(await condition())) {
    assert.ok(performance.now() < endMs, "it was not so within 5 seconds");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The error of a call, which has to be ours and to show no secret. */
export async function failureOf(call: Promise<unknown>): Promise<DatabaseError> {
  const error = await call.then(() => undefined, (error) => error);
  assert.ok(error instanceof DatabaseError, `it did not fail as it should: ${error}`);
  const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) +
    error.message + error.stack;
  for (const secret of Object.values(SECRETS)) assert.ok(!shown.includes(secret), shown);
  return error;
}
