import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import {
  isElsewhere,
  isUnavailable,
  replyCode,
  toRedisError,
} from "../../../core/redis/redis_error.ts";
import { CACHE_AREA } from "../../../cache/adapters/redis/cache_area.ts";
import { CacheError } from "../../../core/errors.ts";

/** As the package `redis` names its error replies. */
class SimpleError extends Error {}

const command = { operation: "CacheProvider.set", mayHaveRun: true };

const REPLIES: [text: string, code: string, retryable: boolean][] = [
  ["OOM command not allowed", "resource_exhausted", false],
  ["WRONGTYPE Operation against a key", "conflict", false],
  ["WRONGPASS invalid username-password pair", "unauthenticated", false],
  ["NOAUTH Authentication required.", "unauthenticated", false],
  ["NOPERM this user has no permissions", "permission_denied", false],
  ["READONLY You can't write against a read only replica.", "unavailable", true],
  ["LOADING Redis is loading the dataset in memory", "unavailable", true],
  ["CLUSTERDOWN The cluster is down", "unavailable", true],
  ["MISCONF Redis is configured to save", "unavailable", true],
  ["ERR syntax error", "internal", false],
  ["something without a code", "internal", false],
];

for (const [text, code, retryable] of REPLIES) {
  test(`the reply ${text} is ${code}, and changed nothing`, () => {
    const error = toRedisError(CACHE_AREA, new SimpleError(text), command);
    assert.deepEqual([error.code, error.retryable, error.outcome], [
      code,
      retryable,
      "not-applied",
    ]);
    assert.match(error.message, /^Cannot finish CacheProvider\.set: the server replied [A-Z]+$/);
  });
}

test("an error of the connection is unavailable, and its outcome unknown if the command may have run", () => {
  const refused = Object.assign(new Error("redis://u:s3cr3t@h"), { code: "ECONNREFUSED" });
  const error = toRedisError(CACHE_AREA, refused, command);
  assert.deepEqual([error.code, error.retryable, error.outcome], ["unavailable", true, "unknown"]);
  assert.match(error.message, /with ECONNREFUSED$/);
  assert.equal(inspect(error, { depth: 10, showHidden: true }).includes("s3cr3t"), false);
  assert.equal(
    toRedisError(CACHE_AREA, refused, { ...command, mayHaveRun: false }).outcome,
    "not-applied",
  );
});

test("a code that is no code is not shown", () => {
  const odd = Object.assign(new Error("x"), { code: "s3cr3t\n" });
  assert.equal(toRedisError(CACHE_AREA, odd, command).message.includes("s3cr3t"), false);
});

test("an error of the cache stays as it is, and its reply is known", () => {
  const error = toRedisError(CACHE_AREA, new SimpleError("NOSCRIPT No matching script"), command);
  assert.equal(toRedisError(CACHE_AREA, error, { operation: "other", mayHaveRun: true }), error);
  assert.equal(replyCode(error), "NOSCRIPT");
  assert.equal(replyCode(new Error("OOM it says")), undefined);
  assert.equal(replyCode(null), undefined);
});

test("replies of a server with another role lead to another connection", () => {
  assert.equal(isElsewhere(new SimpleError("READONLY no")), true);
  assert.equal(isElsewhere(new SimpleError("OOM no")), false);
  assert.equal(isElsewhere(new Error("READONLY no")), false);
});

test("the server could not be asked: unavailable, timeout, overloaded, unauthenticated", () => {
  for (const code of ["unavailable", "timeout", "overloaded", "unauthenticated"] as const) {
    assert.equal(isUnavailable(new CacheError("no", { code, operation: "get" })), true);
  }
  for (const code of ["aborted", "closed", "conflict", "resource_exhausted"] as const) {
    assert.equal(isUnavailable(new CacheError("no", { code, operation: "get" })), false);
  }
  assert.equal(isUnavailable(new Error("no")), false);
});
