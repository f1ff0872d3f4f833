import assert from "node:assert/strict";
import type { DeliveryProblem, Message, MessageHandler } from "../../messaging/messaging.ts";
import { iterateMessages, type MessageIterator } from "../../messaging/message_iterator.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { MemoryEventBus } from "../../messaging/adapters/memory.ts";
import { Recorder } from "../conformance/messaging/support.ts";
import { test } from "node:test";

const CHANNEL = "events:user";

const iterate = (bus: MemoryEventBus): Promise<MessageIterator> =>
  iterateMessages((handler) => bus.subscribe(CHANNEL, handler));

const payloadOf = ({ value }: IteratorResult<Message>): string | undefined =>
  (value as Message | undefined)?.payload;

test("a loop gets every message in order, and leaving it unsubscribes", async () => {
  const bus = new MemoryEventBus();
  const messages = await iterate(bus);
  for (let i = 0; i < 10; i++) await bus.publish(CHANNEL, i);
  const payloads: string[] = [];
  for await (const message of messages) {
    payloads.push(message.payload);
    if (payloads.length === 5) break;
  }
  assert.deepEqual(payloads, ["0", "1", "2", "3", "4"]);
  assert.deepEqual(await messages.next(), { done: true, value: undefined });
  await bus.close();
});

test("a message has been handled when the loop asks for the next one", async () => {
  const bus = new MemoryEventBus();
  const messages = await iterate(bus);
  await bus.publish(CHANNEL, 1);
  await bus.publish(CHANNEL, 2);
  assert.equal(payloadOf(await messages.next()), "1");
  assert.deepEqual(await bus.health(), { subscriptions: 1, queued: 1, running: 1 });
  assert.equal(payloadOf(await messages.next()), "2");
  await messages.return?.();
  await bus.close();
});

test("whoever waits for a message gets it when it comes", async () => {
  const bus = new MemoryEventBus();
  const messages = await iterate(bus);
  const results = [messages.next(), messages.next()];
  await bus.publish(CHANNEL, 1);
  await bus.publish(CHANNEL, 2);
  assert.deepEqual((await Promise.all(results)).map(payloadOf), ["1", "2"]);
  await messages[Symbol.asyncDispose]();
  await messages[Symbol.asyncDispose]();
  await bus.close();
});

test("the loop ends when the bus closes, after what the bus had accepted", async () => {
  const bus = new MemoryEventBus();
  const messages = await iterate(bus);
  for (let i = 0; i < 3; i++) await bus.publish(CHANNEL, i);
  const payloads: string[] = [];
  const loop = (async () => {
    for await (const message of messages) payloads.push(message.payload);
  })();
  await bus.close();
  await loop;
  assert.deepEqual(payloads, ["0", "1", "2"]);
});

test("leaving counts the messages that nobody took as handled", async () => {
  const bus = new MemoryEventBus();
  const messages = await iterateMessages((handler) =>
    bus.subscribe(CHANNEL, handler, { concurrency: 2 })
  );
  for (let i = 0; i < 5; i++) await bus.publish(CHANNEL, i);
  while ((await bus.health()).running !== 2) await new Promise((turn) => setImmediate(turn));
  await messages.return?.();
  await bus.close();
  assert.deepEqual(await messages.next(), { done: true, value: undefined });
});

test("a message that a bus hands over too late counts as handled", async () => {
  const handlers: MessageHandler[] = [];
  const messages = await iterateMessages((handler) => {
    handlers.push(handler);
    return new MemoryEventBus().subscribe(CHANNEL, () => {});
  });
  await messages.return?.();
  const { signal } = new AbortController();
  await Promise.all(handlers.map((handler) => handler({} as Message, { signal })));
  assert.equal(handlers.length, 1);
});

test("a subscribe that fails fails the iterator", async () => {
  await assert.rejects(
    iterateMessages((handler) => new MemoryEventBus().subscribe("a b", handler)),
    /Cannot use channel/,
  );
});

test("a message that waited for the loop too long is reported and not given", async () => {
  const clock = new ManualClock();
  const bus = new MemoryEventBus({ clock });
  const problems = new Recorder<DeliveryProblem>();
  const messages = await iterateMessages((handler) =>
    bus.subscribe(CHANNEL, handler, { handlerTimeoutMs: 100, onProblem: problems.add })
  );
  await bus.publish(CHANNEL, 1);
  while ((await bus.health()).running === 0) await new Promise((turn) => setImmediate(turn));
  clock.advance(100);
  await problems.until(1);
  await bus.publish(CHANNEL, 2);
  assert.equal(payloadOf(await messages.next()), "2");
  await messages.return?.();
  await bus.close();
});
