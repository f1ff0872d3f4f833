import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { decodeName, objectNames } from "../../storage/adapters/filesystem/object_names.ts";
import { keyToBytes } from "../../storage/object_key.ts";
import { ODD_KEYS } from "../conformance/storage/keys.ts";

function decodeNames(names: readonly string[]): string {
  return names.map((name) => decodeName(name)?.text ?? assert.fail(name)).join("");
}

const unit = fc.constantFrom("a", "A", ".", "%", "@", "+", "=", "é", "\\", " ", "😀");
const segment = fc.oneof(
  fc.string({ unit, minLength: 1, maxLength: 6 }),
  fc.integer({ min: 78, max: 82 }).map((length) => "x".repeat(length)),
  fc.tuple(fc.constant("y".repeat(80)), fc.constantFrom(".", "..", "", "@")).map((p) => p.join("")),
).filter((text) => text !== "." && text !== "..");
const key = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

test("objectNames() keeps simple keys readable", () => {
  assert.deepEqual(objectNames("benchmarks/b-1/1.0.0/data_1.json"), [
    "benchmarks",
    "b-1",
    "1.0.0",
    "data_1.json@",
  ]);
  assert.deepEqual(objectNames("A/é"), ["%41", "%c3%a9@"]);
  assert.deepEqual(objectNames(".../.a"), ["%2e..", "%2ea@"]);
});

test("objectNames() gives names that stay where they are, for every key", () => {
  const check = (text: string): void => {
    const names = objectNames(text);
    const path = names.join("/");
    assert.equal(posix.normalize(path), path);
    for (const name of names) {
      assert.match(name, /^(?!\.)[a-z0-9._%=-]+[@+]?$/);
      assert.ok(name.length <= 255);
    }
    assert.equal(decodeNames(names), keyToBytes(text));
  };
  ODD_KEYS.forEach(check);
  fc.assert(fc.property(key, check), { numRuns: 500 });
});

test("objectNames() gives different paths for different keys, also without regard to case", () => {
  fc.assert(fc.property(key, key, (a, b) => {
    const [pathA, pathB] = [a, b].map((text) => objectNames(text).join("/").toLowerCase());
    assert.equal(pathA === pathB, a === b);
  }));
});

test("no object is in the place of a directory of another", () => {
  fc.assert(fc.property(key, key, (a, b) => {
    const path = objectNames(a).join("/");
    assert.ok(!objectNames(b).join("/").startsWith(`${path}/`));
  }));
});

test("decodeName() knows nothing that objectNames() never makes", () => {
  const foreign = [
    "",
    "@",
    "+",
    ".",
    "..",
    ".hidden",
    "A",
    "%41%",
    "%61@",
    "%4A",
    "%2f@",
    "ab+",
    "a b",
  ];
  for (
    const name of [...foreign, "é", `${"a".repeat(80)}@`, `${"a".repeat(81)}+`, "==", ".DS_Store"]
  ) {
    assert.equal(decodeName(name), undefined, name);
  }
});
