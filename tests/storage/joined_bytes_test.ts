import assert from "node:assert/strict";
import { test } from "node:test";
import { joinBytes } from "../../storage/joined_bytes.ts";

test("joinBytes() keeps every byte in order, in memory of its own", () => {
  const source = Uint8Array.of(0, 1, 2, 3, 4);
  const chunks = [source.subarray(1, 3), new Uint8Array(), source.subarray(0, 1), source];
  assert.deepEqual(joinBytes(chunks), Uint8Array.of(1, 2, 0, 0, 1, 2, 3, 4));
  assert.deepEqual(joinBytes([]), new Uint8Array());
  const copy = joinBytes([source]);
  source.fill(9);
  assert.deepEqual(copy, Uint8Array.of(0, 1, 2, 3, 4));
});
