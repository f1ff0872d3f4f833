import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { z } from "zod";
import * as fields from "../../domain/fields.ts";

function accepts(field: z.ZodType<unknown>, value: unknown): boolean {
  return field.safeParse(value).success;
}

test("text is refused when it is too short, too long, or would not survive a store", () => {
  const field = fields.textField(1, 5);
  for (const text of ["a", "abcde", "é\n\t", "💡💡", "\u0001"]) {
    assert.ok(accepts(field, text), text);
  }
  for (const text of ["", "abcdef", "a\0", "\ud800", "\udc00a", "\ufeffa", 1, null, undefined]) {
    assert.equal(accepts(field, text), false, JSON.stringify(text));
  }
});

test("text that is accepted stays as it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (text) => {
      const parsed = fields.textField(0, 1_000).safeParse(text);
      assert.equal(parsed.success, !text.includes("\0") && !text.startsWith("\ufeff"));
      if (parsed.success) assert.equal(parsed.data, text);
    }),
  );
});

test("a slug has lower-case letters, digits and single hyphens", () => {
  for (const slug of ["a", "0", "human-eval", "mbpp-2-plus", "a".repeat(100)]) {
    assert.ok(accepts(fields.slugField, slug), slug);
  }
  const refused = [
    "",
    "-a",
    "a-",
    "a--b",
    "A",
    "a b",
    "a_b",
    "ä",
    "a/b",
    "a\n",
    "..",
    "a".repeat(101),
  ];
  for (const slug of refused) assert.equal(accepts(fields.slugField, slug), false, slug);
});

test("a number is finite", () => {
  for (const value of [0, -0, 0.1, -1e308]) assert.ok(accepts(fields.finiteField, value));
  for (const value of [NaN, Infinity, -Infinity, "1", 1n, null]) {
    assert.equal(accepts(fields.finiteField, value), false, String(value));
  }
});

test("tags are different, at most 50, with 1 to 50 characters each", () => {
  assert.deepEqual(fields.tagsField.parse(["b", "a", "b"]), ["b", "a"]);
  assert.ok(accepts(fields.tagsField, Array.from({ length: 50 }, (_, i) => `tag ${i}`)));
  assert.equal(accepts(fields.tagsField, Array.from({ length: 51 }, (_, i) => `tag ${i}`)), false);
  for (const tag of ["", "a".repeat(51), "a\0", 1]) {
    assert.equal(accepts(fields.tagsField, [tag]), false, JSON.stringify(tag));
  }
});

test("ids are different and in lower case", () => {
  const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
  assert.deepEqual(fields.idsField.parse([id, id.toUpperCase()]), [id]);
});

test("a web address is one of http or https", () => {
  for (const url of ["https://example.org", "http://localhost:8080/a?b#c"]) {
    assert.ok(accepts(fields.urlField, url), url);
  }
  const refused = [
    "",
    "example.org",
    "javascript:alert(1)",
    "ftp://example.org",
    "data:,x",
    "http://a\0",
  ];
  for (const url of refused) assert.equal(accepts(fields.urlField, url), false, url);
});

test("what goes to JSON is there, and keeps a key that has to be refused later", () => {
  assert.equal(accepts(fields.jsonField, undefined), false);
  const hostile = JSON.parse('{"__proto__":{"admin":true}}');
  assert.equal(fields.jsonObjectField.parse(hostile), hostile);
  for (const value of [null, undefined, [], "{}", 1]) {
    assert.equal(accepts(fields.jsonObjectField, value), false, JSON.stringify(value));
  }
});
