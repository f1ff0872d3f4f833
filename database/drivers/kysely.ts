/**
 * The driver for any other client of PostgreSQL that has a Kysely dialect: serverless ones, poolers,
 * test doubles. Statements are sent as the dialect does it, without names.
 *
 * @module
 */
import { CompiledQuery, type DatabaseConnection, type Dialect, type Driver } from "kysely";
import type {
  DatabaseDriver,
  DriverColumn,
  DriverConnection,
  DriverQuery,
  DriverResult,
} from "../driver.ts";

/** How to use a dialect. */
export interface KyselyDriverConfig {
  /** A dialect for PostgreSQL. Its client stays open when the pool closes: whoever made it closes it. */
  readonly dialect: Dialect;
  /** How many connections the dialect gives at the same time. Default: 1, which is right for all. */
  readonly maxConnections?: number;
}

/** Speaks through the driver of a Kysely dialect. */
export class KyselyDriver implements DatabaseDriver {
  /** The name in health reports. */
  readonly name = "kysely";
  /** As configured. */
  readonly maxConnections: number;
  readonly #driver: Driver;
  #ready: Promise<void> | undefined;

  /** Connects to nothing yet. */
  constructor(config: KyselyDriverConfig) {
    this.maxConnections = config.maxConnections ?? 1;
    this.#driver = config.dialect.createDriver();
  }

  /** Takes a connection from the dialect. */
  async connect(_onBroken: () => void): Promise<DriverConnection> {
    this.#ready ??= this.#driver.init();
    await this.#ready;
    return new KyselyConnection(this.#driver, await this.#driver.acquireConnection());
  }

  /** The client was passed in, so it stays open. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

class KyselyConnection implements DriverConnection {
  readonly #driver: Driver;
  readonly #connection: DatabaseConnection;
  #released = false;

  constructor(driver: Driver, connection: DatabaseConnection) {
    this.#driver = driver;
    this.#connection = connection;
  }

  get usable(): boolean {
    return !this.#released;
  }

  get reusable(): boolean {
    return this.usable;
  }

  async execute({ text, values }: DriverQuery): Promise<DriverResult> {
    const query = CompiledQuery.raw(text, values as unknown[]);
    const { rows, numAffectedRows } = await this.#connection.executeQuery(query);
    return {
      rows: rows as Record<string, unknown>[],
      rowCount: Number(numAffectedRows ?? rows.length),
      command: "",
    };
  }

  /** A dialect does not tell types; the server still has to accept the statement. */
  async describe(text: string): Promise<readonly DriverColumn[] | undefined> {
    await this.execute({ text: `prepare exchange_verify as ${text}`, values: [] });
    await this.execute({ text: "deallocate exchange_verify", values: [] });
    return undefined;
  }

  /** A dialect cannot cancel; the statement timeout of its server has to. */
  cancel(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.execute({ text: "rollback", values: [] }).catch(() => {});
    await this.#driver.releaseConnection(this.#connection).catch(() => {});
  }
}
