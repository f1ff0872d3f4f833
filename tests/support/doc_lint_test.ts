import assert from "node:assert/strict";
import { test } from "node:test";
import { docMistakes } from "./doc_lint.ts";

const VENDOR = `error[private-type-ref]: public type 'parse' references private type 'ZodType'
  --> core/validation.ts:65:1
   |
65 | export function parse<T>(
   = hint: make the referenced type public or remove the reference

`;
const OURS = VENDOR.replace("ZodType", "Secret");
const UNDOCUMENTED = `error[missing-jsdoc]: exported symbol is missing JSDoc documentation
  --> core/errors.ts:64:21
`;
const TOTAL = "\nerror: Found 3 documentation lint errors.\n\nStack backtrace:\n   0: <unknown>\n";

test("types of packages are no mistake, types of our own and missing docs are", () => {
  const mistakes = docMistakes(VENDOR + OURS + UNDOCUMENTED + TOTAL, (name) => name === "Secret");
  assert.deepEqual(mistakes.map((text) => text.split("\n")[1]), [
    "  --> core/validation.ts:65:1",
    "  --> core/errors.ts:64:21",
  ]);
  assert.deepEqual(docMistakes(VENDOR + TOTAL, () => false), []);
  assert.deepEqual(docMistakes("", () => false), []);
});

test("what stops the tool is a mistake", () => {
  const output = `Warning Module not found\nerror: Module not found "file:///mod.ts".\n`;
  assert.equal(docMistakes(output, () => false).length, 1);
});
