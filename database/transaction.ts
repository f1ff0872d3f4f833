import type { Kysely } from "kysely";
import { type CallOptions, settleWithin } from "../core/call_options.ts";
import { DatabaseError, ValidationError } from "../core/errors.ts";
import type { Database, ExecuteOptions } from "./database.ts";
import { abortedError } from "./database_error.ts";
import type { DriverQuery, DriverResult } from "./driver.ts";
import { kyselyFor } from "./kysely_bridge.ts";
import type { Schema } from "./schema.ts";
import type { Session } from "./session.ts";
import type { Statement } from "./statement.ts";

/** How a transaction runs. */
export interface TransactionOptions extends CallOptions {
  /** Default: `read committed`, the server's default. */
  readonly isolation?: "read committed" | "repeatable read" | "serializable";
  /** Refuses writes. Default: `false`. */
  readonly readOnly?: boolean;
  /** How often a serialization failure or deadlock is tried again; 0 to 100. Default: 5. */
  readonly retries?: number;
}

/** The SQLSTATE of a server that is there, and refuses what comes after a failed statement. */
const FAILED_TRANSACTION = "25P02";

/** What the transactions of one pool have in common. */
export interface TransactionSettings {
  /** The default deadline of one statement, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether statements are sent under a name. */
  readonly named: boolean;
}

/**
 * A running transaction: a {@linkcode Database} whose statements take effect together. It is valid
 * until the function that got it settles. Statements given to it at the same time run one after the other.
 *
 * ```ts
 * import { createPool, migrate, PostgresUserRepository } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * await pool.transaction(async (transaction) => {
 *   for (const username of ["ada", "Ada", "grace"]) {
 *     const user = { username, email: `${username}@example.org` };
 *     await transaction.transaction((nested) => new PostgresUserRepository(nested).create(user))
 *       .catch(({ code }) => console.log(username, code)); // Ada already_exists
 *   }
 * }); // commits ada and grace
 * await pool.close();
 * ```
 */
export class Transaction implements Database {
  /** The typed query builder, inside this transaction. */
  readonly query: Kysely<Schema>;
  /** The default deadline of a statement, in milliseconds. */
  readonly timeoutMs: number;
  readonly #session: Session;
  readonly #settings: TransactionSettings;
  readonly #outermost: Transaction;
  readonly #depth: number;
  /** What runs on the connection; of the outermost transaction, which all share. */
  #queue: Promise<unknown> = Promise.resolve();
  /** How many statements run or wait; of the outermost transaction, too. */
  #pending = 0;
  #ended = false;
  #nested: Transaction | undefined;
  #failure: DatabaseError | undefined;

  /** @internal Use `transaction()` of a pool. */
  constructor(session: Session, settings: TransactionSettings, outer?: Transaction) {
    this.#session = session;
    this.#settings = settings;
    this.timeoutMs = settings.timeoutMs;
    this.#outermost = outer ? outer.#outermost : this;
    this.#depth = outer ? outer.#depth + 1 : 0;
    this.query = kyselyFor(this);
  }

  /** @internal What forbids a commit: a statement that failed and was not undone by a savepoint. */
  get failure(): DatabaseError | undefined {
    return this.#failure;
  }

  /** @internal Refuses everything from now on, and waits for what runs. */
  async end(): Promise<void> {
    this.#ended = true;
    if (this.#nested) {
      this.#failure ??= stillNested();
      void this.#nested.end();
    }
    await this.#outermost.#queue;
  }

  /** @internal Whether a statement runs or waits for its turn. */
  get busy(): boolean {
    return this.#outermost.#pending > 0;
  }

  /**
   * @internal Shows the server that somebody is there, also while a nested transaction runs or has failed. `onTurn` is
   * called when the statements before are done. Rejects when the connection is of no use any more.
   */
  async ping(timeoutMs: number, onTurn: () => void): Promise<void> {
    void this.#outermost.#queue.then(onTurn);
    try {
      await this.#enqueue({ text: "select 1", values: [] }, "keep transaction", { timeoutMs });
    } catch (error) {
      if ((error as DatabaseError).sqlState !== FAILED_TRANSACTION) throw error;
    }
  }

