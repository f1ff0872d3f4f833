import { AsyncLocalStorage } from "node:async_hooks";
import type { Kysely } from "kysely";
import { delay, pauseMs } from "../core/backoff.ts";
import { type CallOptions, checkCallOptions, checkTimeout } from "../core/call_options.ts";
import { systemClock } from "../core/clock.ts";
import { DatabaseError, type Outcome } from "../core/errors.ts";
import type { HealthCheck } from "../core/health.ts";
import { checkInteger } from "../core/validation.ts";
import { ConnectionPool, type ConnectionPoolOptions, type PoolStats } from "./connection_pool.ts";
import { ChannelListener, checkChannel, type ListenOptions } from "./channel_listener.ts";
import type { Database, ExecuteOptions } from "./database.ts";
import { abortedError } from "./database_error.ts";
import { leftMs } from "./deadline.ts";
import type {
  DatabaseDriver,
  DriverColumn,
  DriverListener,
  DriverQuery,
  DriverResult,
} from "./driver.ts";
import { kyselyFor } from "./kysely_bridge.ts";
import type { Schema } from "./schema.ts";
import { Session } from "./session.ts";
import type { Statement } from "./statement.ts";
import type { Transaction, TransactionOptions } from "./transaction.ts";
import { attemptTransaction, beginStatement, type TransactionPlan } from "./transaction_attempt.ts";

/** How a {@linkcode DatabasePool} behaves. */
export interface DatabasePoolOptions extends ConnectionPoolOptions {
  /** The default deadline of a statement, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number;
  /** The default deadline of a whole transaction with its retries, in milliseconds. Default: 60,000. */
  readonly transactionTimeoutMs?: number;
  /**
   * Whether statements are prepared under a name, once per connection. Turn it off behind a pooler
   * that cannot follow them (PgBouncer below 1.21 in transaction mode; see also
   * `statementTimeoutMs` of the driver). Default: `true`.
   */
  readonly preparedStatements?: boolean;
}

/** Pauses between attempts of a transaction: short, because the winner has committed already. */
const RETRY_BACKOFF = { baseMs: 5, maxMs: 500 };

/** What a transaction does, after "Cannot". */
const RUN = "run transaction";

/** Marks everything that runs inside a transaction of one pool. */
interface Scope {
  active: boolean;
}

/**
 * A {@linkcode Database} over pooled connections. Made by `createPool`.
 *
 * ```ts
 * import { createPool, migrate, PostgresUserRepository } from "@benchmark-exchange/infrastructure/database";
 *
 * await using pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * await new PostgresUserRepository(pool).create({ email: "ada@example.org", username: "ada" });
 * console.log(await pool.query.selectFrom("users").select(["username", "role"]).execute());
 * // [ { username: "ada", role: "registered" } ]
 * console.log(await pool.check()); // the driver, the version of the server, and the connections
 * ```
 */
export class DatabasePool implements Database, HealthCheck, AsyncDisposable {
  /** The name in health reports. */
  readonly name = "database";
  /** The typed query builder; each statement takes a connection of its own. */
  readonly query: Kysely<Schema>;
  /** The default deadline of a statement, in milliseconds. */
  readonly timeoutMs: number;
  readonly #driver: DatabaseDriver;
  readonly #connections: ConnectionPool;
  readonly #transactionTimeoutMs: number;
  readonly #named: boolean;
  readonly #listeners: ChannelListener[] = [];
  readonly #scope = new AsyncLocalStorage<Scope>();

