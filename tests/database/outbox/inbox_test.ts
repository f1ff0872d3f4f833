import assert from "node:assert/strict";
import fc from "fast-check";
import type { DatabasePool } from "../../../database/database_pool.ts";
import { type Processed, processOnce, pruneInbox } from "../../../database/outbox/inbox.ts";
import type { DatabaseHarness } from "../../conformance/database_harness.ts";
import type { TestFn } from "../../conformance/test_fn.ts";
import { onPglite, onPostgres } from "../../support/databases.ts";
import { lazily } from "../../support/lazily.ts";
import { gate } from "../../support/outbox.ts";

function inboxSuite(test: TestFn, harness: DatabaseHarness): void {
  const { name, open, capabilities } = harness;
  const opened = lazily(async () => {
    const pool = await open();
    await pool.execute("create table effects (id bigint generated always as identity, what text)");
    return pool;
  });

  function handle(
    pool: DatabasePool,
    consumer: string,
    eventId: string,
    fn: () => unknown = () => {},
  ): Promise<Processed<string>> {
    return pool.transaction((transaction) =>
      processOnce(transaction, consumer, eventId, async () => {
        await transaction.execute("insert into effects (what) values ($1)", [eventId]);
        await fn();
        return `did ${eventId}`;
      })
    );
  }

  async function effectsOf(pool: DatabasePool, eventId: string): Promise<number> {
    return (await pool.execute("select 1 from effects where what = $1", [eventId])).rowCount;
  }

  test(`${name}: a consumer handles an event once, each consumer for itself`, async () => {
    const pool = await opened();
    assert.deepEqual(await handle(pool, "a", "1"), { processed: true, value: "did 1" });
    assert.deepEqual(await handle(pool, "a", "1"), { processed: false });
    assert.deepEqual(await handle(pool, "b", "1"), { processed: true, value: "did 1" });
    assert.equal(await effectsOf(pool, "1"), 2);
  });

  test(`${name}: an event whose handler failed is as new`, async () => {
    const pool = await opened();
    const failure = new Error("no");
    await assert.rejects(handle(pool, "a", "2", () => Promise.reject(failure)), failure);
    assert.equal(await effectsOf(pool, "2"), 0);
    assert.equal((await handle(pool, "a", "2")).processed, true);
    assert.equal(await effectsOf(pool, "2"), 1);
  });

  test(`${name}: names that cannot be are refused`, async () => {
    const pool = await opened();
    for (const wrong of ["", "\u0000", "a".repeat(201), 7 as unknown as string]) {
      const refusal = { code: "invalid_input", field: "consumer" };
      await assert.rejects(handle(pool, wrong, "3"), refusal);
      await assert.rejects(handle(pool, "a", wrong), { ...refusal, field: "eventId" });
    }
  });

  test(`${name}: what was handled long ago is forgotten, nothing else`, async () => {
    const pool = await opened();
    for (const id of ["4", "5"]) await handle(pool, "a", id);
    await pool.execute(
      "update inbox set processed_at = now() - interval '2 hours' where event_id = '4'",
    );
    assert.equal(await pruneInbox(pool, { olderThanMs: 3_600_000 }), 1);
    assert.equal((await handle(pool, "a", "5")).processed, false);
    assert.equal((await handle(pool, "a", "4")).processed, true);
    await assert.rejects(pruneInbox(pool, { olderThanMs: 0 }), { field: "olderThanMs" });
  });

  test(`${name}: a log that comes doubled and shuffled has the effects of the log`, async () => {
    const pool = await opened();
    let logs = 0;
    const deliveries = fc.array(fc.nat(5), { minLength: 1, maxLength: 20 });
    const property = fc.asyncProperty(deliveries, async (numbers) => {
      const consumer = `log-${++logs}`;
      for (const number of numbers) await handle(pool, consumer, `${consumer}-${number}`);
      const { rows } = await pool.execute(
        "select what from effects where what like $1 order by id",
        [
          `${consumer}-%`,
        ],
      );
      const expected = [...new Set(numbers)].map((number) => `${consumer}-${number}`);
      assert.deepEqual(rows.map(({ what }) => what), expected);
    });
    await fc.assert(property, { numRuns: 20 });
  });

  if (capabilities.concurrentConnections) {
    test(`${name}: of two deliveries at the same time, one waits and does nothing`, async () => {
      const pool = await opened();
      const { opened: began, open: begin } = gate();
      const { opened: ended, open: end } = gate();
      const first = handle(pool, "a", "6", () => (begin(), ended));
      await began;
      const second = handle(pool, "a", "6");
      end();
      assert.equal((await first).processed, true);
      assert.equal((await second).processed, false);
      assert.equal(await effectsOf(pool, "6"), 1);
    });
  }

  test(`${name}: the pool closes`, async () => await (await opened()).close());
}

onPglite(inboxSuite);
await onPostgres(inboxSuite);
