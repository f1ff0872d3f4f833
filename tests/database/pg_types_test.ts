import assert from "node:assert/strict";
import { test } from "node:test";
import { PG_TYPES } from "../../database/drivers/pg_types.ts";

const CASES: readonly [type: string, id: number, text: string, value: unknown][] = [
  ["int8", 20, "-9007199254740991", -9007199254740991],
  ["date", 1082, "2026-11-22", "2026-11-22"],
  ["date", 1082, "infinity", "infinity"],
  ["timestamptz", 1184, "2026-11-22 22:27:00+00", new Date("2026-11-22T22:27:00Z")],
  ["int8[]", 1016, "{1,NULL,-2}", [1, null, -2]],
  ["int8[]", 1016, "{{1,2},{3,4}}", [[1, 2], [3, 4]]],
  ["int8[]", 1016, "{}", []],
  ["date[]", 1182, "{2026-11-22,NULL}", ["2026-11-22", null]],
  ["timestamptz[]", 1185, '{"2026-11-22 22:27:00+00",NULL}', [
    new Date("2026-11-22T22:27:00Z"),
    null,
  ]],
  ["numeric[]", 1231, "{0.10,NaN,NULL}", ["0.10", "NaN", null]],
  ["numeric", 1700, "0.10", "0.10"],
  ["bool", 16, "t", true],
  ["int4", 23, "5", 5],
  ["float8", 701, "-Infinity", -Infinity],
  ["text[]", 1009, '{a,NULL,"NULL","b,\\"c"}', ["a", null, "NULL", 'b,"c']],
  ["jsonb", 3802, '{"a":null}', { a: null }],
  ["unknown", 999_999, "x", "x"],
];

for (const [type, id, text, value] of CASES) {
  test(`${type} ${text} is read as the driver port says`, () => {
    const parse = PG_TYPES.getTypeParser(id as never, "text") as (text: string) => unknown;
    assert.deepEqual(parse(text), value);
  });
}
