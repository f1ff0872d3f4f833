/**
 * The driver for PostgreSQL servers, on `npm:pg`.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import type pg from "pg";
import { settleWithin } from "../../core/call_options.ts";
import { refuseEdgeConnections } from "../../core/edge.ts";
import { ConfigurationError, DatabaseError } from "../../core/errors.ts";
import { type ConnectionSettings, parseConnectionUrl } from "../connection_url.ts";
import { CopyQuery } from "./copy_query.ts";
import { DescribeQuery } from "./describe_query.ts";
import { type FieldCache, PreparedQuery } from "./prepared_query.ts";
import { newPgClient } from "./pg_client.ts";
import { listenOn } from "./pg_listener.ts";
import { PG_TYPES, textParser } from "./pg_types.ts";
import type {
  DatabaseDriver,
  DriverColumn,
  DriverConnection,
  DriverListener,
  DriverListenerEvents,
  DriverQuery,
  DriverResult,
} from "../driver.ts";

refuseEdgeConnections("PostgreSQL", "give createPool a dialect that uses fetch");

/** How to reach a server. */
export interface PgDriverConfig {
  /** `postgres://user:password@host:port/database?sslmode=…`; see `parseConnectionUrl`. */
  readonly url: string;
  /** How long opening a connection may take, in milliseconds. Default: 5,000. */
  readonly connectTimeoutMs?: number;
  /**
   * The server stops a statement after this, in milliseconds; 0 for never. Default: 30,000. It is what
   * keeps a statement from running on when its caller has gone without a trace. It is a setting of the
   * session, as the next one is: PgBouncer refuses both, unless its `ignore_startup_parameters`
   * names them or both are 0 here.
   */
  readonly statementTimeoutMs?: number;
  /** The server ends a transaction that is idle for this long, in milliseconds. Default: 60,000. */
  readonly idleInTransactionTimeoutMs?: number;
  /** Certificate authority as PEM text, instead of the system's own. */
  readonly ca?: string;
  /** Accepts any certificate: no protection against a man in the middle. Default: `false`. */
  readonly dangerouslySkipCertificateCheck?: boolean;
}

/**
 * Opens connections with `pg`.
 *
 * ```ts
 * import { createPool } from "@benchmark-exchange/infrastructure/database";
 * import { PgDriver } from "@benchmark-exchange/infrastructure/database/pg";
 *
 * const driver = new PgDriver({ url: "postgres://exchange@127.0.0.1/exchange" });
 * const pool = await createPool({ driver, max: 5 });
 * console.log(pool.stats);
 * await pool.close();
 * ```
 */
export class PgDriver implements DatabaseDriver {
  /** The name in health reports. */
  readonly name = "pg";
  /** The server sets the limit. */
  readonly maxConnections: number = Number.MAX_SAFE_INTEGER;
  readonly #config: PgDriverConfig;
  readonly #settings: ConnectionSettings;

  /** Throws a {@linkcode ConfigurationError} for a malformed URL; connects to nothing yet. */
  constructor(config: PgDriverConfig) {
    this.#config = config;
    this.#settings = parseConnectionUrl(config.url);
  }

  /** Opens a connection. */
  connect(onBroken: () => void): Promise<DriverConnection> {
    return this.#connect(onBroken);
  }

