import assert from "node:assert/strict";
import { test } from "node:test";
import { TieredCacheProvider } from "../../cache/tiered.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { FakeTieredStore } from "../support/fake_tiered_store.ts";
import { until } from "../support/until.ts";

async function open(): Promise<{ store: FakeTieredStore; cache: TieredCacheProvider }> {
  const clock = new ManualClock();
  const store = new FakeTieredStore(clock);
  return { store, cache: await TieredCacheProvider.connect({ store, clock }) };
}

test("close ends the subscription, sends what waits, and leaves the store open", async () => {
  const { store, cache } = await open();
  void cache.set("a", 1);
  await cache.set("b", 1);
  const closing = cache.close();
  await assert.rejects(cache.get("a"), { code: "closed" });
  await Promise.all([closing, cache.close()]);
  assert.equal(store.invalidations.published.length, 2);
  assert.equal(store.invalidations.listeners.size, 0);
  assert.equal(await store.get("a"), 1);
});

test("close waits for changes that run, and tells others of them", async () => {
  const { store, cache } = await open();
  let go = (): void => {};
  const answer = new Promise<void>((resolve) => go = resolve);
  store.delete = async () => (await answer, true);
  const deleting = cache.delete("k");
  const closing = cache.close();
  await new Promise((resolve) => setTimeout(resolve, 5));
  go();
  await Promise.all([deleting, closing]);
  assert.deepEqual(store.invalidations.published, [{ kind: "key", keys: ["k"] }]);
});

test("close ends running loads with code closed, also those that still read", async () => {
  const { store, cache } = await open();
  let signal: AbortSignal | undefined;
  const loading = cache.getOrSet("k", (context) => {
    signal = context.signal;
    return new Promise(() => {});
  });
  const closed = assert.rejects(loading, { code: "closed" });
  await until("it loads", () => signal !== undefined);
  const release = store.hold();
  const reading = assert.rejects(cache.getOrSet("other", () => 1), { code: "closed" });
  await until("it reads", () => store.reads.includes("other"));
  await cache.close();
  release();
  await Promise.all([closed, reading]);
  assert.equal(signal?.aborted, true);
});

test("connect rejects when it cannot subscribe, and for a bad limit", async () => {
  const store = new FakeTieredStore(new ManualClock());
  for (const [field, value] of [["maxBytes", 0], ["ttlMs", 0.5]]) {
    const config = { store, [String(field)]: value };
    await assert.rejects(TieredCacheProvider.connect(config), { field });
  }
  store.invalidations.isDown = true;
  await assert.rejects(TieredCacheProvider.connect({ store }), { code: "unavailable" });
});
