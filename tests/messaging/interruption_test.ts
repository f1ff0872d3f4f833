import assert from "node:assert/strict";
import { checkCall, interruptionError } from "../../messaging/interruption.ts";
import { MessagingError, ValidationError } from "../../core/errors.ts";
import { test } from "node:test";

test("a call with an aborted signal is refused with its reason", () => {
  const reason = new Error("the user left");
  assert.throws(
    () => checkCall("publish", { signal: AbortSignal.abort(reason) }),
    (error) => {
      assert.ok(error instanceof MessagingError);
      assert.equal(error.code, "aborted");
      assert.equal(error.outcome, "not-applied");
      assert.equal(error.cause, reason);
      return true;
    },
  );
});

test("a call with a malformed timeout is refused, others pass", () => {
  checkCall("publish", {});
  checkCall("publish", { timeoutMs: 1, signal: new AbortController().signal });
  assert.throws(() => checkCall("publish", { timeoutMs: NaN }), ValidationError);
});

test("an interruption says why and what is known about the outcome", () => {
  const details = { reason: "3 messages were dropped", outcome: "unknown" } as const;
  const late = interruptionError("close the bus", { kind: "timeout", timeoutMs: 50 }, details);
  assert.equal(
    late.message,
    "Cannot close the bus: not done within 50 ms: 3 messages were dropped",
  );
  assert.deepEqual([late.code, late.outcome, late.retryable], ["timeout", "unknown", false]);
  const aborted = interruptionError("close the bus", { kind: "aborted", reason: "stop" }, details);
  assert.deepEqual([aborted.code, aborted.cause], ["aborted", "stop"]);
});
