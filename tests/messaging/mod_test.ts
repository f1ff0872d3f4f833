import assert from "node:assert/strict";
import {
  type BenchmarkEvent,
  benchmarkEventSchema,
  EventChannel,
  type EventPublisher,
  type EventSubscriber,
  MemoryEventBus,
} from "../../messaging/mod.ts";
import { test } from "node:test";

test("what the original's documentation shows works with the public face alone", async () => {
  const lines: string[] = [];
  const eventBus: EventPublisher & EventSubscriber & AsyncDisposable = new MemoryEventBus();

  await eventBus.subscribe(EventChannel.BENCHMARK, (msg) => {
    try {
      const event = msg.deserialize(benchmarkEventSchema);
      lines.push(`Received event: ${event.type} ${event.benchmarkId}`);
    } catch (e) {
      lines.push(`Failed to deserialize event: ${(e as Error).message.replace(/\S{36}/, "<id>")}`);
    }
  });
  await eventBus.subscribeMany([EventChannel.BENCHMARK, EventChannel.SUBMISSION], (msg) => {
    lines.push(`Received on ${msg.channel}: ${msg.payload}`);
  });
  await eventBus.psubscribe("events:benchmark:*", (msg) => {
    lines.push(`Benchmark event: ${msg.channel}`);
  });

  const event: BenchmarkEvent = {
    type: "Created",
    benchmarkId: "bench-123",
    name: "Test Benchmark",
    createdBy: "user-456",
  };
  await eventBus.publish(EventChannel.BENCHMARK, event);
  await eventBus.publish(EventChannel.benchmarkSpecific("bench-123"), event);
  await eventBus.publish(EventChannel.BENCHMARK, { ...event, createdBy: null });
  await eventBus[Symbol.asyncDispose]();

  assert.deepEqual(lines.sort(), [
    "Benchmark event: events:benchmark:bench-123",
    "Failed to deserialize event: Cannot deserialize message <id> on events:benchmark: " +
    "payload.createdBy: it must be a string, got null",
    "Received event: Created bench-123",
    'Received on events:benchmark: {"type":"Created","benchmarkId":"bench-123",' +
    '"name":"Test Benchmark","createdBy":"user-456"}',
    'Received on events:benchmark: {"type":"Created","benchmarkId":"bench-123",' +
    '"name":"Test Benchmark","createdBy":null}',
  ]);
});
