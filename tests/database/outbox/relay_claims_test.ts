import assert from "node:assert/strict";
import { OutboxRelay } from "../../../database/outbox/relay.ts";
import { newId } from "../../../domain/ids.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
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

  test("a claim is renewed for as long as its publisher takes", async ({ pool, broker }) => {
    const { opened, open } = gate();
    broker.before = () => opened;
    const clock = new ManualClock();
    const long = { ...FAST, leaseMs: 3_600_000, publishTimeoutMs: 86_400_000 };
    await using relay = new OutboxRelay(pool, broker.publish, { ...long, clock });
    await using other = new OutboxRelay(pool, broker.publish, long);
    const run = relay.runOnce();
    await until("both began", () => broker.waiting === 2);
    const untils = new Set<unknown>();
    for (let renewals = 1; renewals <= 3; renewals++) {
      for (const row of await readOutbox(pool, "claimed_until::text")) {
        untils.add(Object.values(row)[0]);
      }
      assert.equal(untils.size, renewals);
      clock.advance(1_200_000);
      await until("it is renewed", async () => {
        const rows = await readOutbox(pool, "claimed_until::text");
        return rows.every((row) => !untils.has(Object.values(row)[0]));
      });
      assert.equal((await other.runOnce()).published, 0);
    }
    open();
    assert.equal((await run).published, 2);
  }, { events: ["a", "b"] });

  test("a relay that cannot renew its claim publishes nothing more of it", async (parts) => {
    const { pool, broker, relay } = parts;
    const { opened, open } = gate();
    broker.before = (_, signal) => {
      signal.addEventListener("abort", open);
      return opened;
    };
    const clock = new ManualClock();
    const long = { ...FAST, leaseMs: 3_600_000, publishTimeoutMs: 86_400_000 };
    await using late = new OutboxRelay(pool, broker.publish, { ...long, clock });
    const run = late.runOnce();
    await until("one began", () => broker.waiting === 1);
    // As if another relay had it after the end of the lease.
    await pool.execute("update outbox_events set claimed_by = $1", [newId()]);
    clock.advance(1_200_000);
    assert.deepEqual(await run, { published: 0, failed: 0, dead: 0, released: 2 });
    const free = (await readOutbox(pool)).map((row) => row["free"]);
    assert.deepEqual(free, [false, false]);
    assert.equal((await relay.runOnce()).published, 0);
    assert.equal(broker.events.length, 1);
  }, { events: ["a", "a"] });
}

await runRelayTests(testClaims);
