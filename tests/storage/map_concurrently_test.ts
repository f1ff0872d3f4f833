import assert from "node:assert/strict";
import { test } from "node:test";
import { mapConcurrently } from "../../storage/map_concurrently.ts";

test("mapConcurrently() keeps the order and never runs more than the limit", async () => {
  let running = 0;
  let most = 0;
  const items = Array.from({ length: 20 }, (_, i) => i);
  const results = await mapConcurrently(items, 3, async (item) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    return item * 2;
  });
  assert.deepEqual(results, items.map((item) => item * 2));
  assert.equal(most, 3);
  assert.deepEqual(await mapConcurrently([], 3, () => Promise.resolve(1)), []);
});

test("mapConcurrently() rejects when nothing is under way any more", async () => {
  let running = 0;
  const mapping = mapConcurrently([0, 1], 2, async (item) => {
    running++;
    if (item === 1) await new Promise((resolve) => setTimeout(resolve, 20));
    running--;
    if (item === 0) throw new Error("no");
  });
  await assert.rejects(mapping, /no/);
  assert.equal(running, 0);
});

test("mapConcurrently() starts nothing after a failure", async () => {
  const started: number[] = [];
  const failure = new Error("no");
  const mapping = mapConcurrently([0, 1, 2, 3], 1, (item) => {
    started.push(item);
    return item === 1 ? Promise.reject(failure) : Promise.resolve();
  });
  await assert.rejects(mapping, failure);
  assert.deepEqual(started, [0, 1]);
});
