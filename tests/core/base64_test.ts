import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBase64, encodeBase64 } from "../../core/base64.ts";

test("bytes are encoded as Node does it, and decoded again", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    const text = encodeBase64(bytes);
    assert.equal(text, Buffer.from(bytes).toString("base64"));
    assert.deepEqual(decodeBase64(text), Uint8Array.from(bytes));
  }));
});

test("a megabyte is encoded and decoded, too", () => {
  const bytes = new Uint8Array(1_000_001).map((_, i) => i % 253);
  const text = encodeBase64(bytes);
  assert.equal(text, Buffer.from(bytes).toString("base64"));
  assert.deepEqual(decodeBase64(text), bytes);
});

test("a text that is no base64 is refused", () => {
  for (const text of ["a", "ab*c", "é==="]) assert.throws(() => decodeBase64(text), text);
});
