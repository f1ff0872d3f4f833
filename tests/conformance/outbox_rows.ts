import assert from "node:assert/strict";
import type { z } from "zod";
import type { DatabasePool } from "../../database/database_pool.ts";

const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What the outbox has about one aggregate, in order; every event has to keep the rules of the domain. */
export async function eventsOf<T extends { readonly type: string }>(
  pool: DatabasePool,
  schema: z.ZodType<T>,
  aggregateType: string,
  aggregateId: string,
): Promise<T[]> {
  const { rows } = await pool.execute(
    `select id, type, payload, time from outbox_events
    where aggregate_type = $1 and aggregate_id = $2 order by position`,
    [aggregateType, aggregateId],
  );
  return rows.map(({ id, type, payload, time }) => {
    assert.match(String(id), VERSION_7);
    assert.ok(time instanceof Date);
    const event = schema.parse(payload);
    // Nothing that the schema does not know, and the type of the row is that of the event.
    assert.deepEqual(event, payload);
    assert.equal(event.type, type);
    return event;
  });
}

/** How many events the outbox has. */
export async function countEvents(pool: DatabasePool): Promise<number> {
  const { rows } = await pool.execute("select count(*)::int4 as n from outbox_events");
  return Number(rows[0]?.["n"]);
}

/** Runs `change` in a transaction that is rolled back; nothing of it may be in the outbox. */
export async function assertRolledBack(
  pool: DatabasePool,
  change: Parameters<typeof pool.transaction<void>>[0],
): Promise<void> {
  const before = await countEvents(pool);
  const failure = new Error("rolled back");
  await assert.rejects(
    pool.transaction(async (transaction) => {
      await change(transaction);
      const { rows } = await transaction.execute("select count(*)::int4 as n from outbox_events");
      assert.ok(Number(rows[0]?.["n"]) > before, "the change wrote no event");
      throw failure;
    }),
    failure,
  );
  assert.equal(await countEvents(pool), before);
}
