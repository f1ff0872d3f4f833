import { sql } from "kysely";
import type { CallOptions } from "../../core/call_options.ts";
import { checkInteger, checkText } from "../../core/validation.ts";
import type { Database } from "../database.ts";
import { type Statement, statement, type StatementInfo } from "../statement.ts";
import type { Transaction } from "../transaction.ts";

/** What became of an event in {@linkcode processOnce}. */
export type Processed<T> =
  | { readonly processed: true; /** What the function returned. */ readonly value: T }
  /** The consumer has handled the event before. */
  | { readonly processed: false };

/** What {@linkcode pruneInbox} forgets. */
export interface PruneOptions extends CallOptions {
  /** Events that were handled longer ago than this, in milliseconds; longer than a broker delivers again. */
  readonly olderThanMs: number;
}

const remember: Statement<{ consumer: string; eventId: string }, { new: boolean }> = statement(
  "remember event in inbox",
  { new: "bool" },
  (_, p: { consumer: string; eventId: string }) =>
    sql<{ new: boolean }>`
      insert into inbox (consumer, event_id) values (${p.consumer}, ${p.eventId})
      on conflict do nothing returning true as new`,
);

const prune: Statement<{ olderThanMs: number }, { pruned: number }> = statement(
  "prune inbox",
  { pruned: "int8" },
  (_, p: { olderThanMs: number }) =>
    sql<{ pruned: number }>`
      with gone as (
        delete from inbox
        where processed_at < now() - ${p.olderThanMs}::float8 * interval '1 millisecond'
        returning 1
      ) select count(*) as pruned from gone`,
);

/** Every statement of this file, for `verify`. */
export const INBOX_STATEMENTS: readonly StatementInfo[] = [remember, prune];

/**
 * Runs `fn` unless the consumer has handled the event before, however often and wherever the event is delivered. What
 * `fn` writes with the transaction is committed together with the memory of the event; if it rejects and the
 * transaction is rolled back, the event is as new. What it does elsewhere happens at least once.
 *
 * Of two deliveries at the same time, one waits for the transaction of the other. `consumer` and `eventId` have 1 to 200
 * characters.
 *
 * ```ts
 * import { createPool, migrate, processOnce } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * await pool.execute("create table reports (event_id text)");
 * const report = (id: string) =>
 *   pool.transaction((tx) =>
 *     processOnce(tx, "reports", id, () => tx.execute("insert into reports values ($1)", [id]))
 *   );
 * console.log((await report("event-1")).processed); // true
 * console.log((await report("event-1")).processed); // false, and there is one row
 * await pool.close();
 * ```
 */
export async function processOnce<T>(
  transaction: Transaction,
  consumer: string,
  eventId: string,
  fn: () => Promise<T> | T,
): Promise<Processed<T>> {
  const input = {
    consumer: checkText("consumer", consumer, { maxLength: 200 }),
    eventId: checkText("eventId", eventId, { maxLength: 200 }),
  };
  const rows = await transaction.run(remember, input);
  if (rows.length === 0) return { processed: false };
  return { processed: true, value: await fn() };
}

/**
 * Forgets events that were handled long ago, and returns how many. Run it now and then: nothing else does.
 *
 * ```ts
 * import { createPool, migrate, pruneInbox } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * const weekMs = 7 * 24 * 60 * 60 * 1_000; // no broker of ours delivers again after so long
 * console.log(await pruneInbox(pool, { olderThanMs: weekMs })); // 0, for the inbox is empty
 * await pool.close();
 * ```
 */
export async function pruneInbox(database: Database, options: PruneOptions): Promise<number> {
  const { olderThanMs, ...call } = options;
  checkInteger("olderThanMs", olderThanMs, { min: 1 });
  const [row] = await database.run(prune, { olderThanMs }, call);
  return row!.pruned;
}
