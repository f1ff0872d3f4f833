import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { Invalidation } from "../../cache/invalidations.ts";
import { TieredCacheProvider } from "../../cache/tiered.ts";
import { CacheError, ValidationError } from "../../core/errors.ts";
import { dropObserver } from "../conformance/cache/harness.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { FakeTieredStore } from "../support/fake_tiered_store.ts";
import { until } from "../support/until.ts";

interface Tier {
  readonly clock: ManualClock;
  readonly store: FakeTieredStore;
  readonly cache: TieredCacheProvider;
  readonly counts: string[];
}

async function open(limits: { maxBytes?: number; ttlMs?: number } = {}): Promise<Tier> {
  const clock = new ManualClock();
  const store = new FakeTieredStore(clock);
  const counts: string[] = [];
  const observer = { ...dropObserver([]), count: (name: string) => void counts.push(name) };
  const cache = await TieredCacheProvider.connect({ store, clock, observer, ...limits });
  return { clock, store, cache, counts };
}

const key = (...keys: string[]): Invalidation => ({ kind: "key", keys });

test("a hit in memory is the same frozen object, and does not ask the store", async () => {
  const { store, cache } = await open();
  await store.set("k", { list: [1] });
  const first = await cache.get("k");
  store.failure = new Error("the store is not asked");
  assert.equal(await cache.get("k"), first);
  assert.equal(await cache.getOrSet<unknown>("k", () => 1), first);
  assert.deepEqual(await cache.mget(["k"]), [first]);
  assert.ok(Object.isFrozen(first));
  assert.deepEqual([store.reads, store.calls], [["k"], []]);
});

test("bytes are a copy for each caller", async () => {
  const { store, cache } = await open();
  await store.set("k", new Uint8Array([1]));
  for (let i = 0; i < 3; i++) {
    const bytes = await cache.get<Uint8Array>("k");
    assert.deepEqual(bytes, new Uint8Array([1]));
    bytes?.fill(9);
  }
});

test("when every message is lost, a change is seen after ttlMs at most, by default 30 s", async () => {
  for (const ttlMs of [undefined, 500]) {
    const { clock, store, cache } = await open(ttlMs === undefined ? {} : { ttlMs });
    store.invalidations.delivers = false;
    const other = await TieredCacheProvider.connect({ store, clock });
    await other.set("k", "old", { tags: ["t"] });
    assert.equal(await cache.get("k"), "old");
    await other.set("k", "new");
    clock.advance((ttlMs ?? 30_000) - 1);
    assert.equal(await cache.get("k"), "old");
    clock.advance(1);
    assert.equal(await cache.get("k"), "new");
  }
});

test("a value in memory expires when it does in the store", async () => {
  const { clock, store, cache } = await open();
  await store.set("k", 1, { ttlMs: 100 });
  clock.advance(40);
  assert.equal(await cache.get("k"), 1);
  clock.advance(59);
  assert.equal(await cache.get("k"), 1);
  clock.advance(1);
  assert.equal(await cache.get("k"), undefined);
});

test("mget takes from memory what is there, and asks the store once for the rest", async () => {
  const { store, cache } = await open();
  await store.mset([["a", 1], ["b", 2], ["c", 3]]);
  await cache.get("b");
  assert.deepEqual(await cache.mget(["c", "b", "none", "a", "b", "c"]), [3, 2, undefined, 1, 2, 3]);
  assert.deepEqual(store.calls, ["mget c none a c"]);
  await cache.mget(["a"]);
  assert.equal(store.calls.length, 2, "mget does not fill memory");
});

test("getOrSet fills memory with what the store has, and loads what it does not have through the store", async () => {
  const { store, cache } = await open();
  await store.set("there", "value");
  const unused = (): never => assert.fail("the store has it");
  for (let i = 0; i < 2; i++) assert.equal(await cache.getOrSet("there", unused), "value");
  assert.deepEqual(store.reads, ["there"]);
  assert.equal(await cache.getOrSet("new", () => "loaded"), "loaded");
  assert.deepEqual(store.calls, ["getOrSet new"]);
  for (let i = 0; i < 2; i++) assert.equal(await cache.getOrSet("new", unused), "loaded");
  assert.deepEqual(store.reads, ["there", "new", "new"]);
});

test("with earlyRefresh the store decides about what is not in memory", async () => {
  const { store, cache } = await open();
  const options = { ttlMs: 60_000, earlyRefresh: 1 };
  for (let i = 0; i < 2; i++) await cache.getOrSet("k", () => 1, options);
  assert.deepEqual([store.calls, store.reads], [["getOrSet k", "getOrSet k"], []]);
  await cache.get("k");
  await cache.getOrSet("k", () => 1, options);
  assert.equal(store.calls.length, 2);
});

test("the time that the read took is not given to the load again", async () => {
  const { clock, store, cache } = await open();
  const release = store.hold();
  const loading = cache.getOrSet("k", () => 1, { timeoutMs: 1_000 });
  await until("the store is asked", () => store.reads.length === 1);
  clock.advance(200);
  release();
  await loading;
  assert.equal(store.lastLoad?.timeoutMs, 800);
});

