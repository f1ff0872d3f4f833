import assert from "node:assert/strict";
import { OutboxRelay } from "../../../database/outbox/relay.ts";
import { newId } from "../../../domain/ids.ts";
import { gate, readOutbox } from "../../support/outbox.ts";
import { ABAB, FAST, type RelayTest, runRelayTests } from "../../support/relay_tests.ts";
import { until } from "../../support/until.ts";

function testClaims(test: RelayTest): void {
  test(
    "a relay that closes finishes what it has begun and gives back the rest",
    async ({ pool, broker, relay }) => {
      const { opened, open } = gate();
      broker.before = () => opened;
      relay.start();
      await until("two began", () => broker.waiting === 2);
      const closed = relay.close();
      open();
      await closed;
      assert.deepEqual(broker.received, ["a 0", "b 0"]);
      assert.deepEqual(await readOutbox(pool), [
        { aggregate_id: "a", payload: 1, attempts: 0, free: true, dead: false },
        { aggregate_id: "c", payload: 0, attempts: 0, free: true, dead: false },
      ]);
      relay.start();
      assert.equal((await readOutbox(pool)).length, 2);
    },
    {
      events: [
        ...["a", "b", "a", "c"],
      ],
      concurrency: 2,
    },
  );

  test("a relay closes by its deadline although its publisher hangs", async (parts) => {
    const { pool, broker, relay } = parts;
    broker.before = () => new Promise(() => {});
    relay.start();
    await until("both began", () => broker.waiting === 2);
    await relay.close(50);
    const rows = await readOutbox(pool);
    assert.deepEqual(rows.map(({ free, attempts }) => [free, attempts]), [[true, 0], [true, 0]]);
  }, { events: ["a", "b"] });

  test("the events of a relay that is gone are published after its lease", async (parts) => {
    const { pool, broker, relay } = parts;
    await pool.execute(
      `update outbox_events set claimed_by = $1, claimed_until = now() + interval '150 ms'
      where aggregate_id = 'a' and payload = '0'`,
      [newId()],
    );
    assert.equal((await relay.runOnce()).published, 2);
    assert.deepEqual(broker.received.toSorted(), ["b 0", "b 1"]);
    relay.start();
    await until("all", () => broker.received.length === 5);
    assert.deepEqual(broker.received.slice(2), ["a 0", "a 1", "a 2"]);
  }, { events: ABAB });

  test("a claim is renewed for as long as its publisher takes", async (parts) => {
    const { pool, broker, relay } = parts;
    const { opened, open } = gate();
    broker.before = ({ aggregateId }) => aggregateId === "a" ? opened : undefined;
    relay.start();
    await until("it began", () => broker.waiting === 1);
    const other = new OutboxRelay(pool, broker.publish, FAST);
    const claims =
      "claimed_until > now() + interval '150 ms' as held, claimed_until::text as until";
    const untils = new Set<unknown>();
    await until("several renewals", async () => {
      assert.equal((await other.runOnce()).published, 0);
      for (const row of await readOutbox(pool, claims)) untils.add(row["until"]);
      return untils.size > 4;
    });
    open();
    await until("all", async () => (await readOutbox(pool)).length === 0);
    assert.equal(broker.events.length, 2);
    await other.close();
  }, { events: ["a", "b"], leaseMs: 400 });
}

await runRelayTests(testClaims);
