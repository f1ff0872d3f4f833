/**
 * The driver for embedded PostgreSQL, on `npm:@electric-sql/pglite`: no server, one connection, in
 * the process. A statement runs on the event loop, so no deadline can interrupt it and timers wait meanwhile.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PGlite, types } from "@electric-sql/pglite";
import { refuseEdge } from "../../core/edge.ts";
import { ConfigurationError, DatabaseError } from "../../core/errors.ts";
import type {
  DatabaseDriver,
  DriverColumn,
  DriverConnection,
  DriverListener,
  DriverListenerEvents,
  DriverQuery,
  DriverResult,
} from "../driver.ts";
import { lockDirectory } from "../directory_lock.ts";
import { parseTimestamp } from "../timestamp.ts";

refuseEdge(
  "embedded PostgreSQL",
  "WebAssembly cannot be compiled there",
  "give createPool a dialect that uses fetch",
);

/** Where the data is. */
export interface PgliteDriverConfig {
  /** A folder that keeps the data; created if missing. Default: memory, gone when closed. */
  readonly dataDir?: string;
}

/**
 * Opens PGlite. The data folder is locked, because two processes on it lose data without an error.
 *
 * ```ts
 * import { createPool } from "@benchmark-exchange/infrastructure/database";
 * import { PgliteDriver } from "@benchmark-exchange/infrastructure/database/pglite";
 *
 * const pool = await createPool({ driver: new PgliteDriver({ dataDir: "./data/database" }) });
 * console.log(pool.stats);
 * await pool.close();
 * ```
 */
export class PgliteDriver implements DatabaseDriver {
  /** The name in health reports. */
  readonly name = "pglite";
  /** PGlite has one session. */
  readonly maxConnections = 1;
  readonly #config: PgliteDriverConfig;
  #opened: Promise<{ database: PGlite; unlock(): Promise<void> }> | undefined;

  /** Opens nothing yet. */
  constructor(config: PgliteDriverConfig = {}) {
    this.#config = config;
  }

  /**
   * Creates the driver and opens the database, which takes a second or, on a busy machine, many: more
   * than callers of a pool would wait for a connection. Throws `conflict` if another process has the folder.
   */
  static async open(config: PgliteDriverConfig = {}): Promise<PgliteDriver> {
    const driver = new PgliteDriver(config);
    await driver.connect(() => {});
    return driver;
  }

  /** Opens the database at the first call; throws `conflict` if another process has the folder. */
  async connect(_onBroken: () => void): Promise<DriverConnection> {
    this.#opened ??= this.#open();
    try {
      return new PgliteConnection((await this.#opened).database);
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }

  /**
   * Listens on the one session. Call it while nobody has a connection: what is done in a transaction ends
   * with its rollback.
   */
  async listen(channel: string, { onNotify }: DriverListenerEvents): Promise<DriverListener> {
    await this.connect(() => {});
    const { database } = await this.#opened!;
    const unlisten = await database.listen(channel, onNotify);
    return {
      check: () => database.closed ? Promise.reject(new Error("closed")) : nothing(),
      close: async () => {
        if (!database.closed) await unlisten().catch(nothing);
      },
    };
  }

  /** Closes the database and unlocks the folder. */
  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined);
    this.#opened = undefined;
    if (!opened) return;
    if (!opened.database.closed) await opened.database.close();
    await opened.unlock();
  }

  async #open(): Promise<{ database: PGlite; unlock(): Promise<void> }> {
    const { dataDir } = this.#config;
    if (!dataDir) return { database: await PGlite.create({ parsers: PARSERS }), unlock: nothing };
    const unlock = await claimFolder(dataDir);
    try {
      const database = await PGlite.create({ dataDir: `${dataDir}/postgres`, parsers: PARSERS });
      return { database, unlock };
    } catch (error) {
      await unlock();
      throw error;
    }
  }
}

async function claimFolder(dataDir: string): Promise<() => Promise<void>> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    return await lockDirectory(dataDir);
  } catch (error) {
    if (error instanceof DatabaseError) throw error;
    const reason = (error as { readonly code?: unknown }).code ?? "unknown";
    throw new ConfigurationError(
      [`the folder ${dataDir} cannot be used: ${reason}`],
      "open database",
    );
  }
}

class PgliteConnection implements DriverConnection {
  readonly copies = false;
  readonly #database: PGlite;
  #closed = false;
  #inTransaction = false;

  constructor(database: PGlite) {
    this.#database = database;
  }

  get usable(): boolean {
    return !this.#closed && !this.#database.closed;
  }

  get reusable(): boolean {
    return this.usable && !this.#inTransaction;
  }

  async execute({ text, values }: DriverQuery): Promise<DriverResult> {
    // PGlite answers without a turn of the event loop: timers and handlers get theirs here.
    await nextTurn();
    const before = this.#inTransaction;
    // Nobody knows after an error, or after the first statements of a text that fails later.
    this.#inTransaction = true;
    // Without values the simple protocol, which takes several statements, as migrations need.
    const results: readonly PgliteResult[] = values.length === 0
      ? await this.#database.exec(text)
      : [await this.#database.query(text, values as unknown[])];
    this.#inTransaction = results.reduce(isInTransaction, before);
    return toDriverResult(results.at(-1));
  }

  async describe(text: string): Promise<readonly DriverColumn[]> {
    const { resultFields } = await this.#database.describeQuery(text);
    return resultFields.map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID }));
  }

  /** The statement blocks the event loop: by the time this runs, it has ended. */
  cancel(): Promise<void> {
    return Promise.resolve();
  }

  /** The one session stays open for the next user; what was left open in it is rolled back. */
  async close(): Promise<void> {
    if (!this.usable) return;
    // Once: a second rollback would hit the transaction of the next user.
    this.#closed = true;
    await this.#database.exec("rollback").catch(nothing);
  }
}

type PgliteResult = Awaited<ReturnType<PGlite["exec"]>>[number];

function isInTransaction(before: boolean, { command = "" }: PgliteResult): boolean {
  if (/^(BEGIN|START)/.test(command)) return true;
  return before && !/^(COMMIT|ROLLBACK)/.test(command);
}

function toDriverResult(result: PgliteResult | undefined): DriverResult {
  return {
    rows: (result?.rows ?? []) as Record<string, unknown>[],
    rowCount: result?.rowCount ?? 0,
    command: result?.command?.split(" ")[0] ?? "",
  };
}

const PARSERS = {
  [types.INT8]: Number,
  [types.DATE]: (text: string): string => text,
  [types.TIMESTAMPTZ]: parseTimestamp,
};

function nothing(): Promise<void> {
  return Promise.resolve();
}
