import { type RawBuilder, sql } from "kysely";
import type { CallOptions } from "../../core/call_options.ts";
import type { Database } from "../database.ts";
import { type RowOf, type Statement, statement, type StatementInfo } from "../statement.ts";

const CLAIM_COLUMNS = {
  looked_at: "int4",
  next: "int8?",
  position: "int8?",
  id: "uuid?",
  aggregate_type: "text?",
  aggregate_id: "text?",
  type: "text?",
  payload: "jsonb?",
  time: "timestamptz?",
  correlation_id: "text?",
  traceparent: "text?",
  tracestate: "text?",
  attempts: "int4?",
} as const;

/** What a claim returns; a claim of nothing has one row without a position. */
export type ClaimRow = RowOf<typeof CLAIM_COLUMNS>;

/** The parameters of {@linkcode claimEvents}. */
export interface ClaimInput {
  /** What the claim is known by. */
  readonly token: string;
  readonly leaseMs: number;
  /** How many events to look through, so that a long line behind one that waits is not walked at every claim. */
  readonly window: number;
  /** How much the payloads may take, as the server stores them. */
  readonly maxBytes: number;
  /** Only from this position. */
  readonly from: number;
}

/**
 * Claims what is next: of the oldest `window` events those that nobody has, and of each aggregate only those at its head. So one relay at a time has an aggregate, and whoever holds its head holds back the rest of it: while it is
 * published, and while it waits for its next attempt.
 *
 * Why two relays never break that, although each sees the table as it was when its statement began:
 *
 * - `candidates` locks each row. A row that changed since is judged again by what it is now, and one that is gone, or
 *   in the hands of another relay, is skipped. So nothing is claimed that is claimed or published already.
 * - A row is claimed only if the one before it in its aggregate, as the statement sees it, is claimed with it
 *   (`follows`), back to the first one. If another relay has that one, or it was skipped for whatever reason, the row is
 *   left alone. If it was published meanwhile, the statement still sees it, and leaves the row alone, too.
 * - The statement cannot fail to see it: positions are taken while the aggregate is locked, so the earlier one was
 *   committed before, and what a statement sees of it can only be too much.
 *
 * A stale view therefore only hides what could be claimed; `looked_at` then is more than what comes back, and another
 * claim finds it. `next` is where the window ends, unless that is the end of the table. The exception is an event that was dead and is put in again while later ones are claimed: its
 * place in the order was given up before.
 *
 * The claim waits for the disk like any commit: if a crash of the server could undo it, another relay would have the
 * events while the first one still publishes them.
 * The lease is counted by the clock of the server alone. The condition about the head (`open`) is judged on the view
 * alone; it only spares rows without a chance the lock. The window is a limit, because that is what bounds the cost
 * that a planner without statistics expects: above some cost it would compile the statement at each call.
 */
export const claimEvents: Statement<ClaimInput, ClaimRow> = statement(
  "claim events of outbox",
  CLAIM_COLUMNS,
  (_, p: ClaimInput) =>
    sql<ClaimRow>`
      with seen as materialized (${seen(p)}), candidates as materialized (${candidates()}),
      judged as (${judged(p)}), claimed as (
        update outbox_events e set claimed_by = ${p.token}::uuid,
          claimed_until = now() + ${p.leaseMs}::float8 * interval '1 millisecond'
        from judged j where e.position = j.position and j.claimable
        returning e.*
      )
      select n.looked_at,
        (select max(position) + 1 from seen having count(*) = ${p.window}::int4) as next,
        c.position, c.id,
        c.aggregate_type, c.aggregate_id, c.type, c.payload, c.time, c.correlation_id,
        c.traceparent, c.tracestate, c.attempts
      from (select count(*)::int4 as looked_at from candidates) n left join claimed c on true`,
);

/** The window, and whether the head of each one's aggregate is free; locks nothing. */
function seen(p: ClaimInput): RawBuilder<unknown> {
  return sql`
    select w.position, case when ${isFree("w")} then (
      select ${isFree("h")} from outbox_events h
      where h.aggregate_type = w.aggregate_type and h.aggregate_id = w.aggregate_id
        and h.dead_at is null
      order by h.position limit 1
    ) end as open
    from (
      select * from outbox_events where position >= ${p.from}::int8
      order by position limit ${p.window}::int4
    ) w`;
}

/** What is free, and at the head of its aggregate or behind something that is. */
function candidates(): RawBuilder<unknown> {
  return sql`
    select e.position, e.aggregate_type, e.aggregate_id, pg_column_size(e.payload) as size
    from outbox_events e join seen s on s.position = e.position
    where s.open and ${isFree("e")}
    order by e.position
    for no key update of e skip locked`;
}

