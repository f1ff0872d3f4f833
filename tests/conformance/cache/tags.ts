import assert from "node:assert/strict";
import { type CacheHarness, type CacheTest, gate, missesForEveryCall, rejects } from "./harness.ts";

/** Tags: what `invalidateTag` drops, and what it leaves. */
export function testTags(test: CacheTest, harness: CacheHarness): void {
  testInvalidation(test);
  testOtherCalls(test, harness);
  testTaggedLoads(test, harness);
  testRefusedTags(test);
}

function testInvalidation(test: CacheTest): void {
  test("invalidateTag drops every value that carries the tag, however written, and no other", async ({ cache }) => {
    const tags = ["board", "user:1"];
    await cache.set("set", 1, { tags });
    await cache.mset([["mset:1", 1], ["mset:2", 2]], { tags });
    await cache.setNx("setNx", 1, { tags });
    await cache.getOrSet("getOrSet", () => 1, { tags });
    await cache.set("bytes", new Uint8Array([1]), { tags });
    await cache.set("other", 1, { tags: ["other"] });
    await cache.set("untagged", 1);
    const keys = ["set", "mset:1", "mset:2", "setNx", "getOrSet", "bytes", "other", "untagged"];
    assert.deepEqual(await cache.mget(keys), [1, 1, 2, 1, 1, new Uint8Array([1]), 1, 1]);
    await cache.invalidateTag("board");
    assert.deepEqual(await cache.mget(keys), [...Array(6).fill(undefined), 1, 1]);
    assert.equal(await cache.get("set"), undefined);
    assert.equal(await cache.get("other"), 1);
  });

  test("a value is gone once any one of its tags is invalidated", async ({ cache }) => {
    await cache.set("k", 1, { tags: ["a", "b", "c"] });
    await cache.invalidateTag("nobody");
    assert.equal(await cache.get("k"), 1);
    await cache.invalidateTag("b");
    assert.equal(await cache.get("k"), undefined);
  });

  test("what is written with the tag afterwards is there until the next time", async ({ cache }) => {
    for (const round of [1, 2, 3]) {
      await cache.set("k", round, { tags: ["t"] });
      assert.equal(await cache.get("k"), round);
      await cache.invalidateTag("t");
      assert.equal(await cache.get("k"), undefined);
    }
  });

  test("a value that is written again without the tag does not carry it any more", async ({ cache }) => {
    await cache.set("k", 1, { tags: ["t"] });
    await cache.set("k", 2);
    await cache.invalidateTag("t");
    assert.equal(await cache.get("k"), 2);
  });

  test("tags are apart from keys", async ({ cache }) => {
    await cache.set("t", 1);
    await cache.set("k", 1, { tags: ["t", "__proto__", "*".replace("*", "constructor")] });
    assert.equal(await cache.deletePattern("t*"), 1);
    assert.equal(await cache.get("k"), 1);
    await cache.set("t", 1);
    await cache.invalidateTag("t");
    assert.equal(await cache.get("t"), 1);
    assert.equal(await cache.get("k"), undefined);
  });
}

function testOtherCalls(test: CacheTest, harness: CacheHarness): void {
  test("for every call a value whose tag was invalidated is missing", async ({ cache }) => {
    const keys = ["exists", "ttl", "expire", "delete", "increment", "setNx", "load", "p:1"];
    await cache.mset(keys.map((key) => [key, 1]), { tags: ["t"] });
    await cache.set("p:2", 1);
    await cache.invalidateTag("t");
    await missesForEveryCall(cache);
    assert.equal(await cache.deletePattern("p:*"), 1);
  });

  test("for every call a value with a valid tag is there", async ({ cache }) => {
    const keys = ["exists", "ttl", "expire", "delete", "setNx", "getOrSet", "p:1"];
    await cache.mset(keys.map((key) => [key, 1]), { tags: ["t"], ttlMs: 60_000 });
    assert.equal(await cache.exists("exists"), true);
    const left = await cache.ttl("ttl");
    assert.ok(typeof left === "number" && left > 50_000 && left <= 60_000, `got ${left}`);
    assert.equal(await cache.expire("expire", 1_000_000), true);
    assert.ok(Number(await cache.ttl("expire")) > 900_000);
    assert.equal(await cache.delete("delete"), true);
    assert.equal(await cache.setNx("setNx", 2), false);
    assert.equal(await cache.getOrSet("getOrSet", () => 2), 1);
    assert.equal(await cache.deletePattern("p:*"), 1);
  });

  test("a value with tags is there as long as expire says", async ({ cache }) => {
    await cache.set("k", 1, { tags: ["t"], ttlMs: 500, timeoutMs: 500 });
    assert.equal(await cache.expire("k", 60_000), true);
    await harness.passTime(1_200);
    assert.equal(await cache.get("k"), 1);
    await cache.invalidateTag("t");
    assert.equal(await cache.get("k"), undefined);
  });

  test("a number that carries tags is no counter", async ({ cache }) => {
    await cache.set("n", 5, { tags: ["t"] });
    await rejects(cache.increment("n"), "conflict");
    assert.equal(await cache.get("n"), 5);
  });
}

