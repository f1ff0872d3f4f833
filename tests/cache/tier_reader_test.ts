import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { TierMemory } from "../../cache/tier_memory.ts";
import { TierReader } from "../../cache/tier_reader.ts";
import { dropObserver } from "../conformance/cache/harness.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { FakeTieredStore } from "../support/fake_tiered_store.ts";

const asNumber = z.string().regex(/^\d+$/).transform(Number);

async function open(value: unknown = "5"): Promise<{
  store: FakeTieredStore;
  memory: TierMemory;
  reader: TierReader;
  dropped: string[];
}> {
  const clock = new ManualClock();
  const dropped: string[] = [];
  const store = new FakeTieredStore(clock, dropObserver(dropped));
  await store.set("k", value);
  const memory = new TierMemory({ maxBytes: 10_000, ttlMs: 1_000, clock });
  return { store, memory, reader: new TierReader(store, memory), dropped };
}

test("a read fills memory with what was stored, and returns what the schema makes of it", async () => {
  const { memory, reader } = await open();
  assert.equal(reader.recall("k", undefined), undefined);
  assert.equal(await reader.read("k", { schema: asNumber }), 5);
  assert.equal(memory.get("k")?.value, "5");
  assert.deepEqual(reader.recall("k", { schema: asNumber }), { value: 5 });
  assert.deepEqual(reader.recall("k", undefined), { value: "5" });
});

test("null is found, and a missing key is not", async () => {
  const { reader } = await open(null);
  assert.equal(await reader.read("k", undefined), null);
  assert.deepEqual(reader.recall("k", undefined), { value: null });
  assert.equal(await reader.read("missing", undefined), undefined);
  assert.equal(await reader.readForLoad("missing", undefined), undefined);
});

test("what does not fit is dropped from memory, and the store removes and reports it", async () => {
  const { store, memory, reader, dropped } = await open("text");
  assert.equal(await reader.read("k", { schema: asNumber }), undefined);
  assert.equal(memory.get("k"), undefined);
  assert.equal(await store.exists("k"), false);
  assert.deepEqual(dropped, ["schema_mismatch"]);
});

test("a read before a load leaves what does not fit to the load", async () => {
  const { store, memory, reader, dropped } = await open("text");
  assert.equal(await reader.readForLoad("k", { schema: asNumber }), undefined);
  assert.equal(memory.get("k"), undefined);
  assert.equal(await store.exists("k"), true);
  assert.deepEqual(dropped, []);
});

test("memory that does not fit is dropped, so that the next read asks the store", async () => {
  const { store, memory, reader } = await open("text");
  await reader.read("k", undefined);
  await store.set("k", "7");
  assert.equal(reader.recall("k", { schema: asNumber }), undefined);
  assert.equal(memory.get("k"), undefined);
  assert.equal(await reader.read("k", { schema: asNumber }), 7);
});

test("the schema of a read goes before that of the store", async () => {
  const { store, reader } = await open();
  store.schema = z.string().transform((text) => `${text}!`);
  assert.equal(await reader.read("k", undefined), "5!");
  assert.equal(await reader.read("k", { schema: asNumber }), 5);
});

test("a read heeds the caller's signal and deadline, one before a load takes 250 ms at most", async () => {
  const { store, reader } = await open();
  const calls: unknown[] = [];
  const { signal } = new AbortController();
  store.getEntry = (_, options) => {
    calls.push(options);
    return Promise.resolve(undefined);
  };
  await reader.read("k", { signal, timeoutMs: 5_000 });
  for (const timeoutMs of [undefined, 5_000, 100]) {
    await reader.readForLoad("k", { signal, timeoutMs });
  }
  assert.deepEqual(calls, [5_000, 250, 250, 100].map((timeoutMs) => ({ signal, timeoutMs })));
});

test("a read that fails is an error, one before a load finds nothing; neither is left under way", async () => {
  const { store, memory, reader } = await open();
  const { getEntry } = store;
  store.getEntry = () => Promise.reject(new Error("down"));
  await assert.rejects(reader.read("k", undefined), { message: "down" });
  assert.equal(await reader.readForLoad("k", undefined), undefined);
  store.getEntry = getEntry;
  await reader.read("k", undefined);
  assert.equal(memory.get("k")?.value, "5");
});
