import assert from "node:assert/strict";
import { type CacheHarness, type CacheTest, rejects } from "./harness.ts";

/** Calls on many keys, and the glob of `deletePattern`. */
export function testManyKeys(test: CacheTest, harness: CacheHarness): void {
  testMany(test);
  testPatterns(test);
  if (harness.capabilities.atomicMany) testAtomicMany(test);
}

function testMany(test: CacheTest): void {
  test("mget returns one value or undefined for each key, in the order of the keys", async ({ cache }) => {
    await cache.mset([["a", 1], ["b", null]]);
    assert.deepEqual(await cache.mget(["b", "missing", "a", "b"]), [null, undefined, 1, null]);
    assert.deepEqual(await cache.mget([]), []);
  });

  test("mset takes a map, and of a duplicated key the last entry counts", async ({ cache }) => {
    await cache.mset(new Map([["a", 1]]), { ttlMs: 60_000 });
    await cache.mset([["b", 1], ["c", 2], ["b", 3]]);
    await cache.mset([]);
    assert.deepEqual(await cache.mget(["a", "b", "c"]), [1, 3, 2]);
    assert.equal(typeof await cache.ttl("a"), "number");
    assert.equal(await cache.ttl("b"), null);
  });

  test("mset with one bad entry writes none", async ({ cache }) => {
    await rejects(cache.mset([["a", 1], ["b*", 2]]), "invalid_input", "entries[1].key");
    await rejects(cache.mset([["a", 1], ["b", { c: NaN }]]), "invalid_input", "entries[1].value.c");
    assert.equal(await cache.exists("a"), false);
  });

  test("more than 10,000 keys or entries are refused", async ({ cache }) => {
    const keys = Array.from({ length: 10_001 }, (_, i) => `k${i}`);
    await rejects(cache.mget(keys), "invalid_input", "keys");
    await rejects(cache.mset(keys.map((key) => [key, 1])), "invalid_input", "entries");
    assert.equal((await cache.mget(keys.slice(1))).length, 10_000);
  });
}

function testPatterns(test: CacheTest): void {
  const keys = ["user:1", "user:12", "user:1:x", "users", "other"];
  const cases: [pattern: string, removed: string[]][] = [
    ["user:*", ["user:1", "user:12", "user:1:x"]],
    ["user:?", ["user:1"]],
    ["user:1?", ["user:12"]],
    ["*:*:*", ["user:1:x"]],
    ["user*", ["user:1", "user:12", "user:1:x", "users"]],
    ["users", ["users"]],
    ["nothing*", []],
    ["*", keys],
  ];
  for (const [pattern, removed] of cases) {
    test(`deletePattern ${pattern} removes what the glob matches and returns how many`, async ({ cache }) => {
      await cache.mset(keys.map((key) => [key, key]));
      assert.equal(await cache.deletePattern(pattern), removed.length);
      const left = keys.map((key) => removed.includes(key) ? undefined : key);
      assert.deepEqual(await cache.mget(keys), left);
    });
  }

  test("in a pattern, ? stands for one character of any width", async ({ cache }) => {
    await cache.mset([["k:é", 1], ["k:😀", 1], ["k:ab", 1]]);
    assert.equal(await cache.deletePattern("k:?"), 2);
    assert.equal(await cache.exists("k:ab"), true);
  });

  test("deletePattern removes thousands of keys", async ({ cache }) => {
    await cache.mset(Array.from({ length: 5_000 }, (_, i) => [`many:${i}`, i]));
    await cache.set("one", 1);
    assert.equal(await cache.deletePattern("many:*"), 5_000);
    assert.equal(await cache.exists("one"), true);
  });
}

function testAtomicMany(test: CacheTest): void {
  test("a call on many keys is one step", async ({ cache }) => {
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    const writes = [1, 2, 3].map((n) => cache.mset(keys.map((key) => [key, n])));
    const reads = [1, 2, 3].map(() => cache.mget<number>(keys));
    for (const values of await Promise.all(reads)) assert.equal(new Set(values).size, 1);
    await Promise.all(writes);
  });
}
