import assert from "node:assert/strict";
import { type CacheTest, rejects } from "./harness.ts";

/** Reading through the cache, one caller at a time. */
export function testGetOrSet(test: CacheTest): void {
  testHitsAndMisses(test);
  testRefusedLoads(test);
}

function testHitsAndMisses(test: CacheTest): void {
  test("getOrSet returns the value without loading, or loads and writes it", async ({ cache }) => {
    await cache.set("hit", "stored");
    const never = (): string => assert.fail("the loader must not run");
    assert.equal(await cache.getOrSet("hit", never), "stored");
    assert.equal(await cache.getOrSet("miss", () => Promise.resolve("loaded")), "loaded");
    assert.equal(await cache.getOrSet("miss", never), "loaded");
  });

  test("a loaded value is handed out as a later get returns it", async ({ cache }) => {
    const loaded = { at: new Date(0), list: [1] };
    const first = await cache.getOrSet<unknown>("k", () => loaded);
    loaded.list.push(2);
    assert.deepEqual(first, { at: "1970-01-01T00:00:00.000Z", list: [1] });
    assert.deepEqual(await cache.get("k"), first);
  });

  test("loaded bytes are a copy for every caller", async ({ cache }) => {
    const loader = (): Uint8Array => new Uint8Array([1]);
    const [one, two] = await Promise.all([
      cache.getOrSet("k", loader),
      cache.getOrSet("k", loader),
    ]);
    one[0] = 2;
    assert.deepEqual(two, new Uint8Array([1]));
    assert.deepEqual(await cache.get("k"), new Uint8Array([1]));
  });

  test("a loaded undefined is returned and never written, null is a value", async ({ cache }) => {
    let loads = 0;
    const schema = { parse: (value: unknown) => value as undefined };
    const nothing = (): undefined => void loads++;
    assert.equal(await cache.getOrSet("undefined", nothing), undefined);
    assert.equal(await cache.getOrSet("undefined", nothing, { schema }), undefined);
    assert.equal(loads, 2);
    assert.equal(await cache.exists("undefined"), false);
    assert.equal(await cache.getOrSet("null", () => null), null);
    assert.equal(await cache.getOrSet<unknown>("null", () => "again"), null);
  });
}

function testRefusedLoads(test: CacheTest): void {
  test("what the loader throws reaches all callers as it is, and nothing is written", async ({ cache }) => {
    const failure = new Error("the database is down");
    const settled = await Promise.allSettled([
      cache.getOrSet("k", () => Promise.reject(failure)),
      cache.getOrSet("k", () => Promise.reject(failure)),
      cache.getOrSet("sync", () => {
        throw failure;
      }),
    ]);
    for (const result of settled) {
      assert.equal(result.status, "rejected");
      assert.equal((result as PromiseRejectedResult).reason, failure);
    }
    assert.equal(await cache.exists("k"), false);
    assert.equal(await cache.getOrSet("k", () => "recovered"), "recovered");
  });

  test("a loaded value that the cache refuses rejects, and nothing is written", async ({ cache }) => {
    await rejects(cache.getOrSet("k", () => ({ score: NaN })), "invalid_input", "loaded.score");
    assert.equal(await cache.exists("k"), false);
  });
}
