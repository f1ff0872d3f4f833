import assert from "node:assert/strict";
import { test } from "node:test";
import type { FailedEvent } from "../../../database/outbox/claimed_batch.ts";
import { errorText, judgeFailures } from "../../../database/outbox/judge_failures.ts";
import { ValidationError } from "../../../core/errors.ts";

const DOWN = { retryable: true };
const BAD = { retryable: false };
const UNKNOWN = new Error("?");

/** How many failures count, and how many are spared. */
function judge(published: number, errors: readonly unknown[]): [counted: number, spared: number] {
  const failed = errors.map((error) => ({ error }) as FailedEvent);
  const outcome = { published: Array.from({ length: published }), failed, untouched: [] };
  const { counted, spared } = judgeFailures(outcome as never);
  return [counted.length, spared.length];
}

test("every failure counts if something was published", () => {
  assert.deepEqual(judge(1, [DOWN, BAD, UNKNOWN]), [3, 0]);
});

test("without that, a failure that may pass is one of the broker", () => {
  assert.deepEqual(judge(0, [DOWN]), [0, 1]);
  assert.deepEqual(judge(0, [DOWN, DOWN]), [0, 2]);
});

test("a failure that never passes is one of its event", () => {
  assert.deepEqual(judge(0, [BAD]), [1, 0]);
  assert.deepEqual(judge(0, [BAD, BAD, DOWN]), [2, 1]);
});

test("a failure that does not say is one of the broker if there are several", () => {
  assert.deepEqual(judge(0, [UNKNOWN]), [1, 0]);
  assert.deepEqual(judge(0, [UNKNOWN, UNKNOWN]), [0, 2]);
  assert.deepEqual(judge(0, [undefined, null, 7, "no"]), [0, 4]);
});

test("an error is stored as one short line that a database takes", () => {
  assert.equal(
    errorText(new ValidationError("a", "bad")),
    `invalid_input: ${new ValidationError("a", "bad").message}`,
  );
  assert.equal(errorText(new TypeError("a\nb\u0000\u2028c")), "TypeError: a b c");
  assert.equal(errorText(new Error("\ud800")), "Error: \ufffd");
  assert.equal(errorText(new Error("x".repeat(10_000))).length, 500);
  assert.equal(errorText("secret"), "string");
  assert.equal(errorText(undefined), "undefined");
  assert.equal(errorText({ code: "ECONNREFUSED" }), "ECONNREFUSED");
});
