import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGlob } from "../../cache/glob.ts";

test("a glob matches whole keys", () => {
  const cases: [pattern: string, key: string, expected: boolean][] = [
    ["user:1", "user:1", true],
    ["user:1", "user:12", false],
    ["user:*", "user:", true],
    ["user:*", "user:a:b", true],
    ["user:*", "xuser:a", false],
    ["*:a", "b:a:a", true],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "a-c-b", false],
    ["?", "é", true],
    ["?", "😀", true],
    ["??", "😀", false],
    ["*?", "", false],
    ["**", "", true],
    ["a.c", "abc", false],
    ["(a|b)+$", "a", false],
  ];
  for (const [pattern, key, expected] of cases) {
    assert.equal(compileGlob(pattern)(key), expected, `${pattern} ${key}`);
  }
});

test("a glob agrees with the regular expression that says the same", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", ":", "😀"), maxLength: 12 });
  const pattern = fc.string({
    unit: fc.constantFrom("a", "b", ":", "😀", "*", "?"),
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(pattern, text, (pattern, text) => {
      const source = pattern.replaceAll("*", ".*").replaceAll("?", ".");
      const expected = new RegExp(`^${source}$`, "su").test(text);
      assert.equal(compileGlob(pattern)(text), expected);
    }),
    { numRuns: 2_000 },
  );
});

test("a pattern made to be slow is not: no exponential time", () => {
  const matches = compileGlob("*a".repeat(255) + "b");
  const startMs = performance.now();
  assert.equal(matches("a".repeat(512)), false);
  assert.ok(performance.now() - startMs < 1_000);
});
