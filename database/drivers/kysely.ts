/**
 * The driver for any other client of PostgreSQL that has a Kysely dialect: serverless ones, poolers,
 * test doubles. Statements are sent as the dialect does it, without names.
 *
 * @module
 */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
} from "kysely";
import { DatabaseError } from "../../core/errors.ts";
import { isSqlState } from "../database_error.ts";
import type {
  DatabaseDriver,
  DriverColumn,
  DriverConnection,
  DriverQuery,
  DriverResult,
} from "../driver.ts";
import { beginsTransaction, endsTransaction } from "./transaction_text.ts";

/** How to use a dialect. */
export interface KyselyDriverConfig {
  /**
   * A dialect for PostgreSQL. With one that sends each statement on its own, as over HTTP, transactions reject with
   * code `unsupported` before anything was changed. Its client stays open when the pool closes: whoever made it closes it, and listens to
   * its errors. A `pg` pool ends the process when a connection dies unless both it and every
   * client that it connects have a listener: `pool.on("connect", (client) => client.on("error", …))`.
   */
  readonly dialect: Dialect;
  /** How many connections the dialect gives at the same time. Default: 1, which is right for all. */
  readonly maxConnections?: number;
}

/**
 * Speaks through the driver of a Kysely dialect.
 *
 * ```ts
 * import { PGlite } from "@electric-sql/pglite";
 * import { createPool } from "@benchmark-exchange/infrastructure/database";
 * import { KyselyDriver } from "@benchmark-exchange/infrastructure/database/kysely";
 * import { PGliteDialect } from "kysely";
 *
 * const client = await PGlite.create();
 * const dialect = new PGliteDialect({ pglite: client });
 * const pool = await createPool({ driver: new KyselyDriver({ dialect, maxConnections: 1 }) });
 * console.log((await pool.check())["driver"]); // kysely
 * await pool.close();
 * await client.close(); // whoever made it closes it
 * ```
 */
export class KyselyDriver implements DatabaseDriver {
  /** The name in health reports. */
  readonly name = "kysely";
  /** As configured. */
  readonly maxConnections: number;
  readonly #driver: Driver;
  /** Of all connections, for a dialect makes them all the same. */
  readonly #sessions: Sessions = { last: false };
  #ready: Promise<void> | undefined;

  /** Connects to nothing yet. */
  constructor(config: KyselyDriverConfig) {
    this.maxConnections = config.maxConnections ?? 1;
    this.#driver = config.dialect.createDriver();
  }

  /** Takes a connection from the dialect. */
  async connect(_onBroken: () => void): Promise<DriverConnection> {
    this.#ready ??= this.#driver.init();
    await this.#ready.catch((error) => {
      this.#ready = undefined;
      throw error;
    });
    const connection = await this.#driver.acquireConnection();
    await connection.collectSessionInfo?.();
    return new KyselyConnection(this.#driver, connection, this.#sessions);
  }

  /** The client was passed in, so it stays open. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Whether the sessions of a dialect are known to last longer than a statement, which transactions need. */
interface Sessions {
  last: boolean;
}

/** The state of a savepoint outside of a transaction. */
const NO_TRANSACTION = "25P01";

/** A statement that begins a transaction and does nothing else. */
const BEGIN = /^\s*(begin|start\s+transaction)\b/i;

class KyselyConnection implements DriverConnection {
  /** The dialect has a pool of its own, which gets the connection back after every use. */
  readonly reusable = false;
  readonly copies = false;
  readonly #driver: Driver;
  readonly #connection: DatabaseConnection;
  readonly #sessions: Sessions;
  #usable = true;
  #inTransaction = false;
  #running = false;
  #closed: Promise<void> | undefined;

  constructor(driver: Driver, connection: DatabaseConnection, sessions: Sessions) {
    this.#driver = driver;
    this.#connection = connection;
    this.#sessions = sessions;
  }

  get usable(): boolean {
    return this.#usable;
  }

  async execute({ text, values }: DriverQuery): Promise<DriverResult> {
    const ends = endsTransaction(text);
    this.#inTransaction ||= beginsTransaction(text);
    this.#running = true;
    try {
      const query = CompiledQuery.raw(text, values as unknown[]);
      const result = await this.#connection.executeQuery<Record<string, unknown>>(query);
      if (ends) this.#inTransaction = false;
      if (!this.#sessions.last && BEGIN.test(text)) await this.#checkSession();
      return toDriverResult(result, ends);
    } catch (error) {
      // Without a code of the server, the connection may be the reason.
      if (!isServerError(error) && !(error instanceof DatabaseError)) this.#usable = false;
      throw error;
    } finally {
      this.#running = false;
    }
  }

  /** Over HTTP, each statement has a session of its own: those of a transaction would take effect one by one. */
  async #checkSession(): Promise<void> {
    try {
      await this.#connection.executeQuery(CompiledQuery.raw("savepoint exchange_session"));
      this.#sessions.last = true;
    } catch (error) {
      if ((error as { code?: unknown }).code !== NO_TRANSACTION) throw error;
      this.#inTransaction = false;
      throw new DatabaseError(
        "Cannot begin transaction: the dialect sends every statement in a session of its own",
        { code: "unsupported", operation: "begin transaction" },
      );
    }
  }

  /** A dialect does not tell types; the server still has to accept the statement. */
  async describe(text: string): Promise<readonly DriverColumn[] | undefined> {
    await this.execute({ text: `prepare exchange_verify as ${text}`, values: [] });
    await this.execute({ text: "deallocate exchange_verify", values: [] });
    return undefined;
  }

  /** Where the dialect cannot cancel, the statement timeout of its server has to. */
  async cancel(): Promise<void> {
    if (!this.#running || !this.#connection.cancelQuery) return;
    await this.#connection.cancelQuery((use) => this.#onAnother(use)).catch(() => {});
  }

  close(): Promise<void> {
    this.#usable = false;
    this.#closed ??= this.#giveBack();
    return this.#closed;
  }

  async #giveBack(): Promise<void> {
    if (this.#inTransaction || this.#running) {
      // It waits for the running statement, so that the next user does not have to.
      await this.execute({ text: "rollback", values: [] }).catch(() => {});
    }
    await this.#driver.releaseConnection(this.#connection).catch(() => {});
  }

  async #onAnother(use: (connection: DatabaseConnection) => Promise<void>): Promise<void> {
    const connection = await this.#driver.acquireConnection();
    try {
      await use(connection);
    } finally {
      await this.#driver.releaseConnection(connection);
    }
  }
}

/** A dialect may put the command into a row where the server returned none. */
function toDriverResult(
  { rows, numAffectedRows }: QueryResult<Record<string, unknown>>,
  ends: boolean,
): DriverResult {
  if (ends) return { rows: [], rowCount: 0, command: String(rows[0]?.["command"] ?? "") };
  return { rows, rowCount: Number(numAffectedRows || rows.length), command: "" };
}

function isServerError(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && isSqlState(code);
}
