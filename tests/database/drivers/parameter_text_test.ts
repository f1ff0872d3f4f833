import assert from "node:assert/strict";
import { test } from "node:test";
import { parameterText } from "../../../database/drivers/parameter_text.ts";

test("null and undefined are null", () => {
  assert.deepEqual([null, undefined].map(parameterText), [null, null]);
});

test("plain values are their text", () => {
  const values = ["it's", "", 0.1, -1.5e-300, NaN, 10n ** 20n, true];
  assert.deepEqual(values.map(parameterText), [
    ...["it's", "", "0.1", "-1.5e-300", "NaN", "100000000000000000000", "true"],
  ]);
});

test("a date is its time in UTC, bytes are hexadecimal, other objects JSON", () => {
  assert.equal(parameterText(new Date(0)), "1970-01-01T00:00:00.000Z");
  assert.equal(parameterText(new Uint8Array([0, 15, 255])), "\\x000fff");
  assert.equal(parameterText({ a: ["x"] }), '{"a":["x"]}');
});

test("an array is one of PostgreSQL, with nested ones and every other value in it", () => {
  assert.equal(parameterText([[1, null], [2, 3]]), '{{"1",NULL},{"2","3"}}');
  assert.equal(
    parameterText(['a"b', new Date(0), new Uint8Array([1]), { a: "x" }]),
    '{"a\\"b","1970-01-01T00:00:00.000Z","\\\\x01","{\\"a\\":\\"x\\"}"}',
  );
});

test("a value without a text is refused", () => {
  const circular: unknown[] = [];
  const object = { circular };
  circular.push(object);
  assert.throws(() => parameterText(object), TypeError);
  assert.throws(() => parameterText(new Date(NaN)), RangeError);
});
