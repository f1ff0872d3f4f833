import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { z } from "zod";
import { ValidationError } from "../../core/errors.ts";
import { kindOf } from "../../core/shown_value.ts";
import {
  checkFinite,
  checkInteger,
  checkText,
  findCharacter,
  parseInput,
  textFlaw,
} from "../../core/validation.ts";

/** Any sequence of UTF-16 code units, so also lone surrogates and NUL, more often than by chance. */
const text = fc.array(
  fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff }), fc.constant(0x61), fc.nat(1)),
).map((units) => String.fromCharCode(...units));

test("text is refused exactly if a store would change it or it breaks the limits", () => {
  fc.assert(fc.property(text, (value) => {
    const kept =
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(value)) ===
        value;
    const fits = value.length >= 1 && value.length <= 10_000;
    const accepted = kept && fits && !value.includes("\0");
    assert.equal(outcome(() => checkText("name", value)), accepted ? value : "name");
  }));
});

test("limits of text are inclusive and count UTF-16 code units", () => {
  const limits = { minLength: 2, maxLength: 4 };
  for (const value of ["ab", "abcd", "😀😀"]) assert.equal(checkText("name", value, limits), value);
  for (const value of ["a", "abcde", "😀😀a"]) {
    assert.throws(() => checkText("name", value, limits), {
      field: "name",
      message: `Cannot use name: it must have 2 to 4 characters, got ${value.length}`,
    });
  }
  assert.equal(checkText("name", "", { minLength: 0 }), "");
  assert.throws(() => checkText("name", ""), ValidationError);
  assert.throws(() => checkText("name", "a".repeat(10_001)), ValidationError);
});

test("what is no text is refused by its kind, without its value", () => {
  for (const value of [undefined, null, 4711, ["secret"], { secret: 1 }, true]) {
    assert.throws(() => checkText("name", value), {
      message: `Cannot use name: it must be a string, got ${kindOf(value)}`,
    });
  }
});

test("a flaw of text is told in words", () => {
  assert.equal(textFlaw("Grüße 😀"), undefined);
  assert.equal(textFlaw("a\0"), "contains NUL");
  assert.equal(textFlaw("\udc00\ud800"), "contains a lone surrogate");
});

test("an integer is accepted exactly in its range", () => {
  const value = fc.oneof(fc.integer(), fc.double(), fc.maxSafeInteger(), fc.anything());
  fc.assert(fc.property(value, (value) => {
    const accepted = Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= 1_000;
    const range = { min: 1, max: 1_000 };
    assert.equal(outcome(() => checkInteger("limit", value, range)), accepted ? value : "limit");
  }));
  assert.equal(checkInteger("size", Number.MAX_SAFE_INTEGER, { min: 0 }), Number.MAX_SAFE_INTEGER);
  assert.throws(() => checkInteger("size", 2 ** 53, { min: 0 }), ValidationError);
});

test("a refused number is shown, anything else is not", () => {
  assert.throws(() => checkInteger("limit", 1.5, { min: 1, max: 9 }), {
    message: "Cannot use limit: it must be an integer from 1 to 9, got 1.5",
  });
  assert.throws(() => checkInteger("limit", "secret", { min: 1, max: 9 }), {
    message: "Cannot use limit: it must be an integer from 1 to 9, got string",
  });
  assert.throws(() => checkFinite("score", "secret"), {
    message: "Cannot use score: it must be a finite number, got string",
  });
});

test("a number is accepted exactly if it is finite", () => {
  fc.assert(fc.property(fc.oneof(fc.double(), fc.anything()), (value) => {
    const accepted = typeof value === "number" && Math.abs(value) < Infinity;
    assert.equal(outcome(() => checkFinite("score", value)), accepted ? value : "score");
  }));
});

test("what a schema accepts is returned as the schema makes it", () => {
  const schema = z.object({ name: z.string().trim() });
  assert.deepEqual(parseInput(schema, { name: " a ", more: 1 }, "user"), { name: "a" });
});

test("what a schema refuses is named by its path, without its value", () => {
  const schema = z.object({ results: z.array(z.object({ score: z.number().max(1) })) });
  const input = { results: [{ score: 1 }, { score: "s3cr3t" }] };
  assert.throws(
    () => parseInput(schema, input, "submission", "create"),
    (error: ValidationError) => {
      assert.equal(error.field, "submission.results[1].score");
      assert.equal(error.operation, "create");
      assert.match(error.message, /^Cannot use submission\.results\[1\]\.score: [a-z]/);
      return !error.message.includes("s3cr3t");
    },
  );
  assert.throws(() => parseInput(schema, input, ""), { field: "results[1].score" });
  assert.throws(() => parseInput(schema, "s3cr3t", "submission"), { field: "submission" });
});

test("a character is named by its code point and its place, counted from 1", () => {
  assert.equal(findCharacter("*", /[*]/), "U+002A at position 1");
  assert.equal(findCharacter("a🏁\u001b[", /\p{Cc}/u), "U+001B at position 3");
  assert.equal(findCharacter("a🏁", /[^a]/), "U+1F3C1 at position 2");
  assert.equal(findCharacter("abc", /[*]/), undefined);
});

/** What a check returns, or the field that it refuses. */
function outcome(check: () => unknown): unknown {
  try {
    return check();
  } catch (error) {
    if (error instanceof ValidationError) return error.field;
    throw error;
  }
}
