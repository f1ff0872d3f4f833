import type { DatabasePool } from "../../database/database_pool.ts";
import { withClient } from "./postgres.ts";

/** The process of the server that a pool speaks to. */
export async function backendOf(pool: DatabasePool): Promise<unknown> {
  return (await pool.execute("select pg_backend_pid() as pid")).rows[0]?.["pid"];
}

/** Ends a process of the server at `url`, and waits until it has. */
export async function endBackend(url: string, pid: unknown): Promise<void> {
  await withClient(url, (client) => client.query("select pg_terminate_backend($1, 5000)", [pid]));
}

/** Whether the server at `url` is at work on a statement. */
export async function isRunning(url: string, text: string): Promise<boolean> {
  const sql = "select 1 from pg_stat_activity where state = 'active' and query = $1";
  return (await withClient(url, (client) => client.query(sql, [text]))).rows.length > 0;
}
