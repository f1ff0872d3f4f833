import { sql } from "kysely";
import type { CallOptions } from "../../core/call_options.ts";
import type { Database } from "../database.ts";
import { type RowOf, type Statement, statement } from "../statement.ts";

/** How an outbox stands. */
export interface OutboxStats {
  /** How many events wait, those in the hands of a relay included. */
  readonly pending: number;
  /** How many events are dead. */
  readonly dead: number;
  /** For how long the oldest of those that wait has, in milliseconds; 0 if none does. */
  readonly oldestMs: number;
}

const COLUMNS = { pending: "int8", dead: "int8", oldest_ms: "float8" } as const;

/** Counts what waits; takes the longer the more that is. */
export const readStats: Statement<object, RowOf<typeof COLUMNS>> = statement(
  "read statistics of outbox",
  COLUMNS,
  (_, __: object) =>
    sql<RowOf<typeof COLUMNS>>`
      select count(*) filter (where dead_at is null) as pending,
        count(*) filter (where dead_at is not null) as dead,
        greatest(coalesce(
          extract(epoch from now() - min(time) filter (where dead_at is null)) * 1000, 0
        ), 0)::float8 as oldest_ms
      from outbox_events`,
);

/**
 * Says how the outbox stands.
 *
 * ```ts
 * import { appendEvent, createPool, migrate, outboxStats } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * const aggregate = { aggregateType: "system", aggregateId: "cache" };
 * await appendEvent(pool, { ...aggregate, type: "CacheCleared", payload: { pattern: "user:*" } });
 * const { pending, dead, oldestMs } = await outboxStats(pool);
 * console.log(pending, dead); // 1 0
 * if (dead > 0 || oldestMs > 60_000) console.warn("the relay does not keep up");
 * await pool.close();
 * ```
 */
export async function outboxStats(
  database: Database,
  options: CallOptions = {},
): Promise<OutboxStats> {
  const [row] = await database.run(readStats, {}, options);
  return { pending: row!.pending, dead: row!.dead, oldestMs: row!.oldest_ms };
}
