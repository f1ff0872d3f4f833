import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseTimestamp } from "../../database/timestamp.ts";

const GOOD: readonly [text: string, iso: string][] = [
  ["2026-11-22 22:27:00+00", "2026-11-22T22:27:00.000Z"],
  ["2026-11-22 22:27:00.1+00", "2026-11-22T22:27:00.100Z"],
  ["2026-11-22 22:27:00.123456+00", "2026-11-22T22:27:00.123Z"],
  ["2026-11-22 22:27:00.999999+00", "2026-11-22T22:27:00.999Z"],
  ["2026-11-22 22:27:00-03", "2026-11-23T01:27:00.000Z"],
  ["2026-11-22 22:27:00+05:30", "2026-11-22T16:57:00.000Z"],
  ["2026-11-22 22:27:00.5-03:30", "2026-11-23T01:57:00.500Z"],
  ["1969-12-31 23:59:59.999+00", "1969-12-31T23:59:59.999Z"],
  ["0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000Z"],
  ["9999-12-31 23:59:59.999999+00", "9999-12-31T23:59:59.999Z"],
];

for (const [text, iso] of GOOD) {
  test(`${text} is ${iso}`, () => assert.equal(parseTimestamp(text).toISOString(), iso));
}

const INVALID = [
  ...["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "12026-11-22 22:27:00+00", ""],
  ...["1900-01-01 00:00:00+00:19:32", "2026-11-22 22:27:00", "2026-11-22", "22 Nov 2026"],
];

for (const text of INVALID) {
  test(`"${text}" is an invalid date`, () =>
    assert.ok(Number.isNaN(parseTimestamp(text).getTime())));
}

test("every date of four-digit years comes back as it was", () => {
  const min = new Date("0001-01-01T00:00:00Z");
  const max = new Date("9999-12-31T23:59:59.999Z");
  fc.assert(fc.property(fc.date({ min, max, noInvalidDate: true }), (date) => {
    const text = date.toISOString().replace("T", " ").replace("Z", "456+00");
    assert.equal(parseTimestamp(text).getTime(), date.getTime());
  }));
});
