import assert from "node:assert/strict";
import { test } from "node:test";
import { mergedKeys } from "../../../storage/adapters/replicated/merged_keys.ts";
import type { ObjectSummary } from "../../../storage/storage.ts";

async function* listing(keys: readonly string[]): AsyncGenerator<ObjectSummary> {
  for (const key of keys) yield { key, size: 0, etag: "", lastModified: new Date(0) };
}

async function merge(one: readonly string[], other: readonly string[]): Promise<string[]> {
  return await Array.fromAsync(mergedKeys(listing(one), listing(other)));
}

test("keys of both come once, in their order", async () => {
  assert.deepEqual(await merge(["a", "c", "d"], ["b", "c", "e"]), ["a", "b", "c", "d", "e"]);
  assert.deepEqual(await merge([], ["a", "b"]), ["a", "b"]);
  assert.deepEqual(await merge(["a", "b"], []), ["a", "b"]);
  assert.deepEqual(await merge([], []), []);
});

test("the order is that of the UTF-8 bytes, not of UTF-16", async () => {
  // U+FF5E comes before U+1F600 in UTF-8, and after it in UTF-16.
  assert.deepEqual(await merge(["\uff5e", "\u{1f600}"], ["\u{1f600}"]), ["\uff5e", "\u{1f600}"]);
});
