import type { Kysely } from "kysely";
import type { CallOptions } from "../core/call_options.ts";
import { DatabaseError, ValidationError } from "../core/errors.ts";
import type { Database } from "./database.ts";
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
 */
export class Transaction implements Database {
  /** The typed query builder, inside this transaction. */
  readonly query: Kysely<Schema>;
  readonly #session: Session;
  readonly #settings: TransactionSettings;
  readonly #depth: number;
  #queue: Promise<unknown> = Promise.resolve();
  #state: "active" | "nested" | "ended" = "active";
  #failure: DatabaseError | undefined;

  /** @internal Use `transaction()` of a pool. */
  constructor(session: Session, settings: TransactionSettings, depth = 0) {
    this.#session = session;
    this.#settings = settings;
    this.#depth = depth;
    this.query = kyselyFor(this);
  }

  /** @internal The statement that failed and was not undone by a savepoint. */
  get failure(): DatabaseError | undefined {
    return this.#failure;
  }

  /** @internal Waits for what runs, and refuses everything later. */
  async end(): Promise<void> {
    this.#state = "ended";
    await this.#queue;
  }

  /** Runs a statement in the transaction. */
  async run<Input extends object, Row>(
    statement: Statement<Input, Row>,
    input: Input,
    options: CallOptions = {},
  ): Promise<Row[]> {
    const query = statement.toQuery(input, this.#settings.named);
    return statement.toRows(await this.#enqueue(query, statement.name, options));
  }

  /** Runs SQL in the transaction. */
  execute(
    text: string,
    values: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<DriverResult> {
    return this.#enqueue({ text, values }, "execute statement", options);
  }

  /** Runs `fn` in a savepoint: when it rejects, what it did is undone and this transaction goes on. */
  async transaction<T>(
    fn: (transaction: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    refuseNestedOptions(options);
    const savepoint = `exchange_${this.#depth + 1}`;
    await this.execute(`savepoint ${savepoint}`, [], options);
    this.#state = "nested";
    const nested = new Transaction(this.#session, this.#settings, this.#depth + 1);
    try {
      const result = await fn(nested);
      await nested.end();
      if (nested.failure) throw failedEarlier(nested.failure);
      this.#state = "active";
      await this.execute(`release savepoint ${savepoint}`);
      return result;
    } catch (error) {
      await nested.end();
      await this.#rollbackTo(savepoint);
      throw error;
    }
  }

  async #rollbackTo(savepoint: string): Promise<void> {
    if (this.#state === "nested") this.#state = "active";
    try {
      await this.execute(`rollback to savepoint ${savepoint}`);
      this.#failure = undefined;
    } catch {
      // The connection is gone, and with it the whole transaction; the caller gets the first error.
      this.#session.destroy();
    }
  }

  #enqueue(query: DriverQuery, operation: string, options: CallOptions): Promise<DriverResult> {
    if (this.#state !== "active") return Promise.reject(this.#refusal(operation));
    const result = this.#queue.then(() => this.#step(query, operation, options));
    this.#queue = result.catch(() => {});
    return result;
  }

  async #step(
    query: DriverQuery,
    operation: string,
    options: CallOptions,
  ): Promise<DriverResult> {
    if (!this.#session.usable) throw connectionLost(operation);
    try {
      return await this.#session.execute(query, {
        ...options,
        operation,
        // Without its commit nothing of a transaction is applied.
        outcomeIfLost: "not-applied",
        defaultTimeoutMs: this.#settings.timeoutMs,
      });
    } catch (error) {
      if (error instanceof DatabaseError) this.#failure = error;
      throw error;
    }
  }

  #refusal(operation: string): DatabaseError {
    return this.#state === "ended"
      ? new DatabaseError(`Cannot ${operation}: the transaction has ended`, {
        code: "closed",
        operation,
      })
      : new DatabaseError(`Cannot ${operation}: a nested transaction runs; use its handle`, {
        code: "nested_call",
        operation,
      });
  }
}

/** @internal The function caught an error of the server and went on; the server has not. */
export function failedEarlier(failure: DatabaseError): DatabaseError {
  return new DatabaseError(
    "Cannot commit transaction: a statement failed and its error was caught; run it in a nested " +
      "transaction to go on after a failure",
    {
      code: failure.code,
      operation: "commit transaction",
      retryable: failure.retryable,
      sqlState: failure.sqlState,
      cause: failure,
    },
  );
}

function connectionLost(operation: string): DatabaseError {
  return new DatabaseError(`Cannot ${operation}: the transaction lost its connection`, {
    code: "unavailable",
    operation,
  });
}

function refuseNestedOptions(options: TransactionOptions): void {
  for (const name of ["isolation", "readOnly", "retries"] as const) {
    if (options[name] !== undefined) {
      throw new ValidationError(name, "a nested transaction has those of the outermost one");
    }
  }
}
