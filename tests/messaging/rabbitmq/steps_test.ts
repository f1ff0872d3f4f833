import assert from "node:assert/strict";
import { test } from "node:test";
import { stepsOf } from "../../../messaging/adapters/rabbitmq/steps.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";

test("a step has the time that those before have left, and never none", () => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const step = stepsOf({ operation: "read", timeoutMs: 1_000, signal }, clock);
  assert.deepEqual(step(), { operation: "read", timeoutMs: 1_000, signal });
  clock.advance(400);
  assert.equal(step().timeoutMs, 600);
  clock.advance(1_000);
  assert.equal(step().timeoutMs, 1);
});
