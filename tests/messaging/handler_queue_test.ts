import assert from "node:assert/strict";
import type {
  DeliveryProblem,
  MessageHandler,
  SubscribeOptions,
} from "../../messaging/messaging.ts";
import { Recorder } from "../conformance/messaging/support.ts";
import { EventEncoder } from "../../messaging/event_encoder.ts";
import { HandlerQueue } from "../../messaging/handler_queue.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { test } from "node:test";

const CHANNEL = "events:user";

function event(payload: unknown): Uint8Array {
  return new TextEncoder().encode(new EventEncoder().encode(CHANNEL, payload, {}).envelope);
}

interface Fixture {
  readonly queue: HandlerQueue;
  readonly clock: ManualClock;
  readonly steps: Recorder<string>;
  readonly detached: () => number;
}

function describeProblem(problem: DeliveryProblem): string {
  switch (problem.kind) {
    case "gap":
      return `lost ${problem.lost}`;
    case "undecodable":
      return `undecodable ${problem.error.bytes.length}`;
    case "handler_failed":
      return `failed ${problem.message.payload}: ${(problem.error as Error).message}`;
  }
}

/** A queue that records what its handler got and what went wrong, in order. */
function create(handler: MessageHandler = () => {}, options: SubscribeOptions = {}): Fixture {
  const steps = new Recorder<string>();
  const clock = new ManualClock();
  let detached = 0;
  const queue = new HandlerQueue(
    (message, context) => {
      steps.add(message.payload);
      return handler(message, context);
    },
    options,
    {
      onProblem: (problem) => steps.add(describeProblem(problem)),
      detach: () => void detached++,
      maxPayloadBytes: 1_000,
      clock,
    },
  );
  return { queue, clock, steps, detached: () => detached };
}

test("gaps that follow each other are one, and of unknown size if one of them is", async () => {
  const { queue, steps } = create();
  queue.gap(1);
  queue.gap(2);
  queue.offer(CHANNEL, event(1));
  queue.gap(3);
  queue.gap(undefined);
  queue.gap(4);
  queue.offer(CHANNEL, event(2));
  assert.deepEqual(await steps.until(4), ["lost 3", "1", "lost undefined", "2"]);
});

test("bytes that are not an event are reported, and the next message comes", async () => {
  const { queue, steps } = create();
  queue.offer(CHANNEL, new Uint8Array(7));
  queue.offer(CHANNEL, event(1));
  assert.deepEqual(await steps.until(2), ["undecodable 7", "1"]);
});

test("a handler has its time by the clock, and the next message comes after that", async () => {
  const { queue, clock, steps } = create(() => new Promise(() => {}), { handlerTimeoutMs: 500 });
  queue.offer(CHANNEL, event(1));
  queue.offer(CHANNEL, event(2));
  await steps.until(1);
  assert.deepEqual([queue.running, queue.queued], [1, 1]);
  clock.advance(499);
  assert.deepEqual(steps.values, ["1"]);
  clock.advance(1);
  const [, problem, next] = await steps.until(3);
  assert.match(problem ?? "", /^failed 1: Cannot finish the handler .* not done within 500 ms$/);
  assert.equal(next, "2");
});

test("a handler that settles in time leaves no timer behind", async () => {
  const { queue, clock, steps } = create(async () => await Promise.resolve());
  queue.offer(CHANNEL, event(1));
  await steps.until(1);
  await queue.finish();
  await queue.ended;
  assert.equal(clock.pendingTimers, 0);
});

test("a finished queue takes nothing more and hands over what it has", async () => {
  const { queue, steps } = create();
  queue.offer(CHANNEL, event(1));
  await queue.finish();
  queue.offer(CHANNEL, event(2));
  queue.gap(1);
  await queue.ended;
  assert.deepEqual(steps.values, ["1"]);
});

test("the bus is told once to offer nothing more", async () => {
  const { queue, detached } = create();
  await Promise.all([queue.finish(), queue.unsubscribe(), queue[Symbol.asyncDispose]()]);
  await queue.unsubscribe();
  assert.equal(detached(), 1);
});

test("a stopped queue drops what it has, aborts its handlers and waits for none", async () => {
  const signals: AbortSignal[] = [];
  const { queue, steps } = create((_message, { signal }) => {
    signals.push(signal);
    return new Promise(() => {});
  });
  queue.offer(CHANNEL, event(1));
  queue.offer(CHANNEL, event(2));
  await steps.until(1);
  queue.stop("the process ends");
  await queue.ended;
  assert.equal(signals[0]?.reason, "the process ends");
  assert.equal(queue.queued, 0);
  assert.deepEqual(steps.values, ["1"]);
});

test("subscriptions that feed themselves and each other leave turns to timers", async () => {
  let rounds = 0;
  let stopped = false;
  const feed = (queue: () => HandlerQueue) => (): void => {
    // Without the bound, a loop that leaves no turn would hang the test instead of failing it.
    if (!stopped && ++rounds < 100_000) queue().offer(CHANNEL, event(1));
  };
  const first: HandlerQueue = create(feed(() => second)).queue;
  const second: HandlerQueue = create(feed(() => first)).queue;
  const own: HandlerQueue = create(feed(() => own)).queue;
  for (const queue of [first, own]) queue.offer(CHANNEL, event(1));
  await new Promise((resolve) => setTimeout(resolve, 1));
  stopped = true;
  await Promise.all([first, second, own].map((queue) => queue.finish().then(() => queue.ended)));
  assert.ok(rounds < 100_000);
});
