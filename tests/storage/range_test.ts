import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRange, locateRange } from "../../storage/range.ts";

test("checkRange() refuses what lies in no object", () => {
  for (const offset of [-1, 0.5, NaN, Infinity, "0" as unknown as number]) {
    assert.throws(() => checkRange({ offset }), { field: "range.offset" });
  }
  for (const length of [0, -1, 1.5, NaN]) {
    assert.throws(() => checkRange({ offset: 0, length }), { field: "range.length" });
  }
  checkRange(undefined);
  checkRange({ offset: 0, length: 1 });
});

test("locateRange() cuts the range at the end of the object", () => {
  assert.deepEqual(locateRange(undefined, 0), { start: 0, end: 0 });
  assert.deepEqual(locateRange(undefined, 10), { start: 0, end: 10 });
  assert.deepEqual(locateRange({ offset: 4 }, 10), { start: 4, end: 10 });
  assert.deepEqual(locateRange({ offset: 4, length: 2 }, 10), { start: 4, end: 6 });
  assert.deepEqual(locateRange({ offset: 9, length: 5 }, 10), { start: 9, end: 10 });
  const { MAX_SAFE_INTEGER: length } = Number;
  assert.deepEqual(locateRange({ offset: 1, length }, 10), { start: 1, end: 10 });
});

test("locateRange() refuses a range that begins at the end or beyond", () => {
  for (const offset of [10, 11]) {
    assert.throws(() => locateRange({ offset }, 10), { field: "range.offset" });
  }
  assert.throws(() => locateRange({ offset: 0 }, 0), { field: "range.offset" });
});
