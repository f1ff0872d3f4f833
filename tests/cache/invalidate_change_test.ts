import assert from "node:assert/strict";
import { invalidateChange } from "../../cache/invalidate_change.ts";
import { MemoryCacheProvider } from "../../cache/adapters/memory.ts";
import { test } from "node:test";

/** What is gone from a cache after a change. */
async function goneAfter(
  aggregateType: string,
  aggregateId: string,
  payload: unknown = {},
): Promise<string[]> {
  const cache = new MemoryCacheProvider();
  const keys = [
    "benchmark:1",
    "benchmark:2",
    "leaderboard:1",
    "leaderboard:2",
    "submission:1",
    "user:1",
    "organization:1",
    "order:1",
  ];
  for (const key of keys) await cache.set(key, "value");
  for (const tag of ["benchmark:1", "submission:1", "user:1"]) {
    await cache.set(`tagged:${tag}`, "value", { tags: [tag] });
    keys.push(`tagged:${tag}`);
  }
  await invalidateChange(cache, { aggregateType, aggregateId, payload });
  const left = await cache.mget(keys);
  await cache.close();
  return keys.filter((_, i) => left[i] === undefined);
}

test("a change of a benchmark removes it, its board and what is tagged with it", async () => {
  assert.deepEqual(await goneAfter("benchmark", "1"), [
    "benchmark:1",
    "leaderboard:1",
    "tagged:benchmark:1",
  ]);
});

test("a change of a submission removes it, and the board of its benchmark", async () => {
  assert.deepEqual(await goneAfter("submission", "1", { benchmarkId: "2" }), [
    "leaderboard:2",
    "submission:1",
    "tagged:submission:1",
  ]);
  assert.deepEqual(await goneAfter("submission", "9", { benchmarkId: "1" }), [
    "leaderboard:1",
    "tagged:benchmark:1",
  ]);
  assert.deepEqual(await goneAfter("submission", "9", null), []);
});

test("a change of something else removes only that", async () => {
  assert.deepEqual(await goneAfter("user", "1"), ["user:1", "tagged:user:1"]);
  assert.deepEqual(await goneAfter("organization", "1"), ["organization:1"]);
  assert.deepEqual(await goneAfter("order", "1"), ["order:1"]);
  assert.deepEqual(await goneAfter("two words", "a:b"), []);
});

test("a cache that cannot be reached is an error", async () => {
  const cache = new MemoryCacheProvider();
  await cache.close();
  const change = { aggregateType: "benchmark", aggregateId: "1", payload: {} };
  await assert.rejects(invalidateChange(cache, change), { code: "closed" });
});

test("an id that can be no key has no value, whatever it is the id of", async () => {
  assert.deepEqual(await goneAfter("benchmark", "a:b"), []);
  assert.deepEqual(await goneAfter("submission", "1", { benchmarkId: "a:b" }), [
    "submission:1",
    "tagged:submission:1",
  ]);
});
