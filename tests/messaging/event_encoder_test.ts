import assert from "node:assert/strict";
import { test } from "node:test";
import { EventEncoder } from "../../messaging/event_encoder.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

test("an event has the time of the clock, the source of the bus and an id of its own", () => {
  const clock = new ManualClock();
  const encoder = new EventEncoder({ source: "/bus", clock });
  const times = [0, 0, 5].map((ms) => {
    clock.advance(ms);
    const { id, envelope } = encoder.encode("events:user", null, {});
    const event = JSON.parse(envelope);
    assert.deepEqual([event.id, event.source], [id, "/bus"]);
    assert.equal(event.time, new Date(clock.now()).toISOString());
    return event.time;
  });
  assert.equal(times[0], times[1]);
  assert.notEqual(times[1], times[2]);
});

test("what its publisher says comes first", () => {
  const given = { id: "1", type: "Created", source: "/other", time: "2026-11-22T10:00:00Z" };
  const { id, envelope } = new EventEncoder().encode("events:user", { type: "Other" }, given);
  const { id: sent, type, source, time } = JSON.parse(envelope);
  assert.deepEqual({ id: sent, type, source, time }, given);
  assert.equal(id, "1");
});

test("a source that cannot be one, and a payload that is too large, are refused", () => {
  assert.throws(() => new EventEncoder({ source: "größe" }), /Cannot use source/);
  const encoder = new EventEncoder({ maxPayloadBytes: 5 });
  encoder.encode("events:user", "abc", {});
  assert.throws(() => encoder.encode("events:user", "äbc", {}), /at most 5 bytes as JSON, got 6/);
});
