import assert from "node:assert/strict";
import { test } from "node:test";
import type { CacheProvider } from "../../cache/cache.ts";
import type { Invalidation } from "../../cache/invalidations.ts";
import { TieredCacheProvider } from "../../cache/tiered.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { FakeTieredStore } from "../support/fake_tiered_store.ts";

const OLD = { tags: ["t"], ttlMs: 60_000 };

/** A tier in front of a store that holds `k:1`. */
async function open(value: unknown = "old"): Promise<{
  store: FakeTieredStore;
  cache: TieredCacheProvider;
}> {
  const clock = new ManualClock();
  const store = new FakeTieredStore(clock);
  await store.set("k:1", value, OLD);
  return { store, cache: await TieredCacheProvider.connect({ store, clock }) };
}

/** Starts a read, and waits until the store has looked. */
async function startRead(
  { store, cache }: { store: FakeTieredStore; cache: CacheProvider },
): Promise<{ value: Promise<unknown>; release: () => void }> {
  const release = store.hold();
  const value = cache.get("k:1");
  while (store.reads.length === 0) await Promise.resolve();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  return { value, release };
}

const OWN_CHANGES: [what: string, change: (cache: CacheProvider) => Promise<unknown>, unknown][] = [
  ["set", (cache) => cache.set("k:1", "new"), "new"],
  ["mset", (cache) => cache.mset([["k:0", 0], ["k:1", "new"]]), "new"],
  ["delete", (cache) => cache.delete("k:1"), undefined],
  ["deletePattern", (cache) => cache.deletePattern("k:*"), undefined],
  ["invalidateTag", (cache) => cache.invalidateTag("t"), undefined],
];

for (const [what, change, left] of OWN_CHANGES) {
  test(`an own ${what} while the key is read keeps the old value out of memory`, async () => {
    const tier = await open();
    // Without messages, so that it is the change itself that does it.
    tier.store.invalidations.delivers = false;
    const read = await startRead(tier);
    await change(tier.cache);
    read.release();
    assert.equal(await read.value, "old");
    assert.equal(await tier.cache.get("k:1"), left);
    await tier.cache.close();
  });

  test(`after an own ${what} memory does not have the old value`, async () => {
    const tier = await open();
    tier.store.invalidations.delivers = false;
    assert.equal(await tier.cache.get("k:1"), "old");
    await change(tier.cache);
    assert.equal(await tier.cache.get("k:1"), left);
    await tier.cache.close();
  });
}

test("an own increment, expire or setNx drops the old value, too", async () => {
  const { store, cache } = await open();
  store.invalidations.delivers = false;
  await store.set("n", 1);
  assert.equal(await cache.get("n"), 1);
  await cache.increment("n", 2);
  assert.equal(await cache.get("n"), 3);
  assert.equal(await cache.get("k:1"), "old");
  assert.equal(await cache.expire("k:1", 50), true);
  assert.equal(await cache.get("k:1"), "old");
  assert.deepEqual(store.reads, ["n", "n", "k:1", "k:1"]);
  // The store has lost it, but memory has not.
  await store.delete("k:1");
  assert.equal(await cache.setNx("k:1", "new"), true);
  assert.equal(await cache.get("k:1"), "new");
  await cache.close();
});

const MESSAGES: Invalidation[] = [
  { kind: "key", keys: ["k:0", "k:1"] },
  { kind: "pattern", pattern: "k:*" },
  { kind: "tag", tag: "t" },
];

for (const message of MESSAGES) {
  test(`a message about the ${message.kind} while the key is read keeps the old value out of memory`, async () => {
    const tier = await open();
    const read = await startRead(tier);
    await tier.store.set("k:1", "new", OLD);
    tier.store.invalidations.tell(message);
    read.release();
    assert.equal(await read.value, "old");
    assert.equal(await tier.cache.get("k:1"), "new");
    await tier.cache.close();
  });

  test(`a message about the ${message.kind} that comes before the read is harmless`, async () => {
    const tier = await open();
    tier.store.invalidations.tell(message);
    await tier.cache.get("k:1");
    await tier.cache.get("k:1");
    assert.deepEqual(tier.store.reads, ["k:1"]);
    await tier.cache.close();
  });

  test(`a message about the ${message.kind} after the read drops the value`, async () => {
    const tier = await open();
    await tier.cache.get("k:1");
    await tier.store.set("k:1", "new", OLD);
    assert.equal(await tier.cache.get("k:1"), "old");
    tier.store.invalidations.tell(message);
    assert.equal(await tier.cache.get("k:1"), "new");
    await tier.cache.close();
  });
}

test("a gap drops all memory, and keeps out what is being read", async () => {
  const tier = await open();
  await tier.store.set("other", "old");
  assert.equal(await tier.cache.get("other"), "old");
  tier.store.reads.length = 0;
  const read = await startRead(tier);
  await tier.store.mset([["k:1", "new"], ["other", "new"]]);
  tier.store.invalidations.gap();
  read.release();
  assert.equal(await read.value, "old");
  assert.equal(await tier.cache.get("k:1"), "new");
  assert.equal(await tier.cache.get("other"), "new");
  await tier.cache.close();
});

test("a change of another key lets the value be kept", async () => {
  const tier = await open();
  const read = await startRead(tier);
  await tier.cache.set("other", 1);
  tier.store.invalidations.tell({ kind: "pattern", pattern: "other:*" });
  read.release();
  await read.value;
  assert.equal(await tier.cache.get("k:1"), "old");
  assert.deepEqual(tier.store.reads, ["k:1"]);
  await tier.cache.close();
});

test("a getOrSet that is overtaken keeps nothing in memory either", async () => {
  const { store, cache } = await open();
  store.invalidations.delivers = false;
  const release = store.hold();
  const reading = cache.getOrSet("k:1", () => assert.fail("the store has it"));
  while (store.reads.length === 0) await Promise.resolve();
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  await cache.set("k:1", "new");
  release();
  assert.equal(await reading, "old");
  assert.equal(await cache.getOrSet("k:1", () => assert.fail("the store has it")), "new");
  await cache.close();
});

test("a read that ends after close keeps nothing", async () => {
  const tier = await open();
  const read = await startRead(tier);
  await tier.cache.close();
  read.release();
  assert.equal(await read.value, "old");
  await assert.rejects(tier.cache.get("k:1"), { code: "closed" });
});
