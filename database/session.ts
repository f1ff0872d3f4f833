import {
  type CallOptions,
  checkCallOptions,
  type Interruption,
  settleWithin,
} from "../core/call_options.ts";
import { DatabaseError, type InfrastructureError, type Outcome } from "../core/errors.ts";
import { abortedError, toDatabaseError } from "./database_error.ts";
import type { DriverColumn, DriverConnection, DriverQuery, DriverResult } from "./driver.ts";
import type { ConnectionPool, PooledConnection } from "./connection_pool.ts";
import { checkParameterCount } from "./statement.ts";

/** One step on a connection. */
export interface Step extends CallOptions {
  /** What it does, after "Cannot". */
  readonly operation: string;
  /** Whether it can have changed anything if its reply is lost. */
  readonly outcomeIfLost: Outcome;
  /** Used where the call gives no `timeoutMs`. */
  readonly defaultTimeoutMs: number;
}

/** SQLSTATEs after which a connection is of no use, although it may still answer. */
const SPOILT: ReadonlySet<string> = new Set([
  // A prepared statement has another result type since the schema changed, or is gone.
  "0A000",
  "26000",
  // The server ends the session with these.
  "25P03",
  "25P04",
]);

/** A read-only server was demoted: a new connection may find the new primary. */
const READ_ONLY = "25006";

/** How a session is used. */
export interface SessionOptions {
  /** Whether a refused write is what the caller asked for. Default: `false`. */
  readonly readOnly?: boolean | undefined;
}

/**
 * A connection in somebody's hands. It settles every step by its deadline; a step that is
 * interrupted is cancelled on the server and costs the connection, whose state nobody knows then.
 */
export class Session {
  readonly #pool: ConnectionPool;
  readonly #pooled: PooledConnection;
  readonly #readOnly: boolean;
  #returned = false;

  /** Takes over a connection of the pool. */
  constructor(pool: ConnectionPool, pooled: PooledConnection, options: SessionOptions = {}) {
    this.#pool = pool;
    this.#pooled = pooled;
    this.#readOnly = options.readOnly ?? false;
  }

  /** Whether the connection can still be used. */
  get usable(): boolean {
    return !this.#returned && this.#pooled.connection.usable;
  }

  /** Whether the client can send rows for a `copy … from stdin`. */
  get copies(): boolean {
    return this.#pooled.connection.copies;
  }

  /** Runs one statement; sends nothing if the signal has fired already. */
  execute(query: DriverQuery, step: Step): Promise<DriverResult> {
    return this.#run(step, (connection) => {
      checkParameterCount(query, step.operation);
      return connection.execute(query);
    });
  }

  /** Returns the result columns of a statement without running it. */
  describe(text: string, step: Step): Promise<readonly DriverColumn[] | undefined> {
    return this.#run(step, (connection) => connection.describe(text));
  }

  /** Gives the connection back. */
  release(): void {
    if (this.#returned) return;
    this.#returned = true;
    this.#pool.release(this.#pooled);
  }

  /** Stops what runs on the server and closes the connection, instead of giving it back. */
  destroy(): void {
    if (this.#returned) return;
    this.#returned = true;
    // A server that only loses its client runs the statement to its end, and keeps its locks.
    void this.#pooled.connection.cancel();
    this.#pool.destroy(this.#pooled);
  }

  async #run<T>(step: Step, send: (connection: DriverConnection) => Promise<T>): Promise<T> {
    const { operation, signal } = step;
    const { connection } = this.#pooled;
    checkCallOptions(step);
    const timeoutMs = step.timeoutMs ?? step.defaultTimeoutMs;
    if (signal?.aborted) throw abortedError(operation, signal.reason);
    try {
      return await settleWithin(
        send(connection),
        { signal, defaultTimeoutMs: timeoutMs },
        (interruption) => this.#interrupt(interruption, step),
      );
    } catch (error) {
      const failure = toDatabaseError(error, { ...step, connected: connection.usable });
      if (this.#spoils(failure)) this.destroy();
      throw failure;
    }
  }

  #spoils({ code, sqlState }: InfrastructureError & { readonly sqlState?: string }): boolean {
    if (code === "unavailable" || SPOILT.has(sqlState ?? "")) return true;
    return sqlState === READ_ONLY && !this.#readOnly;
  }

  #interrupt(interruption: Interruption, step: Step): DatabaseError {
    const { operation, outcomeIfLost: outcome } = step;
    this.destroy();
    if (interruption.kind === "aborted") {
      return abortedError(operation, interruption.reason, outcome);
    }
    return new DatabaseError(
      `Cannot ${operation}: no answer within ${Math.round(interruption.timeoutMs)} ms`,
      { code: "timeout", operation, outcome, retryable: outcome === "not-applied" },
    );
  }
}