  /** Listens on a connection of its own. */
  async listen(channel: string, events: DriverListenerEvents): Promise<DriverListener> {
    return await listenOn(await this.#connect(() => events.onBroken()), channel, events);
  }

  /** Nothing is open besides connections. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  async #connect(onBroken: () => void): Promise<PgConnection> {
    const client = newPgClient(await this.#clientConfig());
    const connection = new PgConnection(client, this.#settings, onBroken);
    const timeoutMs = this.#config.connectTimeoutMs ?? 5_000;
    try {
      await settleWithin(client.connect(), { timeoutMs, defaultTimeoutMs: timeoutMs }, () => {
        return new DatabaseError(
          `Cannot connect to the server: it accepted no session within ${timeoutMs} ms`,
          { code: "unavailable", operation: "connect", retryable: true },
        );
      });
      return connection;
    } catch (error) {
      await connection.close();
      throw explainRefusal(error);
    }
  }

  async #clientConfig(): Promise<pg.ClientConfig> {
    const { host, port, user, password, database, applicationName } = this.#settings;
    return {
      host,
      port,
      user,
      // Without a password `pg` would look into PGPASSWORD and a password file.
      password: password || (() => ""),
      database,
      application_name: applicationName,
      keepAlive: true,
      statement_timeout: this.#config.statementTimeoutMs ?? 30_000,
      idle_in_transaction_session_timeout: this.#config.idleInTransactionTimeoutMs ?? 60_000,
      ssl: await this.#tls(),
      types: PG_TYPES,
    };
  }

  async #tls(): Promise<pg.ClientConfig["ssl"]> {
    if (this.#settings.tls === "disable") return false;
    if (this.#config.dangerouslySkipCertificateCheck) return { rejectUnauthorized: false };
    const ca = this.#config.ca ?? await readAuthority(this.#settings.caFile);
    return { rejectUnauthorized: true, ...(ca ? { ca } : {}) };
  }
}

class PgConnection implements DriverConnection {
  readonly copies = true;
  readonly #client: pg.Client;
  readonly #settings: ConnectionSettings;
  readonly #fields: FieldCache = new Map();
  #broken = false;

  constructor(client: pg.Client, settings: ConnectionSettings, onBroken: () => void) {
    this.#client = client;
    this.#settings = settings;
    const breakOnce = (): void => {
      if (this.#broken) return;
      this.#broken = true;
      onBroken();
    };
    // Without these a connection that dies while nobody waits for it ends the process.
    client.on("error", breakOnce);
    client.on("end", breakOnce);
  }

  get usable(): boolean {
    return !this.#broken;
  }

  get reusable(): boolean {
    return !this.#broken && this.#transactionStatus() === "I";
  }

  execute(query: DriverQuery): Promise<DriverResult> {
    if (query.rows) return this.#copy(query.text, query.rows);
    return query.name === undefined
      ? this.#executeOnce(query)
      : this.#executePrepared({ ...query, name: query.name });
  }

  async #executePrepared(query: DriverQuery & { readonly name: string }): Promise<DriverResult> {
    const prepared = new PreparedQuery(query, this.#fields, textParser);
    return await this.#submit(prepared, prepared.result);
  }

  async #executeOnce({ text, values }: DriverQuery): Promise<DriverResult> {
    const results: pg.QueryResult | pg.QueryResult[] = await this.#whenReady(
      this.#client.query({ text, values: values as unknown[] }),
    );
    // Several statements in one text give a result each.
    const result = Array.isArray(results) ? results.at(-1) : results;
    return {
      rows: result?.rows ?? [],
      rowCount: result?.rowCount ?? 0,
      command: result?.command ?? "",
    };
  }

  async #copy(text: string, rows: Uint8Array): Promise<DriverResult> {
    const copy = new CopyQuery(text, rows);
    return await this.#submit(copy, copy.result);
  }

  async describe(text: string): Promise<readonly DriverColumn[]> {
    const query = new DescribeQuery(text);
    return await this.#submit(query, query.columns);
  }

  onNotification(listener: () => void): void {
    this.#client.on("notification", listener);
  }

  cancel(): Promise<void> {
    const { processID, secretKey } = this.#client as unknown as BackendKey;
    if (this.#broken || !processID) return Promise.resolve();
    return sendCancelRequest(this.#settings, processID, secretKey);
  }

  close(): Promise<void> {
    this.#broken = true;
    // `end()` would wait for the running statement; a stopped server never answers.
    const { stream } = (this.#client as unknown as { connection: { stream: Closable } }).connection;
    const graceful = this.#client.end().catch(() => {});
    const destroy = setTimeout(() => stream.destroy(), CLOSE_GRACE_MS);
    return Promise.race([graceful, new Promise<void>((resolve) => stream.once("close", resolve))])
      .finally(() => clearTimeout(destroy));
  }

  /** Hands `pg` a query of our own. */
  #submit<T>(query: object, answer: Promise<T>): Promise<T> {
    this.#client.query(query as pg.Submittable);
    return this.#whenReady(answer);
  }

  /**
   * An error arrives before the server is ready for the next statement, or before the end of the connection
   * that it announces. Whoever sees the error must see that, too, or a broken connection gets reused.
   */
  #whenReady<T>(answer: Promise<T>): Promise<T> {
    return answer.catch(async (error) => {
      if (!this.#broken && !(this.#client as unknown as Readiness).readyForQuery) {
        await this.#drained();
      }
      // "cached plan must not change result type": the schema changed under the connection.
      if ((error as { code?: unknown }).code === "0A000") this.#broken = true;
      throw error;
    });
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#client.off("drain", done);
        this.#client.off("end", done);
        resolve();
      };
      this.#client.on("drain", done);
      this.#client.on("end", done);
    });
  }

  #transactionStatus(): string | null {
    return (this.#client as unknown as Readiness).getTransactionStatus();
  }
}

/** How long a goodbye may take. */
const CLOSE_GRACE_MS = 200;

interface Readiness {
  readonly readyForQuery: boolean;
  getTransactionStatus(): string | null;
}

interface BackendKey {
  readonly processID: number | null;
  readonly secretKey: number;
}

interface Closable {
  destroy(): void;
  once(event: "close", listener: () => void): void;
}

/** The request of the protocol's section "Canceling Requests in Progress": 16 bytes on a new connection. */
function sendCancelRequest(
  { host, port }: ConnectionSettings,
  processId: number,
  secretKey: number,
): Promise<void> {
  const request = new DataView(new ArrayBuffer(16));
  [16, 80877102, processId, secretKey].forEach((word, i) => request.setInt32(4 * i, word));
  return new Promise((resolve) => {
    const socket = host.startsWith("/")
      ? connectSocket({ path: `${host}/.s.PGSQL.${port}` })
      : connectSocket({ host, port });
    const done = (): void => (socket.destroy(), resolve());
    socket.setTimeout(1_000, done);
    socket.on("error", done);
    socket.on("close", done);
    socket.on("connect", () => socket.end(new Uint8Array(request.buffer)));
  });
}

async function readAuthority(file: string | undefined): Promise<string | undefined> {
  if (!file) return undefined;
  try {
    return await readFile(file, "utf8");
  } catch {
    throw new ConfigurationError([`sslrootcert names a file that cannot be read: ${file}`]);
  }
}

/** These have no code: `pg` itself gives up, with a constant text. */
function explainRefusal(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.message.includes("does not support SSL")) {
    return new ConfigurationError(
      ["the server does not speak TLS; add sslmode=disable to send everything in the clear"],
      "connect",
    );
  }
  if (!error.message.startsWith("SASL:")) return error;
  return new DatabaseError(
    "Cannot connect: the password is missing, or the server does not know it",
    {
      code: "unauthenticated",
      operation: "connect",
    },
  );
}
