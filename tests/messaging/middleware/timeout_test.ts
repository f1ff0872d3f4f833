import assert from "node:assert/strict";
import { deliveryContext, messageOf } from "../../support/deliveries.ts";
import type { InfrastructureError } from "../../../core/errors.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
import { MemoryStreamBus } from "../../../messaging/adapters/memory_streams.ts";
import { Recorder } from "../../conformance/messaging/support.ts";
import { test } from "node:test";
import { timeout } from "../../../messaging/middleware/timeout.ts";

test("a handler that takes too long fails, and its signal aborts", async () => {
  const clock = new ManualClock();
  const signals: AbortSignal[] = [];
  const handle = timeout(50, clock)((_message, { signal }) => {
    signals.push(signal);
    return new Promise(() => {});
  });
  const context = deliveryContext();
  const handled = (async () => await handle(messageOf(1), context))();
  assert.equal(signals[0]?.aborted, false);
  clock.advance(50);
  await assert.rejects(handled, (error: InfrastructureError) => error.code === "timeout");
  assert.deepEqual([signals[0]?.aborted, context.signal.aborted], [true, false]);
});

test("the time that the bus gives ends it, too", async () => {
  const clock = new ManualClock();
  const signals: AbortSignal[] = [];
  const handle = timeout(50, clock)((_message, { signal }) => {
    signals.push(signal);
    return new Promise(() => {});
  });
  const context = deliveryContext();
  const handled = (async () => await handle(messageOf(1), context))();
  context.abort("closing");
  await assert.rejects(handled, (error: InfrastructureError) => error.code === "aborted");
  assert.deepEqual([signals[0]?.aborted, clock.pendingTimers], [true, 0]);
});

test("a handler that is done in time is told what the bus says", async () => {
  const bus = new MemoryStreamBus();
  const seen = new Recorder<unknown>();
  await bus.publish("events:user", 1);
  await bus.subscribe(
    "events:user",
    timeout(60_000)((_message, context: { signal: AbortSignal; attempt?: number }) => {
      seen.add([context.attempt, context.signal.aborted]);
    }),
    { group: "g" },
  );
  assert.deepEqual(await seen.until(1), [[1, false]]);
  await bus.close();
});
