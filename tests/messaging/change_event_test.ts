import assert from "node:assert/strict";
import { changeChannel, type ChangeEvent, publishChange } from "../../messaging/change_event.ts";
import { MemoryEventBus } from "../../messaging/adapters/memory.ts";
import type { Message } from "../../messaging/messaging.ts";
import { Recorder } from "../conformance/messaging/support.ts";
import { test } from "node:test";
import { ValidationError } from "../../core/errors.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const CHANGE: ChangeEvent = {
  id: "01936d3e-5a7b-7c1d-9e2f-3a4b5c6d7e8f",
  type: "StatusChanged",
  time: new Date("2026-11-22T10:00:00.123Z"),
  aggregateType: "benchmark",
  aggregateId: "bench-1",
  payload: { type: "StatusChanged", benchmarkId: "bench-1" },
  correlationId: "request-1",
  traceparent: TRACEPARENT,
};

test("each kind of change has its channel", () => {
  const cases: [aggregateType: string, type: string, channel: string][] = [
    ["benchmark", "Created", "events:benchmark"],
    ["submission", "Created", "events:submission"],
    ["submission", "VerificationStarted", "events:verification"],
    ["submission", "VerificationCompleted", "events:verification"],
    ["submission", "LeaderboardPositionChanged", "events:leaderboard"],
    ["user", "VerificationCompleted", "events:user"],
    ["organization", "MemberAdded", "events:organization"],
    ["order", "Paid", "events:order"],
  ];
  for (const [aggregateType, type, channel] of cases) {
    assert.equal(changeChannel({ ...CHANGE, aggregateType, type }), channel);
  }
  for (const aggregateType of ["two words", "a:b", "events>", "x".repeat(101)]) {
    assert.throws(() => changeChannel({ ...CHANGE, aggregateType }), ValidationError);
  }
});

test("a change is published under its own id, with what it is about and belongs to", async () => {
  const bus = new MemoryEventBus();
  const received = new Recorder<Message>();
  await bus.subscribe("events:benchmark", received.add);
  assert.equal(await publishChange(bus, CHANGE), CHANGE.id);
  const [message] = await received.until(1) as [Message];
  const { id, type, time, partitionKey, correlationId, traceparent, payload } = message;
  assert.deepEqual([id, type, time, partitionKey, correlationId, traceparent], [
    CHANGE.id,
    "StatusChanged",
    "2026-11-22T10:00:00.123Z",
    "bench-1",
    "request-1",
    TRACEPARENT,
  ]);
  assert.deepEqual(JSON.parse(payload), CHANGE.payload);
  await bus.close();
});
