import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CacheKey } from "../../cache/cache_key.ts";

test("the keys are those of the original", () => {
  assert.equal(CacheKey.benchmark("123"), "benchmark:123");
  assert.equal(CacheKey.leaderboard("bench-456"), "leaderboard:bench-456");
  assert.equal(CacheKey.user("user-789"), "user:user-789");
  assert.equal(CacheKey.session("sess-abc"), "session:sess-abc");
  assert.equal(CacheKey.rateLimit("user1", "api"), "ratelimit:user1:api");
  assert.equal(CacheKey.of("summary", "en", "123"), "summary:en:123");
});

const BREAKING = [
  ..."*?[]\\: \t\r\n",
  "\0",
  "\u001b",
  "\u007f",
  "\u0085",
  "\u00a0",
  "\u2028",
  "\ufeff",
  "\ud800",
  "\udfff",
];

test("a part that could break out of its place is refused by its name", () => {
  for (const part of ["", ...BREAKING.map((text) => `a${text}b`), "x".repeat(513)]) {
    assert.throws(() => CacheKey.benchmark(part), { code: "invalid_input", field: "benchmarkId" });
    assert.throws(() => CacheKey.leaderboard(part), { field: "benchmarkId" });
    assert.throws(() => CacheKey.user(part), { field: "userId" });
    assert.throws(() => CacheKey.session(part), { field: "sessionId" });
    assert.throws(() => CacheKey.rateLimit(part, "api"), { field: "subject" });
    assert.throws(() => CacheKey.rateLimit("user1", part), { field: "action" });
    assert.throws(() => CacheKey.of(part, "a"), { field: "family" });
    assert.throws(() => CacheKey.of("summary", "a", part), { field: "parts[1]" });
  }
});

test("parts that fit one by one and not together are refused as a key", () => {
  const half = "x".repeat(300);
  assert.throws(() => CacheKey.rateLimit(half, half), { field: "key" });
});

test("what is refused does not show in the error", () => {
  assert.throws(() => CacheKey.session("s3cr3t*"), (error: Error) => {
    assert.doesNotMatch(String(error.stack).split("\n")[0] ?? "", /s3cr3t/);
    return true;
  });
});

test("different parts never give the same key, whatever they hold", () => {
  const part = fc.string({ unit: "binary", maxLength: 20 });
  const parts = fc.array(part, { minLength: 1, maxLength: 4 });
  const build = ([family = "", ...rest]: string[]): string | undefined => {
    try {
      return CacheKey.of(family, ...rest);
    } catch {
      return undefined;
    }
  };
  fc.assert(fc.property(parts, (parts) => {
    const key = build(parts);
    if (key !== undefined) assert.deepEqual(key.split(":"), parts);
  }));
});
