import assert from "node:assert/strict";
import { newId } from "../../../domain/ids.ts";
import { readOutbox } from "../../support/outbox.ts";
import { ABAB, type RelayTest, runRelayTests } from "../../support/relay_tests.ts";
import { until } from "../../support/until.ts";

function testFailures(test: RelayTest): void {
  test("what fails holds back its aggregate and no other", async (parts) => {
    const { pool, broker, relay } = parts;
    broker.before = ({ aggregateId }) => {
      if (aggregateId === "a") throw new Error("no");
    };
    const before = await readOutbox(pool, "id");
    const run = await relay.runOnce();
    assert.deepEqual(run, { published: 2, failed: 1, dead: 0, released: 2 });
    assert.deepEqual(await readOutbox(pool), [
      { aggregate_id: "a", payload: 0, attempts: 1, free: true, dead: false },
      { aggregate_id: "a", payload: 1, attempts: 0, free: true, dead: false },
      { aggregate_id: "a", payload: 2, attempts: 0, free: true, dead: false },
    ]);
    assert.deepEqual((await readOutbox(pool, "last_error"))[0], { last_error: "Error: no" });
    broker.before = () => {};
    relay.start();
    await until("all", () => broker.received.length === 5);
    assert.deepEqual(broker.received, ["b 0", "b 1", "a 0", "a 1", "a 2"]);
    const [first, second] = broker.events.filter(({ payload, aggregateId }) =>
      payload === 0 && aggregateId === "a"
    );
    assert.deepEqual([first?.id, second?.id], [before[0]?.["id"], before[0]?.["id"]]);
    assert.deepEqual([first?.attempt, second?.attempt], [1, 2]);
  }, { events: ABAB });

  test("an event that waits for its next attempt is not claimed", async (parts) => {
    const { broker, relay } = parts;
    broker.before = () => Promise.reject(new Error("no"));
    assert.equal((await relay.runOnce()).failed, 1);
    const nothing = { published: 0, failed: 0, dead: 0, released: 0 };
    // The pause is random from 0 to an hour: with the odds of 1 to 18,000 it is over by now.
    assert.deepEqual(await relay.runOnce(), nothing);
  }, { events: ["a"], backoff: { baseMs: 3_600_000, maxMs: 3_600_000 } });

  test("an event is dead after its attempts, and put in again", async (parts) => {
    const { broker, relay } = parts;
    broker.before = ({ payload, aggregateId }) => {
      if (aggregateId === "a" && payload === 0) throw new Error("poison\n\u0000");
    };
    relay.start();
    await until("the others", () => broker.received.length === 4);
    assert.deepEqual(broker.received, ["b 0", "b 1", "a 1", "a 2"]);
    const { items: [dead], nextCursor } = await relay.deadEvents();
    assert.ok(dead && !nextCursor);
    const { id, type, aggregateType, aggregateId, payload, attempts, lastError } = dead;
    assert.deepEqual({ type, aggregateType, aggregateId, payload, attempts, lastError }, {
      type: "Changed",
      aggregateType: "thing",
      aggregateId: "a",
      payload: 0,
      attempts: 3,
      lastError: "Error: poison ",
    });
    assert.ok(dead.deadAt.getTime() >= dead.time.getTime());
    // The last one is marked after its publisher has it.
    await until("all are marked", async () => (await relay.stats()).pending === 0);
    assert.deepEqual(await relay.stats(), { pending: 0, dead: 1, oldestMs: 0 });
    broker.before = () => {};
    assert.equal(await relay.redrive([newId(), id, id]), 1);
    await until("it", () => broker.received.length === 5);
    assert.equal(broker.events.at(-1)?.attempt, 1);
    assert.equal(await relay.redrive([id]), 0);
  }, { events: ABAB, maxAttempts: 3 });

  test("a broker that is down costs no attempts", async ({ pool, broker, relay }) => {
    broker.before = () => Promise.reject(new Error("down"));
    const run = await relay.runOnce();
    assert.deepEqual(run, { published: 0, failed: 0, dead: 0, released: 100 });
    // Only those that had begun when the first one failed.
    assert.equal(broker.events.length, 10);
    relay.start();
    await until("some attempts", () => broker.events.length > 50);
    const rows = await readOutbox(pool, "attempts");
    assert.deepEqual(rows, Array.from({ length: 100 }, () => ({ attempts: 0 })));
    broker.before = () => {};
    await until("all", () => broker.received.length === 100);
  }, {
    events: [
      ...Array.from({ length: 100 }, (_, i) => `a${i}`),
    ],
    concurrency: 10,
    maxAttempts: 2,
  });

  test("a silent publisher is given up, and its signal aborts", async (parts) => {
    const { broker, relay } = parts;
    let aborted = 0;
    broker.before = ({ aggregateId }, signal) => {
      if (aggregateId === "b") return;
      signal.addEventListener("abort", () => aborted++);
      return new Promise(() => {});
    };
    const run = await relay.runOnce();
    assert.deepEqual(run, { published: 1, failed: 1, dead: 0, released: 0 });
    assert.equal(aborted, 1);
  }, { events: ["a", "b"], publishTimeoutMs: 50 });
}

await runRelayTests(testFailures);
