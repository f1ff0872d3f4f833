/**
 * The driver for services on Deno that use `jsr:@db/postgres` already. The client is passed in and
 * described by its structure, so nothing is loaded from JSR. Statements are sent without names.
 *
 * @module
 */
import { checkTimeout, settleWithin } from "../../core/call_options.ts";
import { ConfigurationError, DatabaseError } from "../../core/errors.ts";
import { isSqlState } from "../database_error.ts";
import type {
  DatabaseDriver,
  DriverColumn,
  DriverConnection,
  DriverQuery,
  DriverResult,
} from "../driver.ts";
import { parameterText } from "./parameter_text.ts";
import { textParser } from "./pg_types.ts";
import { beginsTransaction, endsTransaction } from "./transaction_text.ts";

/** What comes back from {@linkcode DenoPostgresClient.queryArray}. */
export interface DenoPostgresResult {
  /** The rows, each value as its text or `null`. */
  readonly rows: readonly (readonly unknown[])[];
  /** How many rows the statement returned or changed; `NaN` or absent for one that does neither. */
  readonly rowCount?: number;
  /** The command that the server completed; absent for a text without a statement. */
  readonly command?: string;
  /** The columns of the rows. */
  readonly rowDescription?: {
    /** Their names, and the object ids of their types. */
    readonly columns: readonly { readonly name: string; readonly typeOid: number }[];
  };
}

/** What the driver uses of a `Client` or `PoolClient`. */
export interface DenoPostgresClient {
  /** Whether the client believes that it has a session. */
  readonly connected: boolean;
  /** What it knows about the session. */
  readonly session: { readonly pid: number | undefined };
  /** Runs one statement. */
  queryArray(query: { text: string; args: (string | null)[] }): Promise<DenoPostgresResult>;
  /** Ends the session, also in the middle of a statement. */
  end(): Promise<void>;
  /** Gives the client back to its pool. Absent where there is none. */
  release?(): void;
}

/** Where clients come from: a `Pool`, or whatever makes a `Client`. */
export interface DenoPostgresPool {
  /** Returns a client with a session that nobody else uses. */
  connect(): Promise<DenoPostgresClient>;
}

/** How to use the clients. */
export interface DenoPostgresDriverOptions {
  /** How long to wait for a client, in milliseconds. Default: 5,000. */
  readonly connectTimeoutMs?: number;
}

/**
 * Speaks through the clients of `@db/postgres` that `pool` gives, for `createPool({ driver })`.
 *
 * - The clients need `controls: { decodeStrategy: "string" }`, because the values that they decode themselves
 *   are not exact. Without it, the first such value is a {@linkcode ConfigurationError}, already in `createPool`.
 * - Prefer a `pool` that makes a `Client` each time, as in the example: `createPool` pools them. A `Pool` of
 *   version 0.19 loses a client for good when it cannot connect, or when the server ends a session
 *   that idles. If it has to be one, leave it to this driver alone, and give `createPool` a `max` up to its size.
 * - The pool stays open. What it gets back has no session any more; a `Pool` opens one when it is asked
 *   again. A client that is broken and does not know it is not given back.
 * - A statement is cancelled by `pg_cancel_backend`, over another client of `pool`.
 * - Limits of the session are set where clients are made: `options: { statement_timeout: "30s" }`.
 *
 * Not there: notifications, `copy`, the types of columns, and rows of more than one statement of a text.
 *
 * Throws a `ValidationError` for a bad `connectTimeoutMs`.
 *
 * @example
 * ```ts
 * import { createPool } from "@benchmark-exchange/infrastructure/database";
 * import {
 *   type DenoPostgresClient,
 *   denoPostgresDriver,
 * } from "@benchmark-exchange/infrastructure/database/deno-postgres";
 *
 * // import { Client } from "jsr:@db/postgres@0.19.5";
 * declare const Client: new (options: object) => DenoPostgresClient & { connect(): Promise<void> };
 *
 * const driver = denoPostgresDriver({
 *   async connect() {
 *     const client = new Client({
 *       hostname: "127.0.0.1",
 *       user: "exchange",
 *       password: "exchange",
 *       database: "exchange",
 *       controls: { decodeStrategy: "string" },
 *     });
 *     await client.connect();
 *     return client;
 *   },
 * });
 * const pool = await createPool({ driver });
 * await pool.close();
 * ```
 */
export function denoPostgresDriver(
  pool: DenoPostgresPool,
  options: DenoPostgresDriverOptions = {},
): DatabaseDriver {
  const timeoutMs = checkTimeout(options.connectTimeoutMs ?? 5_000, "connectTimeoutMs");
  return {
    name: "deno-postgres",
    // The pool sets the limit.
    maxConnections: Number.MAX_SAFE_INTEGER,
    connect: async () => new DenoPostgresConnection(pool, await takeClient(pool, timeoutMs)),
    // What was passed in stays open.
    close: () => Promise.resolve(),
  };
}

