import assert from "node:assert/strict";
import { MemoryEventBus } from "../../messaging/adapters/memory.ts";
import { messagingConformance } from "../conformance/messaging.ts";
import { test } from "node:test";
import { ValidationError } from "../../core/errors.ts";

for (const maxPayloadBytes of [1_000_000, 1_001]) {
  messagingConformance(test, {
    name: `MemoryEventBus of ${maxPayloadBytes} bytes`,
    capabilities: { patterns: true, maxPayloadBytes },
    create: () => Promise.resolve(new MemoryEventBus({ maxPayloadBytes })),
  });
}

test("two memory buses know nothing of each other", async () => {
  const [one, other] = [new MemoryEventBus(), new MemoryEventBus()];
  const received: string[] = [];
  await other.subscribe("events:user", (message) => received.push(message.payload));
  await one.publish("events:user", "one");
  await other.publish("events:user", "other");
  await one.close();
  await other.publish("events:user", "still open");
  await other.close();
  assert.deepEqual(received, ['"other"', '"still open"']);
});

test("a memory bus keeps nothing of subscriptions that have ended", async () => {
  const bus = new MemoryEventBus();
  const subscriptions = [
    await bus.subscribe("events:user", () => {}),
    await bus.subscribeMany(["events:user", "events:system"], () => {}),
    await bus.psubscribe("events:*", () => {}),
  ];
  assert.deepEqual(await bus.health(), { subscriptions: 3, queued: 0, running: 0 });
  for (const subscription of subscriptions) await subscription.unsubscribe();
  assert.deepEqual(await bus.health(), { subscriptions: 0, queued: 0, running: 0 });
  await bus.close();
});

test("health says how much waits and is under way", async () => {
  const bus = new MemoryEventBus();
  let release = (): void => {};
  const begun = new Promise<void>((resolve) => {
    bus.subscribe("events:user", () => (resolve(), new Promise<void>((done) => release = done)));
  });
  for (let i = 0; i < 3; i++) await bus.publish("events:user", i);
  await begun;
  assert.deepEqual(await bus.health(), { subscriptions: 1, queued: 2, running: 1 });
  await assert.rejects(bus.close({ signal: AbortSignal.abort() }), /2 messages .* 1 handlers/);
  release();
});

test("problems go to the bus unless the subscription has its own handler for them", async () => {
  const [own, shared]: [string[], string[]] = [[], []];
  const bus = new MemoryEventBus({ onProblem: (problem) => shared.push(problem.kind) });
  const failing = (): never => {
    throw new Error("the handler failed");
  };
  await bus.subscribe("events:user", failing);
  await bus.subscribe("events:user", failing, { onProblem: (problem) => own.push(problem.kind) });
  await bus.publish("events:user", 1);
  await bus.close();
  assert.deepEqual([own, shared], [["handler_failed"], ["handler_failed"]]);
});

test("events name the source of the bus", async () => {
  const bus = new MemoryEventBus({ source: "/evaluation" });
  const sources: string[] = [];
  await bus.subscribe("events:user", (message) => sources.push(message.source));
  await bus.publish("events:user", 1);
  await bus.publish("events:user", 2, { source: "/relay" });
  await bus.close();
  assert.deepEqual(sources, ["/evaluation", "/relay"]);
});

test("a malformed configuration is refused", () => {
  for (const config of [{ source: "" }, { source: "a\nb" }, { maxPayloadBytes: 0 }]) {
    assert.throws(() => new MemoryEventBus(config), ValidationError);
  }
});
