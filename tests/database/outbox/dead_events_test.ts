import assert from "node:assert/strict";
import { deadEvents, redriveEvents } from "../../../database/outbox/dead_events.ts";
import { newId } from "../../../domain/ids.ts";
import type { DatabaseHarness } from "../../conformance/database_harness.ts";
import type { TestFn } from "../../conformance/test_fn.ts";
import { onPglite, onPostgres } from "../../support/databases.ts";
import { lazily } from "../../support/lazily.ts";
import { fillOutbox, readOutbox } from "../../support/outbox.ts";

function deadSuite(test: TestFn, { name, open }: DatabaseHarness): void {
  const opened = lazily(open);

  test(`${name}: dead events are listed in pages, and put in again by id`, async () => {
    const pool = await opened();
    await fillOutbox(pool, ["a", "b", "c", "d", "e"]);
    await pool.execute(
      `update outbox_events set dead_at = now(), attempts = 7, last_error = 'Error: x',
        available_at = now() + interval '1 hour' where aggregate_id <> 'b'`,
    );
    const first = await deadEvents(pool, { limit: 3 });
    assert.deepEqual(first.items.map(({ aggregateId }) => aggregateId), ["a", "c", "d"]);
    const second = await deadEvents(pool, { limit: 3, cursor: first.nextCursor! });
    assert.deepEqual(second.items.map(({ aggregateId }) => aggregateId), ["e"]);
    assert.equal(second.nextCursor, undefined);
    const ids = [first.items[0]!.id, first.items[2]!.id.toUpperCase(), newId()];
    assert.equal(await redriveEvents(pool, ids), 2);
    const columns = "aggregate_id, attempts, dead_at is null as live, available_at < now() as due";
    assert.deepEqual(await readOutbox(pool, columns), [
      { aggregate_id: "a", attempts: 0, live: true, due: true },
      { aggregate_id: "b", attempts: 0, live: true, due: true },
      { aggregate_id: "c", attempts: 7, live: false, due: false },
      { aggregate_id: "d", attempts: 0, live: true, due: true },
      { aggregate_id: "e", attempts: 7, live: false, due: false },
    ]);
  });

  test(`${name}: ids that cannot be are refused by their place`, async () => {
    const pool = await opened();
    const refusal = { code: "invalid_input", field: "ids[1]" };
    await assert.rejects(redriveEvents(pool, [newId(), "1"]), refusal);
    const many = Array.from({ length: 10_001 }, newId);
    await assert.rejects(redriveEvents(pool, many), { field: "ids" });
    assert.equal(await redriveEvents(pool, []), 0);
  });

  test(`${name}: the pool closes`, async () => await (await opened()).close());
}

onPglite(deadSuite);
await onPostgres(deadSuite);
