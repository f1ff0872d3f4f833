import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { type InfrastructureError, ValidationError } from "../../../core/errors.ts";
import { type FailureDetails, S3Failure } from "../../../storage/adapters/s3/failure.ts";
import { conditionError, toStorageError } from "../../../storage/adapters/s3/s3_error.ts";
import { StorageCall } from "../../../storage/call.ts";
import type { StorageOperation } from "../../../storage/failures.ts";

function errorOf(
  details: FailureDetails,
  operation: StorageOperation = "getMetadata",
): InfrastructureError {
  return toStorageError(new S3Failure(details), new StorageCall(operation));
}

test("an error of this library stays what it is", () => {
  const error = new ValidationError("key", "it is bad");
  assert.equal(toStorageError(error, new StorageCall("upload")), error);
});

test("a failure becomes a StorageError that says what was answered", () => {
  const cases: readonly [FailureDetails, Record<string, unknown>][] = [
    [{ status: 403, name: "AccessDenied" }, { code: "permission_denied", retryable: false }],
    [{ status: 503, name: "SlowDown" }, { code: "overloaded", retryable: true }],
    [{ status: 500 }, { code: "unavailable", retryable: true }],
    [{ name: "ECONNRESET", why: "lost" }, { code: "unavailable", retryable: true }],
    [{ status: 400, name: "InvalidRequest" }, { code: "internal", retryable: false }],
  ];
  for (const [details, expected] of cases) {
    const { name, operation, outcome, code, retryable } = errorOf(details);
    assert.deepEqual([name, operation], ["StorageError", "StorageProvider.getMetadata"]);
    assert.deepEqual({ code, retryable }, expected);
    assert.equal(outcome, "not-applied");
  }
  const { message } = errorOf({ status: 403, name: "AccessDenied" });
  const answer = "the server answered 403 AccessDenied";
  assert.equal(message, `Cannot read the metadata of the object: ${answer}`);
});

test("what is missing is the bucket where that is said, or where the call is about it", () => {
  const cases: readonly [StorageOperation, string, string][] = [
    ["getMetadata", "", "object"],
    ["download", "NoSuchKey", "object"],
    ["download", "NoSuchBucket", "bucket"],
    ["copy", "NoSuchKey", "object"],
    ["copy", "NoSuchBucket", "bucket"],
    ["upload", "", "bucket"],
    ["delete", "", "bucket"],
    ["deleteBatch", "", "bucket"],
    ["listObjects", "", "bucket"],
    ["createBucket", "", "bucket"],
    ["bucketExists", "", "bucket"],
  ];
  for (const [operation, name, what] of cases) {
    const error = errorOf({ status: 404, name }, operation);
    assert.equal(error.name, "NotFoundError");
    assert.match(error.message, new RegExp(`\\b${what}\\b`), `${operation} ${name}`);
  }
});

test("an upload that somebody removes is in conflict with that, and no bucket is missing", () => {
  for (const operation of ["upload", "copy"] as const) {
    const error = errorOf({ status: 404, name: "NoSuchUpload" }, operation);
    assert.deepEqual([error.code, error.retryable], ["conflict", true]);
  }
});

test("bytes that changed on the way are told as an IntegrityError", () => {
  for (const name of ["BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody"]) {
    const error = errorOf({ status: 400, name }, "upload");
    assert.deepEqual([error.name, error.code], ["IntegrityError", "corrupted"]);
  }
});

test("the outcome is unknown only if the call could have an effect and the request may have", () => {
  for (const committed of [false, true]) {
    for (const mayHaveWorked of [false, true]) {
      const call = new StorageCall("upload");
      if (committed) call.commit();
      const failure = new S3Failure({ status: 500 });
      failure.mayHaveWorked = mayHaveWorked;
      const outcome = committed && mayHaveWorked ? "unknown" : "not-applied";
      assert.equal(toStorageError(failure, call).outcome, outcome);
    }
  }
});

test("what is not known is internal, shows nothing, and its outcome is that of the call", () => {
  const canary = "c4n4ry";
  for (const thrown of [new Error(canary), canary, { canary }, undefined]) {
    const call = new StorageCall("upload");
    const before = toStorageError(thrown, call);
    call.commit();
    const after = toStorageError(thrown, call);
    assert.deepEqual([before.code, before.outcome], ["internal", "not-applied"]);
    assert.deepEqual([after.code, after.outcome], ["internal", "unknown"]);
    assert.ok(!inspect([before, after]).includes(canary));
  }
});

test("conditionError() tells which condition does not hold", () => {
  const none = { createOnly: false, ifMatch: undefined };
  const create = { createOnly: true, ifMatch: undefined };
  const match = { createOnly: false, ifMatch: "e" };
  const cases: readonly [FailureDetails, typeof create | typeof match, string | undefined][] = [
    [{ status: 412 }, create, "already_exists"],
    [{ status: 412 }, match, "conflict"],
    [{ status: 412 }, none, undefined],
    [{ status: 404, name: "NoSuchKey" }, match, "conflict"],
    [{ status: 404 }, match, "conflict"],
    [{ status: 404, name: "NoSuchBucket" }, match, undefined],
    [{ status: 404, name: "NoSuchUpload" }, match, undefined],
    [{ status: 404, name: "NoSuchKey" }, create, undefined],
    [{ status: 409 }, create, undefined],
    [{ status: 409 }, match, undefined],
    [{ status: 500 }, match, undefined],
  ];
  for (const [details, conditions, code] of cases) {
    const failure = new S3Failure(details);
    const error = conditionError("upload", failure, conditions);
    assert.equal((error as InfrastructureError | undefined)?.code, code, failure.message);
    if (error) assert.equal((error as InfrastructureError).operation, "StorageProvider.upload");
  }
});
