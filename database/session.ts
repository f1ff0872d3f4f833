import { type CallOptions, type Interruption, settleWithin } from "../core/call_options.ts";
import { DatabaseError, type Outcome } from "../core/errors.ts";
import { toDatabaseError } from "./database_error.ts";
import type { DriverColumn, DriverQuery, DriverResult } from "./driver.ts";
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

/**
 * A connection in somebody's hands. It settles every step by its deadline; a step that is
 * interrupted is cancelled on the server and costs the connection, whose state nobody knows then.
 */
export class Session {
  readonly #pool: ConnectionPool;
  readonly #pooled: PooledConnection;
  #returned = false;

  /** Takes over a connection of the pool. */
  constructor(pool: ConnectionPool, pooled: PooledConnection) {
    this.#pool = pool;
    this.#pooled = pooled;
  }

  /** Whether the connection can still be used. */
  get usable(): boolean {
    return !this.#returned && this.#pooled.connection.usable;
  }

  /** Runs one statement. */
  async execute(query: DriverQuery, step: Step): Promise<DriverResult> {
    checkParameterCount(query, step.operation);
    try {
      return await settleWithin(
        this.#pooled.connection.execute(query),
        step,
        (interruption) => this.#interrupt(interruption, step),
      );
    } catch (error) {
      const failure = toDatabaseError(error, step);
      // A read-only server was demoted: a new connection may find the new primary.
      if (failure.sqlState === "25006") this.destroy();
      throw failure;
    }
  }

  /** Returns the result columns of a statement without running it. */
  async describe(text: string, step: Step): Promise<readonly DriverColumn[] | undefined> {
    try {
      return await settleWithin(
        this.#pooled.connection.describe(text),
        step,
        (interruption) => this.#interrupt(interruption, step),
      );
    } catch (error) {
      throw toDatabaseError(error, step);
    }
  }

  /** Gives the connection back. */
  release(): void {
    if (this.#returned) return;
    this.#returned = true;
    this.#pool.release(this.#pooled);
  }

  /** Closes the connection instead of giving it back. */
  destroy(): void {
    if (this.#returned) return;
    this.#returned = true;
    this.#pool.destroy(this.#pooled);
  }

  #interrupt(interruption: Interruption, step: Step): DatabaseError {
    const { connection } = this.#pooled;
    void connection.cancel().finally(() => connection.close());
    this.destroy();
    const { operation, outcomeIfLost: outcome } = step;
    if (interruption.kind === "aborted") {
      return new DatabaseError(`Cannot ${operation}: aborted by the caller`, {
        code: "aborted",
        operation,
        outcome,
        cause: interruption.reason,
      });
    }
    return new DatabaseError(
      `Cannot ${operation}: no answer within ${interruption.timeoutMs} ms`,
      { code: "timeout", operation, outcome, retryable: outcome === "not-applied" },
    );
  }
}
