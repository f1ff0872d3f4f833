import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../../core/clock.ts";
import { Bulkhead } from "../../../core/resilience/bulkhead.ts";
import {
  type BatchOutcome,
  type BatchTerms,
  type ClaimedEvent,
  publishBatch,
} from "../../../database/outbox/claimed_batch.ts";
import { Broker, gate, nameOf } from "../../support/outbox.ts";
import { until } from "../../support/until.ts";

function events(...aggregates: string[]): ClaimedEvent[] {
  const numbers: Record<string, number> = {};
  return aggregates.map((aggregateId, position) => ({
    position,
    event: {
      id: String(position),
      type: "Changed",
      time: new Date(0),
      aggregateType: "thing",
      aggregateId,
      payload: numbers[aggregateId] = (numbers[aggregateId] ?? -1) + 1,
      attempt: 1,
    },
  }));
}

function run(
  batch: readonly ClaimedEvent[],
  broker: Broker,
  rest: Partial<BatchTerms> = {},
): Promise<BatchOutcome> {
  return publishBatch(batch, {
    publish: broker.publish,
    publishTimeoutMs: 5_000,
    places: new Bulkhead(2),
    concurrency: 2,
    signal: new AbortController().signal,
    isStopping: () => false,
    clock: systemClock,
    ...rest,
  });
}

function names(list: readonly ClaimedEvent[]): string[] {
  return list.map(({ event }) => nameOf(event));
}

test("aggregates of different types are different ones", async () => {
  const broker = new Broker();
  const [one, two] = events("a", "a");
  const other = { ...two!, event: { ...two!.event, aggregateType: "other" } };
  broker.before = () => until("both", () => broker.mostWaiting === 2);
  const { published } = await run([one!, other], broker);
  assert.equal(published.length, 2);
});

test("no more aggregates at a time than there are places, the oldest first", async () => {
  const broker = new Broker();
  const { published } = await run(events("a", "b", "c", "d", "a"), broker);
  assert.equal(broker.mostWaiting, 2);
  assert.deepEqual(names(published), ["a 0", "b 0", "a 1", "c 0", "d 0"]);
});

test("two batches share the places", async () => {
  const broker = new Broker();
  broker.before = () => new Promise((resolve) => setTimeout(resolve, 1));
  const places = new Bulkhead(3);
  const terms = { places, concurrency: 3 };
  const batches = [events("a", "b", "c", "d"), events("e", "f", "g", "h")];
  await Promise.all(batches.map((batch) => run(batch, broker, terms)));
  assert.equal(broker.mostWaiting, 3);
  assert.equal(broker.received.length, 8);
});

test("a failure leaves what comes after it untouched", async () => {
  const broker = new Broker();
  broker.before = (event) => {
    if (nameOf(event) === "a 1") throw new Error("no");
  };
  const { published, failed, untouched } = await run(events("a", "a", "a", "b"), broker);
  assert.deepEqual(names(published).toSorted(), ["a 0", "b 0"]);
  assert.deepEqual(names(failed), ["a 1"]);
  assert.deepEqual(names(untouched), ["a 2"]);
});

test("a publisher that throws at once is a failure like others", async () => {
  const publish = (): never => {
    throw new Error("no");
  };
  const { failed } = await run(events("a"), new Broker(), { publish });
  assert.equal((failed[0]?.error as Error).message, "no");
});

test("nothing new begins while something has failed and nothing has succeeded", async () => {
  const broker = new Broker();
  broker.before = () => Promise.reject(new Error("down"));
  const { failed, untouched } = await run(events("a", "b", "c", "d"), broker);
  assert.deepEqual(names(failed), ["a 0", "b 0"]);
  assert.deepEqual(names(untouched), ["c 0", "d 0"]);
});

test("an end of the claim leaves running attempts to themselves", async () => {
  const broker = new Broker();
  const controller = new AbortController();
  const { opened, open } = gate();
  const signals: AbortSignal[] = [];
  broker.before = (_, signal) => {
    signals.push(signal);
    return opened;
  };
  const batch = run(events("a", "b", "a", "c"), broker, { signal: controller.signal });
  await until("both run", () => broker.waiting === 2);
  controller.abort();
  const { published, failed, untouched } = await batch;
  assert.deepEqual([published, failed], [[], []]);
  assert.deepEqual(names(untouched).toSorted(), ["a 0", "a 1", "b 0", "c 0"]);
  assert.ok(signals.every(({ aborted }) => aborted));
  open();
});

test("a relay that stops waits for what has begun, and begins nothing", async () => {
  const broker = new Broker();
  let isStopping = false;
  broker.before = () => void (isStopping = true);
  const terms = { isStopping: () => isStopping, concurrency: 1 };
  const { published, untouched } = await run(events("a", "b", "a"), broker, terms);
  assert.deepEqual(names(published), ["a 0"]);
  assert.deepEqual(names(untouched), ["a 1", "b 0"]);
});

test("an attempt without an answer fails as a timeout that may pass", async () => {
  const broker = new Broker();
  broker.before = () => new Promise(() => {});
  const { failed: [failure] } = await run(events("a"), broker, { publishTimeoutMs: 10 });
  const { code, retryable, outcome, message } = failure?.error as Record<string, unknown>;
  assert.deepEqual({ code, retryable, outcome }, {
    code: "timeout",
    retryable: true,
    outcome: "unknown",
  });
  assert.equal(message, "Cannot publish event: no answer within 10 ms");
});
