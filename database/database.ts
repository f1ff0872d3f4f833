import type { Kysely } from "kysely";
import type { CallOptions } from "../core/call_options.ts";
import type { DriverResult } from "./driver.ts";
import type { Schema } from "./schema.ts";
import type { Statement } from "./statement.ts";
import type { Transaction, TransactionOptions } from "./transaction.ts";

/** How {@linkcode Database.execute} runs SQL. */
export interface ExecuteOptions extends CallOptions {
  /** What it does, as it stands after "Cannot" in an error. Default: `execute statement`. */
  readonly operation?: string | undefined;
  /** Whether it changes nothing, so that a lost reply does not matter. Default: `false`. */
  readonly readOnly?: boolean | undefined;
}

/**
 * What repositories work on: the pool, or a transaction of it. Both run statements the same way;
 * in a transaction they take effect together, at its commit.
 */
export interface Database {
  /**
   * The typed query builder, for statements that no repository has. Its errors are mapped like all
   * others; its own `transaction()` is refused, because {@linkcode Database.transaction} has the retries.
   */
  readonly query: Kysely<Schema>;

  /** The default deadline of a statement, in milliseconds. */
  readonly timeoutMs: number;

  /**
   * Runs a statement and returns its rows. Default deadline: 30,000 ms, which covers the wait for
   * a connection. Throws a {@linkcode DatabaseError}; its `outcome` is `unknown` only if the
   * statement writes and the reply was lost outside a transaction.
   */
  run<Input extends object, Row>(
    statement: Statement<Input, Row>,
    input: Input,
    options?: CallOptions,
  ): Promise<Row[]>;

  /**
   * Runs SQL as it is, for migrations and for what the builder cannot say. Never put values into the text.
   */
  execute(
    text: string,
    values?: readonly unknown[],
    options?: ExecuteOptions,
  ): Promise<DriverResult>;

  /**
   * Runs `fn` in a transaction and commits when it resolves; rolls back and rejects with its error
   * when it rejects. On a transaction, the nested one is a savepoint.
   *
   * A serialization failure or deadlock runs `fn` again, in a fresh transaction, up to
   * `options.retries` times: what `fn` does besides the database must bear that. If the reply to the
   * commit is lost, the error says `outcome: "unknown"` and nothing is retried. Inside `fn`, use the
   * handle: the pool itself refuses with `nested_call`, because waiting for a second connection
   * can deadlock.
   */
  transaction<T>(
    fn: (transaction: Transaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>;
}
