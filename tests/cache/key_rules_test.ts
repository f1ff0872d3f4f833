import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  checkBatch,
  checkEntries,
  checkKey,
  checkKeyPart,
  checkKeys,
  checkPattern,
} from "../../cache/key_rules.ts";

test("a refusal names the field, the character and its position, and not the key", () => {
  assert.throws(() => checkKey("s3cr3t*"), {
    field: "key",
    message: "Cannot use key: whitespace, control and reserved characters have no place in it, " +
      "got U+002A at position 7",
  });
  assert.throws(() => checkKey("a:🏁 b"), { message: /got U\+0020 at position 4$/ });
  assert.throws(() => checkKey("世".repeat(171), "keys[3]"), {
    message: "Cannot use keys[3]: it must have at most 512 bytes, got 513",
  });
});

test("a part refuses the colon, a pattern allows * and ?", () => {
  assert.equal(checkKey("a:b"), "a:b");
  assert.throws(() => checkKeyPart("part", "a:b"), { field: "part" });
  assert.equal(checkPattern("a:*:?"), "a:*:?");
  assert.throws(() => checkPattern("a:[bc]"), { field: "pattern" });
});

test("at most 10,000 keys go into one call", () => {
  assert.equal(checkBatch("keys", 10_000), 10_000);
  assert.throws(() => checkBatch("keys", 10_001), { field: "keys" });
  assert.throws(() => checkKeys(Array(10_001).fill("k")), { field: "keys" });
  assert.throws(() => checkEntries(Array(10_001).fill(["k", 1])), { field: "entries" });
});

test("what is no list of keys or entries is told by its kind", () => {
  assert.deepEqual(checkEntries(new Map([["a", 1]])), [["a", 1]]);
  assert.throws(() => checkKeys("k"), {
    message: "Cannot use keys: they must be an array, got string",
  });
  assert.throws(() => checkEntries(5), {
    message: "Cannot use entries: they must be iterable, got number",
  });
  assert.throws(() => checkEntries(["kv"]), {
    message: "Cannot use entries[0]: it must be a pair of key and value, got string",
  });
});

test("a key is either kept as it is or refused, and what is kept takes 1 to 512 bytes", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
    try {
      assert.equal(checkKey(text), text);
    } catch (error) {
      assert.equal((error as { field: string }).field, "key");
      return;
    }
    const bytes = new TextEncoder().encode(text);
    assert.ok(bytes.length >= 1 && bytes.length <= 512);
    assert.equal(new TextDecoder().decode(bytes), text);
    assert.doesNotMatch(text, /[*?[\]\\\s]/);
  }));
});
