import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { encodeValue, MAX_VALUE_LENGTH } from "../../cache/encoded_value.ts";

test("bytes are copied, also those of a Buffer, and everything else is JSON", () => {
  const buffer = Buffer.from([1, 2]);
  const encoded = encodeValue("value", buffer);
  buffer[0] = 9;
  assert.deepEqual(encoded, new Uint8Array([1, 2]));
  assert.equal(encodeValue("value", { a: [1, null] }), '{"a":[1,null]}');
});

test("values of the greatest length are kept and longer ones refused", () => {
  assert.equal(encodeValue("value", new Uint8Array(MAX_VALUE_LENGTH)).length, MAX_VALUE_LENGTH);
  for (const value of [new Uint8Array(MAX_VALUE_LENGTH + 1), "x".repeat(MAX_VALUE_LENGTH - 1)]) {
    assert.throws(() => encodeValue("value", value), { field: "value", code: "invalid_input" });
  }
});
