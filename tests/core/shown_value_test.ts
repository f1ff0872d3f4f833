import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { ValidationError } from "../../core/errors.ts";
import { kindOf, memberPath, showValue } from "../../core/shown_value.ts";
import { parseInput } from "../../core/validation.ts";

test("the kind of a value is told without the value", () => {
  const kinds = [null, ["a"], {}, "a", 1, undefined, 1n].map(kindOf);
  const expected = ["null", "an array", "object", "string", "number", "undefined", "bigint"];
  assert.deepEqual(kinds, expected);
});

test("numbers are shown, and of everything else the kind", () => {
  const shown = [1.5, NaN, -Infinity, "s3cr3t", null].map(showValue);
  assert.deepEqual(shown, ["1.5", "NaN", "-Infinity", "string", "null"]);
});

test("a path joins what may be shown", () => {
  assert.equal(memberPath("", "score"), "score");
  assert.equal(memberPath("results[1]", "score"), "results[1].score");
  assert.equal(memberPath("metrics", "a\nb"), "metrics.<key of 3 characters>");
});

test("a field that is not known is named, unless its name could harm a log", () => {
  const schema = z.strictObject({ name: z.string().optional() });
  const reason = (key: string): string => {
    try {
      parseInput(schema, { [key]: 1 }, "user");
      return "";
    } catch (error) {
      return (error as ValidationError).reason;
    }
  };
  assert.equal(reason("nmae"), "it has no field nmae");
  for (const key of ["a\nb", "x".repeat(1_000), "\u001b[2J", "'"]) {
    assert.equal(reason(key), `it has no field <key of ${key.length} characters>`);
  }
});
