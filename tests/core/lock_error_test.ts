import assert from "node:assert/strict";
import { test } from "node:test";
import { InfrastructureError } from "../../core/errors.ts";
import {
  lockAbortedError,
  lockLostError,
  locksClosedError,
  lockTimeoutError,
} from "../../core/lock_error.ts";

test("every error of a lock names the call, and only of a lost one the outcome is unknown", () => {
  const cause = new Error("why");
  const errors = [
    lockTimeoutError(250, cause),
    lockAbortedError(cause),
    lockLostError(cause),
    locksClosedError(),
  ];
  assert.deepEqual(errors.map(({ code, outcome, retryable }) => [code, outcome, retryable]), [
    ["timeout", "not-applied", true],
    ["aborted", "not-applied", false],
    ["conflict", "unknown", false],
    ["closed", "not-applied", false],
  ]);
  for (const error of errors) {
    assert.ok(error instanceof InfrastructureError);
    assert.deepEqual([error.name, error.operation], ["LockError", "LockProvider.withLock"]);
    assert.match(error.message, /^Cannot .*: .*[^.]$/);
  }
  assert.deepEqual(errors.map((error) => error.cause), [cause, cause, cause, undefined]);
});
