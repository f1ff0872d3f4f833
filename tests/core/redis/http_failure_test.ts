import assert from "node:assert/strict";
import { test } from "node:test";
import { CACHE_AREA } from "../../../cache/adapters/redis/cache_area.ts";
import { malformedFailure, statusFailure, toHttpError } from "../../../core/redis/http_failure.ts";
import { ErrorReply } from "../../../core/redis/redis_error.ts";

const WRITE = { operation: "set", mayHaveRun: true };
const READ = { operation: "get", mayHaveRun: false };

const STATUSES: [status: number, code: string, retryable: boolean, outcome: string][] = [
  [302, "internal", false, "not-applied"],
  [400, "internal", false, "not-applied"],
  [401, "unauthenticated", false, "not-applied"],
  [403, "permission_denied", false, "not-applied"],
  [404, "internal", false, "not-applied"],
  [408, "unavailable", true, "unknown"],
  [429, "overloaded", true, "not-applied"],
  [500, "unavailable", true, "unknown"],
  [503, "unavailable", true, "unknown"],
];

for (const [status, code, retryable, outcome] of STATUSES) {
  test(`status ${status} is ${code}, and the outcome of a write ${outcome}`, () => {
    const error = toHttpError(CACHE_AREA, statusFailure(status), WRITE);
    const message = `Cannot finish set: the server answered with status ${status}`;
    assert.deepEqual(
      [error.name, error.message, error.code, error.retryable, error.outcome],
      ["CacheError", message, code, retryable, outcome],
    );
  });
}

test("a read changes nothing, whatever was answered", () => {
  for (const failure of [statusFailure(500), malformedFailure("is not JSON"), new TypeError()]) {
    assert.equal(toHttpError(CACHE_AREA, failure, READ).outcome, "not-applied");
  }
});

test("an answer that cannot be understood is from no server, and leaves the outcome unknown", () => {
  const error = toHttpError(CACHE_AREA, malformedFailure("is not JSON"), WRITE);
  assert.equal(error.message, "Cannot finish set: the answer is not JSON");
  assert.deepEqual([error.code, error.outcome], ["unavailable", "unknown"]);
});

test("a request that broke is told by the code of the system, and shows nothing else", () => {
  const cause = Object.assign(new Error("Bearer s3cr3t"), { code: "ECONNRESET" });
  const error = toHttpError(CACHE_AREA, new TypeError("https://s3cr3t", { cause }), WRITE);
  assert.equal(error.message, "Cannot finish set: the connection failed with ECONNRESET");
  assert.deepEqual([error.code, error.outcome, error.cause], ["unavailable", "unknown", undefined]);
});

test("an error reply is told by its code, and changed nothing", () => {
  const error = toHttpError(CACHE_AREA, new ErrorReply("WRONGTYPE secret"), WRITE);
  assert.equal(error.message, "Cannot finish set: the server replied WRONGTYPE");
  assert.deepEqual([error.code, error.outcome], ["conflict", "not-applied"]);
});
