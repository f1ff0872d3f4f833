import assert from "node:assert/strict";
import { test } from "node:test";
import { TagIndex } from "../../cache/tag_index.ts";

test("things are found by each of their tags until they are removed", () => {
  const index = new TagIndex<string>();
  index.add("one", ["a", "b"]);
  index.add("two", ["b", "__proto__"]);
  assert.deepEqual(index.withTag("a"), ["one"]);
  assert.deepEqual(index.withTag("b"), ["one", "two"]);
  assert.deepEqual(index.withTag("__proto__"), ["two"]);
  assert.deepEqual(index.withTag("constructor"), []);
  index.remove("one", ["a", "b"]);
  assert.deepEqual(index.withTag("a"), []);
  assert.deepEqual(index.withTag("b"), ["two"]);
});

test("a tag that nothing carries takes no room", () => {
  const index = new TagIndex<number>();
  for (let i = 0; i < 1_000; i++) index.add(i, [`t${i}`]);
  for (let i = 0; i < 1_000; i++) index.remove(i, [`t${i}`, "never"]);
  assert.equal(index.size, 0);
});
