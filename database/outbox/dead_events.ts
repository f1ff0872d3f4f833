import { sql } from "kysely";
import type { CallOptions } from "../../core/call_options.ts";
import { ValidationError } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { checkId } from "../../domain/ids.ts";
import { arrayLiteral } from "../array_literal.ts";
import { CursorCodec } from "../cursor.ts";
import type { Database } from "../database.ts";
import { type KeysetList, readPage } from "../keyset.ts";
import { queryBuilder } from "../query_builder.ts";
import { listStatements } from "../repositories/list_statement.ts";
import type { Schema } from "../schema.ts";
import { type RowOf, type Statement, statement, type StatementInfo } from "../statement.ts";
import { WAKE } from "./insert_event.ts";

/** An event that no relay tries to publish any more. */
export interface DeadEvent {
  /** Its id. */
  readonly id: string;
  /** What happened. */
  readonly type: string;
  /** When. */
  readonly time: Date;
  /** What kind of thing it happened to. */
  readonly aggregateType: string;
  /** Which one. */
  readonly aggregateId: string;
  /** What its writer gave. */
  readonly payload: unknown;
  /** How often the publisher refused it. */
  readonly attempts: number;
  /** What it was refused with at last; the code and the beginning of the text. */
  readonly lastError: string;
  /** When it was given up. */
  readonly deadAt: Date;
}

const DEAD_COLUMNS = {
  id: "uuid",
  type: "text",
  time: "timestamptz",
  aggregate_type: "text",
  aggregate_id: "text",
  payload: "jsonb",
  attempts: "int4",
  last_error: "text?",
  dead_at: "timestamptz",
} as const;

type DeadRow = RowOf<typeof DEAD_COLUMNS>;

const COLUMN_NAMES = Object.keys(DEAD_COLUMNS) as (keyof typeof DEAD_COLUMNS)[];

/** The most events that are put in again by one call. */
const MAX_IDS = 10_000;

const redrive: Statement<{ ids: string }, { id: string }> = statement(
  "redrive events of outbox",
  { id: "uuid" },
  (_, p: { ids: string }) =>
    sql<{ id: string }>`
      with redriven as (
        update outbox_events set dead_at = null, attempts = 0, available_at = '-infinity'
        where dead_at is not null and id = any(${p.ids}::text::uuid[])
        returning id, ${WAKE}
      ) select id from redriven`,
);

/**
 * Lists the dead events, oldest first.
 *
 * ```ts
 * import { type DatabasePool, deadEvents } from "@benchmark-exchange/infrastructure/database";
 *
 * async function printDead(pool: DatabasePool): Promise<void> {
 *   const { items, nextCursor } = await deadEvents(pool, { limit: 20 });
 *   for (const { id, type, attempts, lastError } of items) {
 *     console.log(id, type, `refused ${attempts} times, at last with ${lastError}`);
 *   }
 *   if (nextCursor !== undefined) console.log("and more");
 * }
 * ```
 */
export async function deadEvents(
  database: Database,
  options: PageRequest & CallOptions = {},
): Promise<Page<DeadEvent>> {
  const page = await readPage(database, new CursorCodec(database), deadList(), options);
  return { ...page, items: page.items.map(toDeadEvent) };
}

/**
 * Gives dead events all their attempts again, and returns how many of the ids were dead. Later events of their
 * aggregates may have been published meanwhile. Throws a {@linkcode ValidationError} for more than 10,000 ids.
 *
 * ```ts
 * import { type DatabasePool, deadEvents, redriveEvents } from "@benchmark-exchange/infrastructure/database";
 *
 * // For when the broker takes events of this type again; those among the oldest 1,000.
 * async function redriveType(pool: DatabasePool, type: string): Promise<number> {
 *   const { items } = await deadEvents(pool, { limit: 1_000 });
 *   const ids = items.filter((event) => event.type === type).map(({ id }) => id);
 *   return await redriveEvents(pool, ids);
 * }
 * ```
 */
export async function redriveEvents(
  database: Database,
  ids: readonly string[],
  options: CallOptions = {},
): Promise<number> {
  if (!Array.isArray(ids) || ids.length > MAX_IDS) {
    throw new ValidationError("ids", `they must be an array of at most ${MAX_IDS}`);
  }
  const checked = ids.map((id, index) => checkId(`ids[${index}]`, id));
  if (checked.length === 0) return 0;
  return (await database.run(redrive, { ids: arrayLiteral(checked) }, options)).length;
}

function deadList(): KeysetList<Schema, "outbox_events", DeadRow> {
  return {
    operation: "list dead events of outbox",
    columns: DEAD_COLUMNS,
    identity: ["dead events"],
    query: queryBuilder.selectFrom("outbox_events").where("dead_at", "is not", null)
      .select(COLUMN_NAMES).$castTo<DeadRow>(),
    sort: [{ column: "outbox_events.position", type: "int8" }],
    descending: false,
  };
}

/** Every statement of this file, for `verify`. */
export const DEAD_EVENT_STATEMENTS: readonly StatementInfo[] = [
  redrive,
  ...listStatements(() => deadList()),
];

function toDeadEvent(row: DeadRow): DeadEvent {
  return {
    id: row.id,
    type: row.type,
    time: row.time,
    aggregateType: row.aggregate_type,
    aggregateId: row.aggregate_id,
    payload: row.payload,
    attempts: row.attempts,
    lastError: row.last_error ?? "",
    deadAt: row.dead_at,
  };
}
