import assert from "node:assert/strict";
import { test } from "node:test";
import { checkKeyText, MAX_KEY_BYTES } from "../../core/key_text.ts";

test("a refusal names the field, the character and its position, and not the text", () => {
  assert.throws(() => checkKeyText("name", "s3cr3t*"), {
    field: "name",
    message: "Cannot use name: whitespace, control and reserved characters have no place in it, " +
      "got U+002A at position 7",
  });
  assert.throws(() => checkKeyText("name", "a:b", /:/), { message: /got U\+003A at position 2$/ });
});

test("512 bytes are kept, and no byte more", () => {
  for (const text of ["k".repeat(MAX_KEY_BYTES), "世".repeat(170)]) {
    assert.equal(checkKeyText("name", text), text);
  }
  assert.throws(() => checkKeyText("name", "世".repeat(171)), {
    message: "Cannot use name: it must have at most 512 bytes, got 513",
  });
});
