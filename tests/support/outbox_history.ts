import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { DatabasePool } from "../../database/database_pool.ts";
import { processOnce } from "../../database/outbox/inbox.ts";

/** A line of the broker. */
export interface Delivered {
  readonly id: string;
  readonly aggregateId: string;
  readonly payload: unknown;
}

/** Keeps every event that is ever committed, although relays delete them. */
export async function keepLedger(pool: DatabasePool): Promise<void> {
  await pool.execute(`
    create table ledger (position bigint, id uuid, aggregate_id text, type text, payload jsonb);
    create function keep_event() returns trigger language plpgsql as $$
    begin
      insert into ledger values (new.position, new.id, new.aggregate_id, new.type, new.payload);
      return null;
    end $$;
    create trigger keep_event after insert on outbox_events for each row execute function keep_event();
    create table effects (event_id text);
  `);
}

/** The lines of a history that somebody wrote who may have been killed in the middle of the last one. */
export async function readLines<T>(file: string): Promise<T[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/** Every committed event was delivered, nothing else was, and those of each aggregate first came in their order. */
export async function checkDelivered(
  pool: DatabasePool,
  delivered: readonly Delivered[],
): Promise<number> {
  const { rows } = await pool.execute("select id, aggregate_id from ledger order by position");
  const places = new Map<string, number>();
  for (const { id } of delivered) if (!places.has(id)) places.set(id, places.size);
  const missing = rows.filter(({ id }) => !places.has(String(id)));
  assert.deepEqual(missing, [], "committed events that nobody got");
  assert.equal(places.size, rows.length, "events that nobody committed");
  const last = new Map<unknown, number>();
  for (const { id, aggregate_id } of rows) {
    const place = places.get(String(id))!;
    assert.ok(place > (last.get(aggregate_id) ?? -1), `${id} came before one that is older`);
    last.set(aggregate_id, place);
  }
  return rows.length;
}

/** Hands everything to a consumer, twice and in any order: the effect of each event happens once. */
export async function checkEffects(
  pool: DatabasePool,
  delivered: readonly Delivered[],
): Promise<void> {
  const twice = [...delivered, ...delivered].map((one) => ({ one, key: Math.random() }))
    .sort((a, b) => a.key - b.key).map(({ one }) => one);
  const work = async (): Promise<void> => {
    for (let one = twice.pop(); one; one = twice.pop()) {
      const { id } = one;
      await pool.transaction((transaction) =>
        processOnce(transaction, "test", id, async () => {
          await transaction.execute("insert into effects values ($1)", [id]);
        })
      );
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  const { rows } = await pool.execute(`
    select count(*)::int4 as effects, count(distinct event_id)::int4 as events,
      (select count(*)::int4 from ledger) as committed from effects`);
  const { effects, events, committed } = rows[0]!;
  assert.deepEqual([effects, events], [committed, committed]);
}
