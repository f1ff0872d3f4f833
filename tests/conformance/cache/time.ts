import assert from "node:assert/strict";
import { type CacheHarness, type CacheTest, rejects } from "./harness.ts";

/** A slow store may take a while for a call: the times are far apart. */
const TTL_MS = 600;
const SHORTER_MS = 200;
const LONGER_MS = 500;

/** Expiry: `ttlMs`, `ttl` and `expire`. */
export function testTime(test: CacheTest, harness: CacheHarness): void {
  testExpiry(test, harness);
  testTtlAndExpire(test, harness);
  testRefusedTtl(test);
}

function testExpiry(test: CacheTest, harness: CacheHarness): void {
  test("a value is there until ttlMs have passed and gone from then on, however written", async ({ cache }) => {
    const ttl = { ttlMs: TTL_MS };
    await cache.set("set", 1, ttl);
    await cache.mset([["mset", 1]], ttl);
    await cache.setNx("setNx", 1, ttl);
    await cache.increment("increment", 1, ttl);
    await cache.getOrSet("getOrSet", () => 1, ttl);
    const keys = ["set", "mset", "setNx", "increment", "getOrSet"];
    await harness.passTime(SHORTER_MS);
    assert.deepEqual(await cache.mget(keys), [1, 1, 1, 1, 1]);
    await harness.passTime(LONGER_MS);
    assert.deepEqual(await cache.mget(keys), Array(5).fill(undefined));
    assert.equal(await cache.exists("set"), false);
    assert.equal(await cache.delete("mset"), false);
    assert.equal(await cache.setNx("setNx", 2), true);
    assert.equal(await cache.increment("increment"), 1);
    assert.equal(await cache.getOrSet("getOrSet", () => 2), 2);
  });

  test("deletePattern does not count expired keys", async ({ cache }) => {
    await cache.set("a:1", 1, { ttlMs: 50 });
    await cache.set("a:2", 1);
    await harness.passTime(150);
    assert.equal(await cache.deletePattern("a:*"), 1);
  });

  test("set without ttlMs ends an earlier expiry", async ({ cache }) => {
    await cache.set("k", 1, { ttlMs: 50 });
    await cache.set("k", 2);
    await harness.passTime(150);
    assert.equal(await cache.get("k"), 2);
    assert.equal(await cache.ttl("k"), null);
  });
}

function testTtlAndExpire(test: CacheTest, harness: CacheHarness): void {
  test("ttl returns the milliseconds left, null for no expiry, undefined for a missing key", async ({ cache }) => {
    await cache.set("k", 1, { ttlMs: 60_000 });
    await cache.set("forever", 1);
    const left = await cache.ttl("k");
    assert.ok(typeof left === "number" && left > 50_000 && left <= 60_000, `got ${left}`);
    assert.ok(Number.isInteger(left));
    assert.equal(await cache.ttl("forever"), null);
    assert.equal(await cache.ttl("missing"), undefined);
  });

  test("reading does not prolong a value", async ({ cache }) => {
    await cache.set("k", 1, { ttlMs: TTL_MS });
    await harness.passTime(SHORTER_MS);
    assert.equal(await cache.get("k"), 1);
    await harness.passTime(LONGER_MS);
    assert.equal(await cache.get("k"), undefined);
  });

  test("expire lets the key expire ttlMs from now, and returns false for a missing key", async ({ cache }) => {
    assert.equal(await cache.expire("missing", 1_000), false);
    assert.equal(await cache.exists("missing"), false);
    await cache.set("k", "value");
    assert.equal(await cache.expire("k", TTL_MS), true);
    await harness.passTime(SHORTER_MS);
    assert.equal(await cache.get("k"), "value");
    assert.equal(await cache.expire("k", 60_000), true);
    await harness.passTime(LONGER_MS);
    assert.equal(await cache.get("k"), "value");
  });
}

function testRefusedTtl(test: CacheTest): void {
  for (const ttlMs of [0, -1, NaN, Infinity, 0.5, 315_360_000_001, "5" as unknown as number]) {
    test(`ttlMs ${typeof ttlMs} ${ttlMs} is refused, before anything changes`, async ({ cache }) => {
      await cache.set("k", 1);
      const calls = [
        () => cache.set("k", 2, { ttlMs }),
        () => cache.mset([["k", 2]], { ttlMs }),
        () => cache.setNx("new", 2, { ttlMs }),
        () => cache.increment("k", 1, { ttlMs }),
        () => cache.getOrSet("k", () => 2, { ttlMs }),
        () => cache.getOrSet("new", () => assert.fail("the loader must not run"), { ttlMs }),
        () => cache.expire("k", ttlMs),
      ];
      for (const call of calls) await rejects(call(), "invalid_input", "ttlMs");
      assert.deepEqual(await cache.mget(["k", "new"]), [1, undefined]);
      assert.equal(await cache.ttl("k"), null);
    });
  }

  test("the longest ttlMs is 315,360,000,000, and it is kept to the millisecond", async ({ cache }) => {
    const ttlMs = 315_360_000_000;
    await cache.set("set", 1, { ttlMs });
    await cache.set("expire", 1);
    assert.equal(await cache.expire("expire", ttlMs), true);
    for (const key of ["set", "expire"]) {
      const left = await cache.ttl(key);
      assert.ok(typeof left === "number" && left > ttlMs - 60_000 && left <= ttlMs, `got ${left}`);
    }
  });
}
