import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../../core/errors.ts";
import {
  asFailure,
  type FailureDetails,
  networkFailure,
  S3Failure,
} from "../../../storage/adapters/s3/failure.ts";

type Verdict = "transient" | "throttling" | "refusal";

/** What the server answered, what it is called, and what else is true of it; throttling is transient, too. */
const ANSWERS: readonly [number, string, ErrorCode, readonly Verdict[]][] = [
  [301, "PermanentRedirect", "configuration_invalid", ["refusal"]],
  [307, "TemporaryRedirect", "configuration_invalid", ["refusal"]],
  [400, "InvalidArgument", "internal", ["refusal"]],
  [400, "AuthorizationHeaderMalformed", "configuration_invalid", ["refusal"]],
  [400, "EntityTooLarge", "resource_exhausted", ["refusal"]],
  [400, "ExpiredToken", "unauthenticated", ["refusal"]],
  [400, "InvalidToken", "unauthenticated", ["refusal"]],
  [400, "RequestTimeout", "unavailable", ["transient", "refusal"]],
  [400, "BadDigest", "internal", ["transient", "refusal"]],
  [400, "XAmzContentSHA256Mismatch", "internal", ["transient", "refusal"]],
  [400, "IncompleteBody", "internal", ["transient", "refusal"]],
  [401, "", "unauthenticated", ["refusal"]],
  [403, "AccessDenied", "permission_denied", ["refusal"]],
  [403, "SignatureDoesNotMatch", "unauthenticated", ["refusal"]],
  [403, "InvalidAccessKeyId", "unauthenticated", ["refusal"]],
  [403, "RequestTimeTooSkewed", "unauthenticated", ["transient", "refusal"]],
  [403, "QuotaExceeded", "resource_exhausted", ["refusal"]],
  [404, "NoSuchKey", "not_found", ["refusal"]],
  [408, "", "unavailable", ["transient"]],
  [409, "BucketAlreadyExists", "already_exists", ["refusal"]],
  [409, "BucketNotEmpty", "conflict", ["refusal"]],
  [409, "OperationAborted", "conflict", ["transient", "refusal"]],
  [409, "ConditionalRequestConflict", "conflict", ["transient", "refusal"]],
  [409, "ConcurrentModification", "conflict", ["transient", "refusal"]],
  [412, "PreconditionFailed", "conflict", ["refusal"]],
  [418, "", "internal", ["refusal"]],
  [429, "", "overloaded", ["transient", "throttling", "refusal"]],
  [400, "RequestLimitExceeded", "overloaded", ["transient", "throttling", "refusal"]],
  [400, "Throttling", "overloaded", ["transient", "throttling", "refusal"]],
  [400, "TooManyRequests", "overloaded", ["transient", "throttling", "refusal"]],
  [500, "InternalError", "unavailable", ["transient"]],
  [500, "SlowDown", "overloaded", ["transient", "throttling"]],
  [501, "NotImplemented", "unsupported", ["refusal"]],
  [502, "", "unavailable", ["transient"]],
  [503, "", "overloaded", ["transient", "throttling"]],
  [507, "", "resource_exhausted", ["refusal"]],
  [507, "XMinioStorageFull", "resource_exhausted", ["refusal"]],
];

/** What the system says, and whether the request was certainly not sent; all can succeed in a moment. */
const SYSTEM: readonly [string, boolean][] = [
  ["ECONNREFUSED", true],
  ["ENOTFOUND", true],
  ["EAI_AGAIN", true],
  ["EHOSTUNREACH", true],
  ["ECONNRESET", false],
  ["EPIPE", false],
  ["ETIMEDOUT", false],
  ["", false],
];

function verdicts(failure: S3Failure): readonly Verdict[] {
  const all: readonly [Verdict, boolean][] = [
    ["transient", failure.isTransient],
    ["throttling", failure.isThrottling],
    ["refusal", failure.isRefusal],
  ];
  return all.filter(([, holds]) => holds).map(([verdict]) => verdict);
}

test("an answer has a code, and tells whether to repeat it and whether it had an effect", () => {
  for (const [status, name, code, expected] of ANSWERS) {
    const failure = new S3Failure({ status, name });
    assert.equal(failure.code, code, failure.message);
    assert.deepEqual(verdicts(failure), expected, failure.message);
    assert.equal(failure.message, `the server answered ${status} ${name}`.trim());
  }
});

test("a connection that fails is worth another attempt, and says whether anything was sent", () => {
  for (const [name, neverSent] of SYSTEM) {
    const failure = new S3Failure({ name, why: "the connection failed" });
    assert.equal(failure.code, "unavailable", name);
    assert.deepEqual(verdicts(failure), neverSent ? ["transient", "refusal"] : ["transient"], name);
  }
});

test("a failure keeps what the server asks for, and has it nowhere else", () => {
  const failure = new S3Failure({ status: 503, retryAfterMs: 5, serverMs: 7 });
  assert.deepEqual([failure.retryAfterMs, failure.serverMs], [5, 7]);
  const plain = new S3Failure({ status: 500 });
  assert.deepEqual([plain.retryAfterMs, plain.serverMs, plain.reason], [0, undefined, ""]);
  assert.equal(plain.mayHaveWorked, false);
});

test("a name that could break a line or fill it is not shown", () => {
  const names = ["a\nb", "a b", "<b>", "secret=1", "\u001b[31m", "é", "x".repeat(101)];
  const shown: readonly [FailureDetails, string][] = [
    [{ status: 400 }, "the server answered 400"],
    [{ why: "it broke" }, "it broke"],
  ];
  for (const name of names) {
    for (const [details, message] of shown) {
      const failure = new S3Failure({ ...details, name });
      assert.deepEqual([failure.message, failure.reason], [message, ""], name);
    }
  }
});

test("networkFailure() keeps the code of the system, however deep it is, and no text", () => {
  const url = "http://key:s3cr3t@host/?X-Amz-Signature=s3cr3t";
  const system = Object.assign(new Error(url), { code: "ECONNRESET" });
  for (const error of [system, new TypeError(url, { cause: new Error(url, { cause: system }) })]) {
    const failure = networkFailure(error);
    assert.equal(failure.message, "the connection failed (ECONNRESET)");
    assert.deepEqual([failure.status, failure.cause], [undefined, undefined]);
    assert.ok(!`${failure.stack}`.includes("s3cr3t"));
  }
  const hostile = Object.assign(new Error(), { code: url });
  // The code of a DOMException is a number.
  for (const error of [new TypeError(url), new DOMException(url), hostile, url, undefined]) {
    assert.equal(networkFailure(error).message, "the connection failed");
  }
});

test("asFailure() knows failures, and nothing else", () => {
  const failure = new S3Failure({ status: 500 });
  assert.equal(asFailure(failure), failure);
  for (const other of [new Error(), { status: 500 }, undefined, "S3Failure"]) {
    assert.equal(asFailure(other), undefined);
  }
});

test("a failure says where the bucket is, if that is what is wrong and the server says so", () => {
  const failure = (status: number, region: string): string =>
    new S3Failure({ status, region }).message;
  assert.equal(failure(301, "eu-west-1"), "the server answered 301; the bucket is in eu-west-1");
  assert.equal(failure(503, "eu-west-1"), "the server answered 503");
  assert.equal(failure(301, "eu west\n"), "the server answered 301");
});
