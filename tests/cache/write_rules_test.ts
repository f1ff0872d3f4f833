import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLoad, checkTags, checkWrite, MAX_TAGS } from "../../cache/write_rules.ts";

test("without options a value lives for ever or for the default, without tags", () => {
  assert.deepEqual(checkWrite(undefined), { ttlMs: Infinity, tags: [] });
  assert.deepEqual(checkWrite({}, 50), { ttlMs: 50, tags: [] });
  assert.deepEqual(checkWrite({ ttlMs: 5 }, 50), { ttlMs: 5, tags: [] });
});

test("jitter takes off up to its share, never all", () => {
  const jittered = (ttlJitter: number, random: number, ttlMs = 1_000): number =>
    checkWrite({ ttlMs, ttlJitter }, undefined, () => random).ttlMs;
  assert.equal(jittered(0.2, 0), 1_000);
  assert.equal(jittered(0.2, 0.5), 900);
  assert.equal(jittered(0.2, 0.999999), 800);
  assert.equal(jittered(1, 0.999999), 1);
  assert.equal(checkWrite({ ttlJitter: 0.5 }).ttlMs, Infinity);
});

test("each tag counts once", () => {
  assert.deepEqual(checkTags(["a", "b", "a"]), ["a", "b"]);
  assert.equal(checkTags(Array.from({ length: MAX_TAGS }, (_, i) => `t${i}`)).length, MAX_TAGS);
  assert.throws(() => checkTags(new Set(["a"])), { field: "tags" });
});

test("a load without options is never stale, early or negative", () => {
  assert.deepEqual(checkLoad(undefined), {
    ttlMs: Infinity,
    tags: [],
    staleMs: 0,
    earlyRefresh: 0,
    negativeTtlMs: undefined,
  });
});

test("staleMs may rely on the default TTL", () => {
  assert.equal(checkLoad({ staleMs: 5 }, 50).staleMs, 5);
  assert.throws(() => checkLoad({ staleMs: 5 }), { code: "invalid_input", field: "staleMs" });
});
