import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTraceContext, isTraceparent, isTracestate } from "../../core/trace_context.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("a trace context is as W3C says", () => {
  assert.equal(isTraceparent(TRACEPARENT), true);
  for (
    const text of [
      TRACEPARENT.toUpperCase(),
      TRACEPARENT.replace("00-", "ff-"),
      TRACEPARENT.replace(/-\w{32}-/, `-${"0".repeat(32)}-`),
      TRACEPARENT.replace(/-\w{16}-/, `-${"0".repeat(16)}-`),
      `${TRACEPARENT}\n`,
      undefined,
    ]
  ) assert.equal(isTraceparent(text), false, text);
  assert.equal(isTracestate("vendor=1"), true);
  for (const text of ["", "a\nb", "x".repeat(513), 7]) assert.equal(isTracestate(text), false);
});

test("what is malformed is named, and state without a parent is", () => {
  checkTraceContext({});
  checkTraceContext({ traceparent: TRACEPARENT });
  checkTraceContext({ traceparent: TRACEPARENT, tracestate: "vendor=1" });
  assert.throws(() => checkTraceContext({ traceparent: "00" }), /traceparent: it must be as W3C/);
  const state = { traceparent: TRACEPARENT, tracestate: "a\n" };
  assert.throws(() => checkTraceContext(state), /tracestate: it must have 1 to 512 printable/);
  assert.throws(() => checkTraceContext({ tracestate: "a=1" }), /it means nothing without/);
});
