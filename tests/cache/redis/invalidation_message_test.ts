import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeInvalidation,
  encodeInvalidation,
} from "../../../cache/adapters/redis/invalidation_message.ts";
import type { Invalidation } from "../../../cache/invalidations.ts";

test("what is encoded comes back", () => {
  const invalidations: Invalidation[] = [
    { kind: "key", keys: ["a:1", "é"] },
    { kind: "pattern", pattern: "user:*:?" },
    { kind: "tag", tag: "benchmark:1" },
  ];
  for (const invalidation of invalidations) {
    assert.deepEqual(decodeInvalidation(encodeInvalidation(invalidation)), invalidation);
  }
});

test("members that a later version may add are left out", () => {
  assert.deepEqual(decodeInvalidation('{"kind":"tag","tag":"t","from":1}'), {
    kind: "tag",
    tag: "t",
  });
});

const NOT_UNDERSTOOD = [
  "",
  "{",
  "null",
  "5",
  "[]",
  "{}",
  '{"kind":"everything"}',
  '{"kind":"key"}',
  '{"kind":"key","keys":"a"}',
  '{"kind":"key","keys":["a",5]}',
  '{"kind":"pattern","pattern":"[a]"}',
  '{"kind":"pattern","pattern":5}',
  '{"kind":"tag","tag":null}',
];

for (const text of NOT_UNDERSTOOD) {
  test(`the message ${JSON.stringify(text)} is not understood, without an error`, () => {
    assert.equal(decodeInvalidation(text), undefined);
  });
}