function testTaggedLoads(test: CacheTest, harness: CacheHarness): void {
  test("a value that was loaded before the invalidation and written after is not there", async ({ cache }) => {
    const [started, release] = [gate(), gate()];
    const waiting = cache.getOrSet("k", async () => {
      started.open();
      await release.opened;
      return "old";
    }, { tags: ["t"] });
    await started.opened;
    await cache.invalidateTag("t");
    release.open();
    assert.equal(await waiting, "old");
    assert.equal(await cache.get("k"), undefined);
    assert.equal(await cache.getOrSet("k", () => "new", { tags: ["t"] }), "new");
    assert.equal(await cache.get("k"), "new");
  });

  test("a caller that comes after the invalidation does not get what was loaded before", async ({ cache }) => {
    const [started, release] = [gate(), gate()];
    const options = { tags: ["t"], ttlMs: 60_000 };
    const first = cache.getOrSet("k", async () => {
      started.open();
      await release.opened;
      return "old";
    }, options);
    await started.opened;
    await cache.invalidateTag("t");
    const second = cache.getOrSet("k", () => "new", options);
    // It has asked the store by the time that this is over.
    assert.equal(await cache.get("k"), undefined);
    release.open();
    assert.deepEqual(await Promise.all([first, second]), ["old", "new"]);
    assert.equal(await cache.get("k"), "new");
  });

  test("a load without the tag goes on for all its callers", async ({ cache }) => {
    await cache.getOrSet("k", () => "tagged", { tags: ["t"] });
    await cache.delete("k");
    const [started, release] = [gate(), gate()];
    const first = cache.getOrSet("k", async () => {
      started.open();
      await release.opened;
      return "first";
    });
    await started.opened;
    await cache.invalidateTag("t");
    const second = cache.getOrSet("k", () => "second");
    assert.equal(await cache.get("k"), undefined);
    release.open();
    assert.deepEqual(await Promise.all([first, second]), ["first", "first"]);
  });

  test("a value whose load took longer than it lives is there afterwards", async ({ cache }) => {
    const loader = async (): Promise<string> => {
      await harness.passTime(1_200);
      return "slow";
    };
    assert.equal(await cache.getOrSet("k", loader, { tags: ["t"], ttlMs: 1_000 }), "slow");
    assert.equal(await cache.get("k"), "slow");
    await cache.invalidateTag("t");
    assert.equal(await cache.get("k"), undefined);
  });
}

function testRefusedTags(test: CacheTest): void {
  const cases: [tags: unknown, field: string][] = [
    ["t", "tags"],
    [["ok", ""], "tags[1]"],
    [["a*"], "tags[0]"],
    [[5], "tags[0]"],
    [Array.from({ length: 65 }, (_, i) => `t${i}`), "tags"],
  ];
  for (const [wrong, field] of cases) {
    test(`tags ${JSON.stringify(wrong).slice(0, 20)} are refused, before anything changes`, async ({ cache }) => {
      const tags = wrong as string[];
      await rejects(cache.set("k", 1, { tags }), "invalid_input", field);
      await rejects(cache.mset([["k", 1]], { tags }), "invalid_input", field);
      await rejects(cache.setNx("k", 1, { tags }), "invalid_input", field);
      await rejects(cache.getOrSet("k", () => 1, { tags }), "invalid_input", field);
      assert.equal(await cache.exists("k"), false);
    });
  }

  test("invalidateTag refuses what is no tag", async ({ cache }) => {
    for (const tag of ["", "a*", "a b", "\ud800", 5, undefined] as string[]) {
      await rejects(cache.invalidateTag(tag), "invalid_input", "tag");
    }
  });
}