  /** Runs a statement in the transaction. */
  async run<Input extends object, Row>(
    statement: Statement<Input, Row>,
    input: Input,
    options: CallOptions = {},
  ): Promise<Row[]> {
    const query = statement.toQuery(input, this.#settings.named);
    return statement.toRows(await this.#execute(query, statement.name, options));
  }

  /** Runs SQL in the transaction. */
  execute(
    text: string,
    values: readonly unknown[] = [],
    options: ExecuteOptions = {},
  ): Promise<DriverResult> {
    return this.#execute({ text, values }, options.operation ?? "execute statement", options);
  }

  /** @internal Whether {@linkcode Transaction.copyFrom} can be used; not every client can. */
  get copies(): boolean {
    return this.#session.copies;
  }

  /** @internal Runs a `copy … from stdin` that reads `rows`. */
  copyFrom(
    text: string,
    rows: Uint8Array,
    operation: string,
    options: CallOptions = {},
  ): Promise<DriverResult> {
    return this.#execute({ text, values: [], rows }, operation, options);
  }

  /**
   * Runs `fn` in a savepoint: when it rejects, what it did is undone and this transaction goes on. Until
   * it settles, this transaction refuses everything else with `nested_call`. If its own deadline passes or its
   * signal fires, the whole transaction is lost, because nobody knows what `fn` does next. Default deadline: that
   * of the outermost transaction.
   */
  async transaction<T>(
    fn: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const operation = "run nested transaction";
    refuseNestedOptions(options);
    this.#refuseUnlessFree(operation);
    const nested = new Transaction(this.#session, this.#settings, this);
    const savepoint = `exchange_${nested.#depth}`;
    this.#nested = nested;
    try {
      await this.#enqueue({ text: `savepoint ${savepoint}`, values: [] }, operation, options);
      return await this.#settleNested(nested, fn, savepoint, options);
    } finally {
      this.#nested = undefined;
    }
  }

  async #settleNested<T>(
    nested: Transaction,
    fn: (transaction: Transaction) => Promise<T>,
    savepoint: string,
    options: TransactionOptions,
  ): Promise<T> {
    try {
      const result = await settleFunction(this.#session, () => fn(nested), options);
      await nested.end();
      if (nested.failure) throw refuseCommit(nested.failure);
      await this.#control(`release savepoint ${savepoint}`);
      return result;
    } catch (error) {
      const ended = nested.end();
      if (this.#session.usable) {
        await ended;
        await this.#rollbackTo(savepoint);
      }
      throw preferConflict(error, nested.failure);
    }
  }

  async #rollbackTo(savepoint: string): Promise<void> {
    try {
      await this.#control(`rollback to savepoint ${savepoint}`);
      // Otherwise the next savepoint would lie inside of this one.
      await this.#control(`release savepoint ${savepoint}`);
    } catch {
      // The connection is gone, and with it the whole transaction; the caller gets the first error.
      this.#session.destroy();
    }
  }

  #control(text: string): Promise<DriverResult> {
    return this.#enqueue({ text, values: [] }, "run nested transaction", {});
  }

  async #execute(
    query: DriverQuery,
    operation: string,
    options: CallOptions,
  ): Promise<DriverResult> {
    this.#refuseUnlessFree(operation);
    try {
      return await this.#enqueue(query, operation, options);
    } catch (error) {
      if (error instanceof DatabaseError) this.#failure ??= error;
      throw error;
    }
  }

  #enqueue(query: DriverQuery, operation: string, options: CallOptions): Promise<DriverResult> {
    const outermost = this.#outermost;
    outermost.#pending++;
    const result = outermost.#queue.then(() => {
      if (!this.#session.usable) throw connectionLost(operation);
      return this.#session.execute(query, {
        ...options,
        operation,
        // Without its commit nothing of a transaction is applied.
        outcomeIfLost: "not-applied",
        defaultTimeoutMs: this.#settings.timeoutMs,
      });
    });
    const settle = (): void => void outermost.#pending--;
    outermost.#queue = result.then(settle, settle);
    return result;
  }

  #refuseUnlessFree(operation: string): void {
    if (this.#ended) {
      throw new DatabaseError(`Cannot ${operation}: the transaction has ended`, {
        code: "closed",
        operation,
      });
    }
    if (!this.#nested) return;
    throw new DatabaseError(`Cannot ${operation}: a nested transaction runs; use its handle`, {
      code: "nested_call",
      operation,
    });
  }
}

/**
 * @internal Waits for the function of a transaction. An interruption costs the connection, and with it the
 * transaction, because nobody knows what the function does next.
 */
export async function settleFunction<T>(
  session: Session,
  fn: () => Promise<T>,
  { signal, timeoutMs }: CallOptions,
): Promise<T> {
  const operation = "run transaction";
  const result = Promise.resolve().then(fn);
  if (!signal && timeoutMs === undefined) return await result;
  return await settleWithin(
    result,
    { signal, defaultTimeoutMs: timeoutMs ?? Number.MAX_SAFE_INTEGER },
    (interruption) => {
      session.destroy();
      if (interruption.kind === "aborted") return abortedError(operation, interruption.reason);
      const afterMs = Math.round(interruption.timeoutMs);
      return new DatabaseError(
        `Cannot ${operation}: its function did not settle within ${afterMs} ms`,
        {
          code: "timeout",
          operation,
        },
      );
    },
  );
}

/** @internal The function caught an error of the server and went on; the server has not. */
export function refuseCommit(failure: DatabaseError): DatabaseError {
  if (failure.code === "nested_call") return failure;
  const operation = "commit transaction";
  return new DatabaseError(
    `Cannot ${operation}: a statement failed and its error was caught; run it in a nested ` +
      "transaction to go on after a failure",
    {
      code: failure.code,
      operation,
      retryable: failure.retryable,
      sqlState: failure.sqlState,
      cause: failure,
    },
  );
}

/** @internal A function may wrap the error of a statement; a conflict is to be seen all the same. */
export function preferConflict(error: unknown, failure: DatabaseError | undefined): unknown {
  return failure?.code === "transaction_conflict" ? failure : error;
}

function stillNested(): DatabaseError {
  const operation = "commit transaction";
  return new DatabaseError(`Cannot ${operation}: a nested transaction still runs; await it`, {
    code: "nested_call",
    operation,
  });
}

/** @internal The connection broke before the commit. */
export function connectionLost(operation: string): DatabaseError {
  return new DatabaseError(`Cannot ${operation}: the transaction lost its connection`, {
    code: "unavailable",
    operation,
    retryable: true,
  });
}

function refuseNestedOptions(options: TransactionOptions): void {
  for (const name of ["isolation", "readOnly", "retries"] as const) {
    if (options[name] !== undefined) {
      throw new ValidationError(name, "a nested transaction has those of the outermost one");
    }
  }
}
