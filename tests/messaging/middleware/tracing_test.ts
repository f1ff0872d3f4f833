import assert from "node:assert/strict";
import { causedBy, type StartSpan, tracing } from "../../../messaging/middleware/tracing.ts";
import { deliveryContext, messageOf } from "../../support/deliveries.ts";
import { test } from "node:test";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** Notes what happens to spans. */
function recordingSpans(): { steps: unknown[]; startSpan: StartSpan } {
  const steps: unknown[] = [];
  return {
    steps,
    startSpan: (name, { traceparent }, attributes) => {
      steps.push([name, traceparent, attributes]);
      return {
        run: (fn) => (steps.push("run"), fn()),
        end: (error) => steps.push(error === undefined ? "end" : `end: ${error}`),
      };
    },
  };
}

test("a handler runs in a span that continues the trace of its message", async () => {
  const { steps, startSpan } = recordingSpans();
  const message = messageOf(1, { id: "1", traceparent: TRACEPARENT, correlationId: "request-1" });
  const handle = tracing(startSpan)(() => (steps.push("handler"), "done"));
  assert.equal(await handle(message, Object.assign(deliveryContext(), { attempt: 2 })), "done");
  const attributes = {
    "messaging.operation.type": "process",
    "messaging.destination.name": "events:user",
    "messaging.message.id": "1",
    "messaging.message.conversation_id": "request-1",
    "messaging.message.delivery_attempt": 2,
  };
  assert.deepEqual(steps, [
    ["process events:user", TRACEPARENT, attributes],
    "run",
    "handler",
    "end",
  ]);
});

test("a failure ends the span with its error and is told", async () => {
  const { steps, startSpan } = recordingSpans();
  const handle = tracing(startSpan)(() => Promise.reject(new Error("it failed")));
  await assert.rejects(async () => await handle(messageOf(1), deliveryContext()), /it failed/);
  assert.equal(steps.at(-1), "end: Error: it failed");
});

test("a tracer that fails harms no handler", async () => {
  const broken = (): never => {
    throw new Error("the tracer failed");
  };
  const handle = tracing(broken)(() => "done");
  assert.equal(await handle(messageOf(1), deliveryContext()), "done");
  const endless = tracing(() => ({ run: (fn) => fn(), end: broken }))(() => "done");
  assert.equal(await endless(messageOf(1), deliveryContext()), "done");
});

test("an event that is caused by another belongs to it", () => {
  const first = messageOf(1, { id: "first" });
  assert.equal(causedBy(first).correlationId, "first");
  const second = messageOf(1, { ...causedBy(first), id: "second", traceparent: TRACEPARENT });
  assert.deepEqual(causedBy(second), {
    correlationId: "first",
    traceparent: TRACEPARENT,
    tracestate: undefined,
  });
});
