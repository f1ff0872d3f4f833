import { AsyncLocalStorage } from "node:async_hooks";
import type { Kysely } from "kysely";
import { delay, pauseMs } from "../core/backoff.ts";
import { type CallOptions, checkTimeout, settleWithin } from "../core/call_options.ts";
import { systemClock } from "../core/clock.ts";
import { DatabaseError, ValidationError } from "../core/errors.ts";
import type { HealthCheck } from "../core/health.ts";
import { checkInteger } from "../core/validation.ts";
import { ConnectionPool, type ConnectionPoolOptions, type PoolStats } from "./connection_pool.ts";
import type { Database } from "./database.ts";
import type { DatabaseDriver, DriverColumn, DriverQuery, DriverResult } from "./driver.ts";
import { kyselyFor } from "./kysely_bridge.ts";
import type { Schema } from "./schema.ts";
import { Session } from "./session.ts";
import type { Statement } from "./statement.ts";
import { failedEarlier, Transaction, type TransactionOptions } from "./transaction.ts";

/** How a {@linkcode DatabasePool} behaves. */
export interface DatabasePoolOptions extends ConnectionPoolOptions {
  /** The default deadline of a statement, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number;
  /** The default deadline of a whole transaction with its retries, in milliseconds. Default: 60,000. */
  readonly transactionTimeoutMs?: number;
  /**
   * Whether statements are prepared under a name, once per connection. Turn it off behind a pooler
   * that cannot follow them (PgBouncer below 1.21 in transaction mode). Default: `true`.
   */
  readonly preparedStatements?: boolean;
}

/** Pauses between attempts of a transaction: short, because the winner has committed already. */
const RETRY_BACKOFF = { baseMs: 5, maxMs: 500 };

/** How long a rollback may take before the connection is closed instead. */
const ROLLBACK_TIMEOUT_MS = 5_000;

/** Marks everything that runs inside a transaction of one pool. */
interface Scope {
  active: boolean;
}

/** A {@linkcode Database} over pooled connections. Made by `createPool`. */
export class DatabasePool implements Database, HealthCheck, AsyncDisposable {
  /** The name in health reports. */
  readonly name = "database";
  /** The typed query builder; each statement takes a connection of its own. */
  readonly query: Kysely<Schema>;
  readonly #driver: DatabaseDriver;
  readonly #connections: ConnectionPool;
  readonly #timeoutMs: number;
  readonly #transactionTimeoutMs: number;
  readonly #named: boolean;
  readonly #scope = new AsyncLocalStorage<Scope>();

  /** Creates a pool over a driver, which it owns and closes. */
  constructor(driver: DatabaseDriver, options: DatabasePoolOptions = {}) {
    this.#driver = driver;
    this.#connections = new ConnectionPool(driver, options);
    this.#timeoutMs = checkTimeout(options.timeoutMs ?? 30_000);
    this.#transactionTimeoutMs = checkTimeout(options.transactionTimeoutMs ?? 60_000);
    this.#named = options.preparedStatements ?? true;
    this.query = kyselyFor(this);
  }

  /** How many connections are open, idle and waited for. */
  get stats(): PoolStats {
    return this.#connections.stats;
  }