test("a value that does not fit the schema is a miss: the store removes and reports it, once", async () => {
  const dropped: string[] = [];
  const clock = new ManualClock();
  const observer = dropObserver(dropped);
  const store = new FakeTieredStore(clock, observer);
  const cache = await TieredCacheProvider.connect({ store, clock, observer });
  await store.set("k", "text");
  assert.equal(await cache.get("k"), "text");
  assert.equal(await cache.get("k", { schema: z.number() }), undefined);
  assert.equal(await store.exists("k"), false);
  assert.equal(await cache.get("k"), undefined);
  assert.deepEqual(dropped, ["schema_mismatch"]);
});

test("memory keeps what was stored, not what a schema made of it", async () => {
  const { store, cache } = await open();
  await store.set("k", "5");
  const schema = z.string().transform(Number);
  for (let i = 0; i < 2; i++) assert.equal(await cache.get("k", { schema }), 5);
  assert.deepEqual(await cache.mget(["k"], { schema }), [5]);
  assert.equal(await cache.getOrSet("k", () => 1, { schema }), 5);
  assert.equal(await cache.get("k"), "5");
  assert.deepEqual(store.reads, ["k"]);
});

test("every change is published once it has happened, and what changes nothing is not", async () => {
  const { store, cache } = await open();
  await cache.set("a", 1, { tags: ["t"] });
  await cache.mset([["b", 1], ["c", 1]]);
  await cache.setNx("d", 1);
  await cache.setNx("d", 2);
  await cache.increment("n");
  await cache.expire("d", 100);
  await cache.expire("missing", 100);
  await cache.delete("missing");
  await cache.deletePattern("none:*");
  await cache.invalidateTag("t");
  await cache.get("a");
  await cache.close();
  const keys = store.invalidations.published.flatMap((one) => one.kind === "key" ? one.keys : []);
  assert.deepEqual(keys, ["a", "b", "c", "d", "n", "d", "missing"]);
  assert.deepEqual(store.invalidations.published.filter(({ kind }) => kind !== "key"), [
    { kind: "pattern", pattern: "none:*" },
    { kind: "tag", tag: "t" },
  ]);
});

test("a change that failed may have happened: it is published; a refused one is not", async () => {
  const { store, cache } = await open();
  await store.set("k", "old");
  await cache.get("k");
  store.failure = new CacheError("Cannot finish: timeout", { code: "timeout", operation: "set" });
  await assert.rejects(cache.set("k", "new"), { code: "timeout" });
  store.failure = undefined;
  assert.equal(await cache.get("k"), "new");
  await assert.rejects(cache.set("k", NaN), ValidationError);
  await assert.rejects(cache.delete("a b"), ValidationError);
  await cache.close();
  assert.deepEqual(store.invalidations.published, [key("k")]);
});

test("a change whose message cannot be sent succeeds, and the message is sent later", async () => {
  const { clock, store, cache, counts } = await open();
  const other = await TieredCacheProvider.connect({ store, clock });
  await store.set("k", "old");
  assert.equal(await other.get("k"), "old");
  store.invalidations.isDown = true;
  await cache.set("k", "new");
  await until("the attempt has failed", () => counts.includes("cache.invalidation_delayed"));
  assert.equal(await cache.get("k"), "new");
  assert.equal(await other.get("k"), "old");
  assert.equal((await cache.health()).waiting, 1);
  store.invalidations.isDown = false;
  clock.advance(1_000);
  await until("the other one sees it", async () => await other.get("k") === "new");
  assert.equal((await cache.health()).waiting, 0);
});

test("without the store, memory serves what it has until that expires", async () => {
  const { clock, store, cache } = await open();
  await store.mset([["k", 1], ["other", 2]]);
  await cache.get("k");
  store.failure = new Error("down");
  clock.advance(29_999);
  assert.equal(await cache.get("k"), 1);
  assert.equal(await cache.get("other"), undefined);
  clock.advance(1);
  assert.equal(await cache.get("k"), undefined);
});

test("ten times its limit stays within the limit", async () => {
  const maxBytes = 100_000;
  const { store, cache } = await open({ maxBytes });
  for (let i = 0; i < 3_000; i++) {
    await store.set(`k:${i}`, "x".repeat(100));
    await cache.get(`k:${i}`);
    const { bytes } = await cache.health();
    assert.ok(Number(bytes) <= maxBytes, `it takes ${bytes}`);
  }
  assert.ok(Number((await cache.health()).entries) > 100);
});

test("rate limits are those of the store", async () => {
  const { store, cache } = await open();
  const limit = { limit: 2, windowMs: 60_000 };
  assert.equal((await cache.checkRateLimit("k", limit)).remaining, 1);
  assert.equal((await store.checkRateLimit("k", limit)).remaining, 0);
  assert.equal((await cache.checkRateLimit("k", limit)).allowed, false);
});

test("a gap is counted", async () => {
  const { store, counts } = await open();
  store.invalidations.gap();
  assert.deepEqual(counts, ["cache.memory_dropped"]);
});
