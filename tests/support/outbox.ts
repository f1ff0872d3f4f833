import type { DatabasePool } from "../../database/database_pool.ts";
import type { OutboxEvent, OutboxPublisher } from "../../database/outbox/outbox_event.ts";

/** Empties the outbox and writes events `0`, `1` and so on of each named aggregate, in the order of the names. */
export async function fillOutbox(
  pool: DatabasePool,
  aggregates: readonly string[],
): Promise<void> {
  await pool.execute("delete from outbox_events");
  await addToOutbox(pool, aggregates);
}

/** The same without emptying it before. */
export async function addToOutbox(
  pool: DatabasePool,
  aggregates: readonly string[],
): Promise<void> {
  const counts = new Map<string, number>();
  const numbers = aggregates.map((name) => {
    const number = counts.get(name) ?? 0;
    counts.set(name, number + 1);
    return number;
  });
  await pool.execute(
    `insert into outbox_events (aggregate_type, aggregate_id, type, payload)
    select 'thing', name, 'Changed', to_jsonb(number)
    from unnest($1::text::text[], $2::text::int4[]) with ordinality as e (name, number, place)
    order by place`,
    [`{${aggregates.join()}}`, `{${numbers.join()}}`],
  );
}

/** The columns of what is in the outbox, in order. */
export async function readOutbox(
  pool: DatabasePool,
  columns =
    "aggregate_id, payload, attempts, claimed_by is null as free, dead_at is not null as dead",
): Promise<readonly Record<string, unknown>[]> {
  return (await pool.execute(`select ${columns} from outbox_events order by position`)).rows;
}

/** A broker that keeps what it gets, and does what it is told before. */
export class Broker {
  /** What it has, such as `a 0`: the aggregate and the number. */
  readonly received: string[] = [];
  /** Every call, also those that failed. */
  readonly events: OutboxEvent[] = [];
  /** How many calls wait for an answer. */
  waiting = 0;
  /** The most that ever did. */
  mostWaiting = 0;

  /** Called with each event before it is accepted; what it rejects with is the answer. */
  before: (event: OutboxEvent, signal: AbortSignal) => unknown = () => {};

  readonly publish: OutboxPublisher = async (event, { signal }) => {
    this.events.push(event);
    this.mostWaiting = Math.max(this.mostWaiting, ++this.waiting);
    try {
      await this.before(event, signal);
      this.received.push(nameOf(event));
    } finally {
      this.waiting--;
    }
  };
}

/** The aggregate and the number of an event of {@linkcode fillOutbox}. */
export function nameOf({ aggregateId, payload }: OutboxEvent): string {
  return `${aggregateId} ${payload}`;
}

/** A promise that resolves when it is told to. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  return { opened, open };
}
