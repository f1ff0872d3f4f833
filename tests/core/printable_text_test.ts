import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPrintable, isPrintable } from "../../core/printable_text.ts";

test("a printable text is of ASCII characters without control characters", () => {
  assert.equal(checkPrintable("name", "a ~", 3), "a ~");
  assert.equal(isPrintable("a ~", 3), true);
});

test("what is not is refused, and the field is named", () => {
  const refused = [
    ["", /name: it must have 1 to 3 characters/],
    ["abcd", /name: it must have 1 to 3 characters/],
    ["ä", /name: it must have only printable ASCII characters/],
    ["a\u2028", /name: it must have only printable ASCII characters/],
    ["\u007f", /name: it must have only printable ASCII characters/],
    ["a\n", /name: it must have only printable ASCII characters/],
    ["\0", /name: it /],
    [7, /name: it must be a string/],
    [undefined, /name: it must be a string/],
  ] as const;
  for (const [value, message] of refused) {
    assert.equal(isPrintable(value, 3), false, String(value));
    assert.throws(() => checkPrintable("name", value, 3), message);
  }
});