function isFree(table: string): RawBuilder<unknown> {
  const column = (name: string): RawBuilder<unknown> => sql.ref(`${table}.${name}`);
  return sql`${column("dead_at")} is null and ${column("available_at")} <= now()
    and coalesce(${column("claimed_until")} <= now(), true)`;
}

/** Which candidates are in an unbroken line from the head of their aggregate, and fit into memory. */
function judged(p: ClaimInput): RawBuilder<unknown> {
  return sql`
    select l.position, bool_and(l.follows and l.fits) over (
      partition by l.aggregate_type, l.aggregate_id order by l.position
    ) as claimable
    from (
      select c.*,
        lag(c.position) over aggregate is not distinct from (
          select b.position from outbox_events b
          where b.aggregate_type = c.aggregate_type and b.aggregate_id = c.aggregate_id
            and b.dead_at is null and b.position < c.position
          order by b.position desc limit 1
        ) as follows,
        sum(c.size) over (order by c.position) - c.size < ${p.maxBytes}::int8 as fits
      from candidates c
      window aggregate as (partition by c.aggregate_type, c.aggregate_id order by c.position)
    ) l`;
}

/** The parameters of {@linkcode renewClaim}. */
export interface RenewInput {
  readonly token: string;
  /** `int8[]` */
  readonly positions: string;
  readonly leaseMs: number;
}

/** Keeps a claim for another `leaseMs`; returns how many of its events it still has. */
export const renewClaim: Statement<RenewInput, { renewed: number }> = statement(
  "renew claim of outbox",
  { renewed: "int4" },
  (_, p: RenewInput) =>
    sql<{ renewed: number }>`
      with renewed as (
        update outbox_events
        set claimed_until = now() + ${p.leaseMs}::float8 * interval '1 millisecond'
        where position = any(${p.positions}::text::int8[]) and claimed_by = ${p.token}::uuid
        returning 1
      ) select count(*)::int4 as renewed from renewed`,
);

/** The parameters of {@linkcode finishClaim}: what became of each event, as array literals. */
export interface FinishInput {
  readonly token: string;
  /** `int8[]`: the broker has them. */
  readonly published: string;
  /** `int8[]`: given back as they were. */
  readonly released: string;
  /** `int8[]`: refused, and the same number of elements in the next three. */
  readonly failed: string;
  /** `float8[]`: milliseconds until the next attempt. */
  readonly pauses: string;
  /** `text[]` */
  readonly errors: string;
  /** `bool[]`: whether there is no next attempt. */
  readonly dead: string;
}

/** Ends a claim. What is in other hands by now stays there. */
export const finishClaim: Statement<FinishInput, { published: number }> = statement(
  "finish claim of outbox",
  { published: "int4" },
  (_, p: FinishInput) =>
    sql<{ published: number }>`
      with gone as (
        delete from outbox_events
        where position = any(${p.published}::text::int8[]) and claimed_by = ${p.token}::uuid
        returning 1
      ), released as (
        update outbox_events set claimed_by = null, claimed_until = null
        where position = any(${p.released}::text::int8[]) and claimed_by = ${p.token}::uuid
      ), failed as (
        update outbox_events e set claimed_by = null, claimed_until = null,
          attempts = e.attempts + 1, last_error = f.error,
          available_at = now() + f.pause_ms * interval '1 millisecond',
          dead_at = case when f.dead then now() end
        from unnest(
          ${p.failed}::text::int8[], ${p.pauses}::text::float8[], ${p.errors}::text::text[],
          ${p.dead}::text::bool[]
        ) as f (position, pause_ms, error, dead)
        where e.position = f.position and e.claimed_by = ${p.token}::uuid
      )
      select count(*)::int4 as published from gone`,
);

/** Every statement of this file, for `verify`. */
export const RELAY_STATEMENTS: readonly StatementInfo[] = [claimEvents, renewClaim, finishClaim];

/**
 * Runs a statement that is planned anew each time: a plan that was made while the outbox was empty
 * would read all of a backlog at every call.
 */
export async function runUnprepared<Input extends object, Row>(
  database: Database,
  one: Statement<Input, Row>,
  input: Input,
  options: CallOptions = {},
): Promise<Row[]> {
  const { text, values } = one.toQuery(input, false);
  return one.toRows(await database.execute(text, values, { ...options, operation: one.name }));
}