/** The comparison keeps it from a statement of somebody else whose session got the process id meanwhile. */
const CANCEL = `select pg_cancel_backend(pid) from pg_stat_activity
  where pid = $1 and state = 'active' and starts_with($2, query)`;

class DenoPostgresConnection implements DriverConnection {
  readonly copies = false;
  readonly #pool: DenoPostgresPool;
  readonly #client: DenoPostgresClient;
  #usable = true;
  #inTransaction = false;
  #running: { readonly text: string; readonly answer: Promise<unknown> } | undefined;
  #closed: Promise<void> | undefined;

  constructor(pool: DenoPostgresPool, client: DenoPostgresClient) {
    this.#pool = pool;
    this.#client = client;
  }

  get usable(): boolean {
    return this.#usable;
  }

  get reusable(): boolean {
    return this.#usable && !this.#inTransaction;
  }

  async execute({ text, values }: DriverQuery): Promise<DriverResult> {
    // The client would connect again, and run half of a transaction in a session without it.
    if (!this.#usable) throw new Error("the connection is closed");
    const args = values.map(parameterText);
    this.#inTransaction ||= beginsTransaction(text);
    return toDriverResult(await this.#send(text, args));
  }

  async #send(text: string, args: (string | null)[]): Promise<DenoPostgresResult> {
    const answer = this.#client.queryArray({ text, args });
    this.#running = { text, answer };
    try {
      const result = await answer;
      if (endsTransaction(text)) this.#inTransaction = false;
      return result;
    } catch (error) {
      const refusal = toRefusal(error);
      // Whatever else goes wrong, nobody knows what the client will read next.
      if (!refusal) this.#usable = false;
      throw refusal ?? error;
    } finally {
      this.#running = undefined;
    }
  }

  /** The client does not tell types; the server still has to accept the statement. */
  async describe(text: string): Promise<readonly DriverColumn[] | undefined> {
    await this.execute({ text: `prepare exchange_verify as ${text}`, values: [] });
    await this.execute({ text: "deallocate exchange_verify", values: [] });
    return undefined;
  }

  /** The client hides the key that a cancel request needs. */
  async cancel(): Promise<void> {
    const { pid } = this.#client.session;
    if (!this.#running || pid === undefined) return;
    const args = [String(pid), this.#running.text];
    try {
      const other = await this.#pool.connect();
      await other.queryArray({ text: CANCEL, args }).finally(() => giveBack(other));
    } catch {
      // The end of the session and its statement timeout have to do.
    }
  }

  close(): Promise<void> {
    this.#usable = false;
    this.#closed ??= giveBack(this.#client, this.#running?.answer);
    return this.#closed;
  }
}

async function takeClient(pool: DenoPostgresPool, timeoutMs: number): Promise<DenoPostgresClient> {
  const taken = pool.connect();
  try {
    return await settleWithin(taken, { timeoutMs, defaultTimeoutMs: timeoutMs }, () => {
      void taken.then((client) => giveBack(client), () => {});
      return new DatabaseError(
        `Cannot connect to the server: the pool gave no client within ${timeoutMs} ms`,
        { code: "unavailable", operation: "connect", retryable: true },
      );
    });
  } catch (error) {
    throw toRefusal(error) ?? error;
  }
}

/** Ends the session, so that nothing is left in it, and no connection idles in the pool, where it could break. */
async function giveBack(client: DenoPostgresClient, running?: Promise<unknown>): Promise<void> {
  await client.end().catch(() => {});
  await running?.catch(() => {});
  // A client that could not say goodbye never will, and fails whoever gets it (denodrivers/postgres#436).
  if (!client.connected) client.release?.();
}

/** What the server says about an error, where the port expects it; `undefined` for errors of other kinds. */
function toRefusal(error: unknown): Error | undefined {
  const { fields } = Object(error) as { readonly fields?: Readonly<Record<string, unknown>> };
  if (typeof fields?.["code"] !== "string" || !isSqlState(fields["code"])) return undefined;
  const { code, constraint, table, column } = fields;
  return Object.assign(new Error("the server refused it"), { code, constraint, table, column });
}

function toDriverResult(result: DenoPostgresResult): DriverResult {
  const columns = (result.rowDescription?.columns ?? [])
    .map(({ name, typeOid }) => ({ name, parse: textParser(typeOid) }));
  const rows = result.rows.map((row) =>
    Object.fromEntries(columns.map(({ name, parse }, i) => [name, readValue(row[i], parse)]))
  );
  return { rows, rowCount: result.rowCount || 0, command: result.command ?? "" };
}

function readValue(value: unknown, parse: ((text: string) => unknown) | undefined): unknown {
  if (value === null) return null;
  if (typeof value === "string") return parse ? parse(value) : value;
  throw new ConfigurationError(
    ['the clients need controls: { decodeStrategy: "string" }, and no decoders'],
    "read a value",
  );
}