  /** Runs a statement on a connection of its own. */
  async run<Input extends object, Row>(
    statement: Statement<Input, Row>,
    input: Input,
    options: CallOptions = {},
  ): Promise<Row[]> {
    const query = statement.toQuery(input, this.#named);
    const outcome = statement.writes ? "unknown" : "not-applied";
    return statement.toRows(await this.#once(query, statement.name, outcome, options));
  }

  /** Runs SQL on a connection of its own. */
  execute(
    text: string,
    values: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<DriverResult> {
    return this.#once({ text, values }, "execute statement", "unknown", options);
  }

  /** Returns the result columns of a statement without running it, or `undefined`; for `verify`. */
  async describe(
    text: string,
    operation: string,
    options: CallOptions = {},
  ): Promise<readonly DriverColumn[] | undefined> {
    this.#refuseInside(operation);
    const pooled = await this.#connections.acquire(operation, options.signal);
    const session = new Session(this.#connections, pooled);
    try {
      return await session.describe(text, {
        ...options,
        operation,
        outcomeIfLost: "not-applied",
        defaultTimeoutMs: this.#timeoutMs,
      });
    } finally {
      session.release();
    }
  }

  /** Runs `fn` in a transaction, again after serialization failures and deadlocks. */
  async transaction<T>(
    fn: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const operation = "run transaction";
    this.#refuseInside(operation);
    const retries = checkInteger("retries", options.retries ?? 5, { min: 0, max: 100 });
    const timeoutMs = checkTimeout(options.timeoutMs ?? this.#transactionTimeoutMs);
    const deadlineMs = systemClock.monotonic() + timeoutMs;
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#attempt(fn, options, deadlineMs - systemClock.monotonic());
      } catch (error) {
        if (!isTransactionConflict(error) || attempt > retries) throw error;
        const pause = pauseMs(attempt, RETRY_BACKOFF);
        if (systemClock.monotonic() + pause >= deadlineMs) throw error;
        await delay(pause, options.signal).catch((reason) => {
          throw aborted(operation, reason);
        });
      }
    }
  }

  /** Asks the server for its version, and the pool how it stands. */
  async check(options: CallOptions = {}): Promise<Record<string, unknown>> {
    const { rows } = await this.#once(
      { text: "select current_setting('server_version') as version", values: [] },
      "check health",
      "not-applied",
      options,
    );
    return { driver: this.#driver.name, version: rows[0]?.["version"], ...this.stats };
  }

  /** Refuses new calls, waits up to `deadlineMs` for running ones and closes the connections. Idempotent. */
  close(deadlineMs = 5_000): Promise<void> {
    return this.#connections.close(deadlineMs);
  }

  /** The same as {@linkcode DatabasePool.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #once(
    query: DriverQuery,
    operation: string,
    outcomeIfLost: "unknown" | "not-applied",
    options: CallOptions,
  ): Promise<DriverResult> {
    this.#refuseInside(operation);
    const pooled = this.#connections.acquireIdle() ??
      await this.#connections.acquire(operation, options.signal);
    const session = new Session(this.#connections, pooled);
    try {
      return await session.execute(query, {
        signal: options.signal,
        timeoutMs: options.timeoutMs,
        operation,
        outcomeIfLost,
        defaultTimeoutMs: this.#timeoutMs,
      });
    } finally {
      session.release();
    }
  }

  async #attempt<T>(
    fn: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions,
    timeoutMs: number,
  ): Promise<T> {
    const operation = "run transaction";
    const pooled = await this.#connections.acquire(operation, options.signal);
    const session = new Session(this.#connections, pooled);
    const settings = { timeoutMs: this.#timeoutMs, named: this.#named };
    const transaction = new Transaction(session, settings);
    const scope: Scope = { active: true };
    try {
      await transaction.execute(beginStatement(options));
      const result = await settleWithin(
        this.#scope.run(scope, () => Promise.resolve().then(() => fn(transaction))),
        { signal: options.signal, timeoutMs: Math.max(timeoutMs, 1), defaultTimeoutMs: 1 },
        (interruption) => {
          session.destroy();
          return interruption.kind === "aborted"
            ? aborted(operation, interruption.reason)
            : timedOut(operation, interruption.timeoutMs);
        },
      );
      await transaction.end();
      await this.#commit(session, transaction);
      return result;
    } catch (error) {
      await transaction.end();
      await this.#rollback(session);
      throw preferConflict(error, transaction.failure);
    } finally {
      scope.active = false;
      session.release();
    }
  }

  async #commit(session: Session, transaction: Transaction): Promise<void> {
    if (transaction.failure) throw failedEarlier(transaction.failure);
    const { command } = await session.execute({ text: "commit", values: [] }, {
      operation: "commit transaction",
      outcomeIfLost: "unknown",
      defaultTimeoutMs: this.#timeoutMs,
    });
    if (command === "ROLLBACK") {
      throw new DatabaseError("Cannot commit transaction: the server rolled it back", {
        code: "conflict",
        operation: "commit transaction",
      });
    }
  }

  async #rollback(session: Session): Promise<void> {
    if (!session.usable) return session.destroy();
    try {
      await session.execute({ text: "rollback", values: [] }, {
        operation: "roll back transaction",
        outcomeIfLost: "not-applied",
        defaultTimeoutMs: ROLLBACK_TIMEOUT_MS,
      });
    } catch {
      // A closed connection rolls back as well.
      session.destroy();
    }
  }

  #refuseInside(operation: string): void {
    if (!this.#scope.getStore()?.active) return;
    throw new DatabaseError(
      `Cannot ${operation}: the pool is used inside its own transaction, which can deadlock; ` +
        "use the transaction that the function was given",
      { code: "nested_call", operation },
    );
  }
}

function beginStatement({ isolation, readOnly }: TransactionOptions): string {
  if (isolation && !Object.hasOwn(ISOLATION, isolation)) {
    const known = Object.keys(ISOLATION).join(", ");
    throw new ValidationError("isolation", `it must be one of ${known}`);
  }
  const modes = [
    isolation ? `isolation level ${ISOLATION[isolation]}` : "",
    readOnly ? "read only" : "",
  ];
  return ["begin", ...modes].filter(Boolean).join(" ");
}

/** Spelt out, so that no text of a caller gets into SQL. */
const ISOLATION = {
  "read committed": "read committed",
  "repeatable read": "repeatable read",
  "serializable": "serializable",
} as const;

function isTransactionConflict(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === "transaction_conflict" &&
    error.outcome === "not-applied";
}

/** A function may wrap the error of a statement; a conflict is to be seen all the same. */
function preferConflict(error: unknown, failure: DatabaseError | undefined): unknown {
  return isTransactionConflict(failure) ? failure : error;
}

function aborted(operation: string, reason: unknown): DatabaseError {
  return new DatabaseError(`Cannot ${operation}: aborted by the caller`, {
    code: "aborted",
    operation,
    cause: reason,
  });
}

function timedOut(operation: string, timeoutMs: number): DatabaseError {
  return new DatabaseError(`Cannot ${operation}: not done within ${Math.round(timeoutMs)} ms`, {
    code: "timeout",
    operation,
  });
}
