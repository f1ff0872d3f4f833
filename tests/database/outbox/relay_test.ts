import assert from "node:assert/strict";
import { appendEvent } from "../../../database/outbox/append_event.ts";
import { OutboxRelay } from "../../../database/outbox/relay.ts";
import { newId } from "../../../domain/ids.ts";
import { addToOutbox, gate, readOutbox } from "../../support/outbox.ts";
import { ABAB, FAST, type RelayTest, runRelayTests } from "../../support/relay_tests.ts";
import { until } from "../../support/until.ts";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** What {@linkcode ABAB} is for a publisher. */
const ALL = ["a 0", "a 1", "a 2", "b 0", "b 1"];

function testPublishing(test: RelayTest): void {
  test("everything is published once and deleted", async ({ pool, broker, relay }) => {
    relay.start();
    await until("it is empty", async () => (await readOutbox(pool)).length === 0);
    assert.deepEqual(broker.received.toSorted(), ALL);
    assert.equal(new Set(broker.events.map(({ id }) => id)).size, 5);
    assert.deepEqual(await relay.stats(), { pending: 0, dead: 0, oldestMs: 0 });
  }, { events: ABAB });

  test("a publisher gets what was written", async ({ pool, broker, relay }) => {
    const id = newId();
    const given = {
      id,
      type: "Paid",
      aggregateType: "order",
      aggregateId: "o/1",
      payload: { text: `"é`, list: [1, null] },
      correlationId: "c",
      traceparent: TRACEPARENT,
      tracestate: "a=1",
    };
    await appendEvent(pool, given);
    await appendEvent(pool, { type: "t", aggregateType: "u", aggregateId: "v", payload: null });
    assert.equal((await relay.runOnce()).published, 2);
    const [first, second] = broker.events.toSorted((a, b) => a.type < b.type ? -1 : 1);
    assert.ok(first && second);
    const { time, ...rest } = first;
    assert.ok(time instanceof Date);
    assert.deepEqual(rest, { ...given, attempt: 1 });
    assert.deepEqual(Object.keys(second).sort(), [
      ...["aggregateId", "aggregateType", "attempt", "id", "payload", "time", "type"],
    ]);
  }, { events: [] });

  test("one aggregate is published in order, one at a time", async ({ broker, relay }) => {
    const running = new Set<string>();
    broker.before = async ({ aggregateId }) => {
      assert.ok(!running.has(aggregateId), "two at a time");
      running.add(aggregateId);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
      running.delete(aggregateId);
    };
    relay.start();
    await until("all", () => broker.received.length === 50);
    for (const aggregate of ["a", "b"]) {
      const ours = broker.received.filter((one) => one.startsWith(aggregate));
      assert.deepEqual(ours, ours.map((_, i) => `${aggregate} ${i}`));
    }
    assert.equal(broker.mostWaiting, 2);
  }, {
    events: [
      ...Array.from({ length: 50 }, (_, i) => i % 3 ? "a" : "b"),
    ],
    batchSize: 7,
  });

  test("what is written while it runs is published, too", async (parts) => {
    const { pool, broker, relay } = parts;
    relay.start();
    for (let i = 1; i <= 3; i++) {
      await addToOutbox(pool, ["a", "b"]);
      await until("both", () => broker.received.length === 2 * i);
    }
  }, { events: [] });

  test(
    "a long line that waits does not hold up what comes after it",
    async ({ pool, broker, relay }) => {
      await pool.execute(
        "update outbox_events set available_at = now() + interval '1 hour' where payload = '0' and aggregate_id = 'a'",
      );
      relay.start();
      await until("those after it", () => broker.received.length === 2);
      assert.deepEqual(broker.received, ["b 0", "c 0"]);
    },
    {
      events: [
        ...Array.from({ length: 60 }, () => "a"),
        ...["b", "c"],
      ],
      batchSize: 5,
    },
  );

  test("the wall clock of a relay does not matter", async ({ pool, broker }) => {
    let jump = 3_600_000;
    const clock = {
      now: () => Date.now() + (jump = -jump),
      monotonic: () => performance.now(),
      after: (delayMs: number, callback: () => void) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    };
    const { opened, open } = gate();
    broker.before = () => opened;
    const jumping = new OutboxRelay(pool, broker.publish, { ...FAST, clock });
    const other = new OutboxRelay(pool, broker.publish, FAST);
    jumping.start();
    await until("it has all", () => broker.waiting === 2);
    assert.equal((await other.runOnce()).published, 0);
    open();
    await until("all", async () => (await readOutbox(pool)).length === 0);
    assert.deepEqual(broker.received.toSorted(), ALL);
    await Promise.all([jumping.close(), other.close()]);
  }, { events: ABAB });

  test("a relay hears of what is committed, and does not wait for its next look", async (parts) => {
    const { pool, broker, relay } = parts;
    relay.start();
    await until("the first look", () => broker.received.length === 1);
    for (let i = 2; i < 5; i++) {
      await pool.transaction((transaction) =>
        appendEvent(transaction, {
          type: "Changed",
          aggregateType: "thing",
          aggregateId: "a",
          payload: i,
        })
      );
      await until("it is published", () => broker.received.length === i);
    }
  }, { events: ["a"], pollMs: 3_600_000 });

  test("a relay says how much waits and for how long", async ({ pool, relay }) => {
    await pool.execute(
      "update outbox_events set time = now() - interval '1 hour' where payload = '0'",
    );
    const { pending, dead, oldestMs } = await relay.stats();
    assert.deepEqual([pending, dead], [5, 0]);
    assert.ok(oldestMs >= 3_600_000 && oldestMs < 3_700_000, String(oldestMs));
  }, { events: ABAB });
}

await runRelayTests(testPublishing);
