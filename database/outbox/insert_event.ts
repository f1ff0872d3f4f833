import { type RawBuilder, sql } from "kysely";

/** Where relays hear that there is something to publish. */
export const OUTBOX_CHANNEL = "exchange_outbox";

/** An expression of SQL. */
type Expression = RawBuilder<unknown>;

/** What a repository says about each row of a table expression. */
export interface RowEvent {
  /** What kind of thing it is. */
  readonly aggregate: "benchmark" | "organization" | "submission" | "user";
  /** Its id. */
  readonly id: Expression;
  /** The variant of the event. */
  readonly type: string;
  /** The members of the event besides its type. */
  readonly members: Readonly<Record<string, Expression>>;
  /** Members that are left out where they are null. */
  readonly optional?: Readonly<Record<string, Expression>>;
  /** The table expression. */
  readonly from: Expression;
  /** Which of its rows. Default: all. */
  readonly where?: Expression;
  /** The parameter that says whether events are written at all. */
  readonly enabled: unknown;
}

/**
 * Inserts an event for each row, as a part of the statement that makes the change. It reads the rows that the change
 * returns: then its position is taken when the row of the aggregate is locked, and it waits for nobody.
 */
export function insertEvent(event: RowEvent): RawBuilder<object> {
  const { aggregate, id, type, from, where = sql`true`, enabled } = event;
  const members = object({ type: sql.lit(type), ...event.members });
  const optional = event.optional && sql` || jsonb_strip_nulls(${object(event.optional)})`;
  return sql`
    insert into outbox_events (aggregate_type, aggregate_id, type, payload)
    select ${sql.lit(aggregate)}, ${id}::text, ${sql.lit(type)}, ${members}${optional ?? sql``}
    from ${from} where ${enabled}::boolean and ${where}
    returning ${WAKE}`;
}

/** Wakes relays at the commit, once for all events of a transaction; one of several at the same time is enough. */
export const WAKE: RawBuilder<unknown> = sql`outbox_wake()`;

function object(members: Readonly<Record<string, Expression>>): Expression {
  const pairs = Object.entries(members).flatMap(([name, value]) => [sql.lit(name), value]);
  return sql`jsonb_build_object(${sql.join(pairs)})`;
}
