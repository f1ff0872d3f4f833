import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { freezeValue, handOut } from "../../cache/frozen_value.ts";

function isDeeplyFrozen(value: unknown): boolean {
  return typeof value !== "object" || value === null ||
    (Object.isFrozen(value) && Object.values(value).every(isDeeplyFrozen));
}

test("a JSON value comes back equal and deeply frozen", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = JSON.stringify(value);
    const frozen = freezeValue(text);
    assert.deepEqual(frozen.value, JSON.parse(text));
    assert.ok(isDeeplyFrozen(frozen.value));
    assert.equal(handOut(frozen.value), frozen.value);
    assert.ok(Number.isInteger(frozen.bytes) && frozen.bytes > 0);
  }));
});

test("the estimate grows with what the value holds", () => {
  const bytes = (value: unknown): number => freezeValue(JSON.stringify(value)).bytes;
  assert.equal(bytes("x".repeat(1_000)), 2_024);
  assert.equal(bytes([1, 2, 3]), 32 + 3 * 24);
  assert.equal(bytes({ ab: null }), 32 + 28 + 16);
  assert.equal(freezeValue(new Uint8Array(1_000)).bytes, 1_200);
});

test("bytes are handed out as a copy", () => {
  const { value } = freezeValue(new Uint8Array([1]));
  const copy = handOut(value) as Uint8Array;
  copy[0] = 2;
  assert.deepEqual(value, new Uint8Array([1]));
});
