import assert from "node:assert/strict";
import type { DatabasePool, DatabasePoolOptions } from "../../../database/database_pool.ts";

/** What an adapter can do besides what every adapter can. */
export interface PoolCapabilities {
  /** Several transactions run at the same time, and every pool that the harness opens sees the same tables. */
  readonly concurrent: boolean;
  /** A running statement can be stopped. */
  readonly interruptible: boolean;
  /** Values arrive as the driver port says. A Kysely dialect gives what its client gives. */
  readonly typed: boolean;
  /** The client tells the types of the columns of a statement that was not run. */
  readonly describesColumns: boolean;
  /** The client hears notifications. */
  readonly listens: boolean;
}

/** What the suite needs to know about an adapter. */
export interface PoolHarness {
  /** The name of the adapter, for the names of the tests. */
  readonly name: string;
  /** What it can do. */
  readonly capabilities: PoolCapabilities;
  /** Opens a pool on a database without any table of this library. The suite closes it. */
  open(options?: DatabasePoolOptions): Promise<DatabasePool>;
}

/** What each test gets. */
export interface DatabaseTestContext {
  /** A pool that the tests share. */
  readonly pool: DatabasePool;
  /** The name of a table `(id integer primary key, label text)` that is empty. */
  readonly table: string;
  /** Another pool that the tests share: with one connection, a queue of two, and without named statements. */
  small(): Promise<DatabasePool>;
}

/** Registers a test that gets a {@linkcode DatabaseTestContext}. */
export type DatabaseTest = (
  name: string,
  fn: (context: DatabaseTestContext) => Promise<void>,
) => void;

/** What an error has to be. */
export interface ExpectedError {
  /** Its code. */
  readonly code: string;
  /** Its outcome. Default: not checked. */
  readonly outcome?: string;
  /** Whether it says that another attempt can succeed. Default: not checked. */
  readonly retryable?: boolean;
  /** The field that it names. Default: not checked. */
  readonly field?: string;
}

/** Asserts that the call rejects with an error of this library that has these members. */
export async function rejects(call: Promise<unknown>, expected: ExpectedError): Promise<void> {
  await assert.rejects(call, (error: Error & Record<string, unknown>) => {
    const found = Object.fromEntries(Object.keys(expected).map((key) => [key, error[key]]));
    assert.deepEqual(found, { ...expected }, error.stack);
    assert.match(error.message, /^Cannot .*[^.]$/);
    return true;
  });
}

/** Asserts that the call settles in less than `limitMs`, and settles like it. */
export function settlesWithin<T>(limitMs: number, call: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(new Error(`it did not settle within ${limitMs} ms`));

    const timer = setTimeout(late, limitMs);
    void call.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** The ids in a table, in order. */
export async function ids(
  database: Pick<DatabasePool, "execute">,
  table: string,
): Promise<unknown[]> {
  const { rows } = await database.execute(`select id from ${table} order by id`);
  return rows.map((row) => row["id"]);
}

/** Adds a row with this id. */
export async function insert(
  database: Pick<DatabasePool, "execute">,
  table: string,
  id: number,
): Promise<void> {
  await database.execute(`insert into ${table} (id) values ($1)`, [id]);
}

/** SQL that fails as a serialization failure does. */
export const CONFLICT: string =
  "do $$ begin raise exception 'conflict' using errcode = 'serialization_failure'; end $$";

/** Never settles. */
export function forever<T>(): Promise<T> {
  return new Promise(() => {});
}

/** A gate that a test opens: what waits for it goes on then. */
export interface Gate {
  /** Resolves when the gate opens. */
  readonly opened: Promise<void>;
  /** Opens the gate. */
  open(): void;
}

/** Creates a closed {@linkcode Gate}. */
export function gate(): Gate {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  return { opened, open };
}