  /** Creates a pool over a driver, which it owns and closes. */
  constructor(driver: DatabaseDriver, options: DatabasePoolOptions = {}) {
    this.#driver = driver;
    this.#connections = new ConnectionPool(driver, options);
    this.timeoutMs = checkTimeout(options.timeoutMs ?? 30_000);
    this.#transactionTimeoutMs = checkTimeout(
      options.transactionTimeoutMs ?? 60_000,
      "transactionTimeoutMs",
    );
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
    options: ExecuteOptions = {},
  ): Promise<DriverResult> {
    const { operation = "execute statement", readOnly = false } = options;
    return this.#once({ text, values }, operation, readOnly ? "not-applied" : "unknown", options);
  }

  /** Returns the result columns of a statement without running it, or `undefined`; for `verify`. */
  describe(
    text: string,
    operation: string,
    options: CallOptions = {},
  ): Promise<readonly DriverColumn[] | undefined> {
    return this.#lend(operation, options, (session, timeoutMs) =>
      session.describe(text, {
        signal: options.signal,
        operation,
        outcomeIfLost: "not-applied",
        defaultTimeoutMs: timeoutMs,
      }));
  }

  /** Runs `fn` in a transaction, again after serialization failures and deadlocks. */
  async transaction<T>(
    fn: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    this.#refuseInside(RUN);
    const retries = checkInteger("retries", options.retries ?? 5, { min: 0, max: 100 });
    checkCallOptions(options);
    const timeoutMs = options.timeoutMs ?? this.#transactionTimeoutMs;
    const plan: TransactionPlan = {
      begin: beginStatement(options),
      readOnly: options.readOnly,
      signal: options.signal,
      deadlineMs: systemClock.monotonic() + timeoutMs,
      settings: { timeoutMs: this.timeoutMs, named: this.#named },
    };
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#attempt(fn, plan);
      } catch (error) {
        if (!isTransactionConflict(error) || attempt > retries) throw error;
        const pause = pauseMs(attempt, RETRY_BACKOFF);
        if (pause >= leftMs(plan.deadlineMs)) throw error;
        await delay(pause, plan.signal).catch((reason) => {
          throw abortedError(RUN, reason);
        });
      }
    }
  }

  /**
   * Hears the notifications of a channel, on a connection besides those of the pool, until the returned listener is
   * closed, or the pool is. Notifications can be lost: `onGap` says when, and only what is stored is certain. Returns `undefined` if the
   * driver cannot listen.
   */
  listen(channel: string, options: ListenOptions): ChannelListener | undefined {
    const driver = this.#driver;
    checkChannel(channel);
    if (!driver.listen) return undefined;
    const listener = new ChannelListener(async (events) => {
      const listen = (): Promise<DriverListener> => driver.listen!(channel, events);
      // With one session, nobody may have a transaction in it meanwhile.
      return driver.maxConnections > 1 ? await listen() : await this.#lend("listen", {}, listen);
    }, options);
    this.#listeners.push(listener);
    return listener;
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
  async close(deadlineMs = 5_000): Promise<void> {
    const closed = this.#connections.close(deadlineMs);
    await Promise.all([closed, ...this.#listeners.map((listener) => listener.close())]);
  }

  /** The same as {@linkcode DatabasePool.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #once(
    query: DriverQuery,
    operation: string,
    outcomeIfLost: Outcome,
    options: CallOptions,
  ): Promise<DriverResult> {
    const { signal } = options;
    return this.#lend(
      operation,
      options,
      (session, defaultTimeoutMs) =>
        session.execute(query, { signal, operation, outcomeIfLost, defaultTimeoutMs }),
    );
  }

  /** Lends a session for one step, with what is left of the deadline after waiting for a connection. */
  async #lend<T>(
    operation: string,
    options: CallOptions,
    use: (session: Session, timeoutMs: number) => Promise<T>,
  ): Promise<T> {
    this.#refuseInside(operation);
    checkCallOptions(options);
    let timeoutMs = options.timeoutMs ?? this.timeoutMs;
    let pooled = this.#connections.acquireIdle();
    if (!pooled) {
      const deadlineMs = systemClock.monotonic() + timeoutMs;
      pooled = await this.#connections.acquire(operation, { signal: options.signal, timeoutMs });
      timeoutMs = leftMs(deadlineMs);
    }
    const session = new Session(this.#connections, pooled);
    try {
      return await use(session, timeoutMs);
    } finally {
      session.release();
    }
  }

  async #attempt<T>(
    fn: (transaction: Transaction) => Promise<T>,
    plan: TransactionPlan,
  ): Promise<T> {
    const { signal, readOnly } = plan;
    const timeoutMs = leftMs(plan.deadlineMs);
    const pooled = await this.#connections.acquire(RUN, { signal, timeoutMs });
    const session = new Session(this.#connections, pooled, { readOnly });
    const scope: Scope = { active: true };
    try {
      return await this.#scope.run(scope, () => attemptTransaction(session, fn, plan));
    } finally {
      scope.active = false;
      session.release();
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

function isTransactionConflict(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === "transaction_conflict" &&
    error.outcome === "not-applied";
}
