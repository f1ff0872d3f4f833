import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { keysOf } from "../../../cache/adapters/redis/keys.ts";
import type { RedisKeyKind } from "../../../cache/adapters/redis/script.ts";

test("values have the namespace and their key, all else has its kind besides", () => {
  const keyOf = keysOf("exchange");
  assert.equal(keyOf("value", "benchmark:123"), "exchange:benchmark:123");
  assert.equal(keyOf("lock", "nightly"), "exchange/lock:nightly");
});

test("no two namespaces, kinds or names share a key", () => {
  const namespace = fc.stringMatching(/^[A-Za-z0-9._-]{1,3}$/);
  const kind = fc.constantFrom<RedisKeyKind>("value", "tag", "lock", "rate", "refresh");
  const name = fc.stringMatching(/^[ab:/.{}]{1,4}$/);
  const place = fc.tuple(namespace, kind, name);
  fc.assert(
    fc.property(place, place, (one, other) => {
      const [a, b] = [one, other].map(([space, kind, name]) => keysOf(space)(kind, name));
      assert.equal(a === b, one.join("\0") === other.join("\0"));
    }),
    { numRuns: 5_000 },
  );
});

for (const wrong of ["", "a:b", "a/b", "a*", "{a}", "a b", "ä", "x".repeat(65), 5, undefined]) {
  test(`the namespace ${JSON.stringify(wrong)?.slice(0, 12)} is refused`, () => {
    assert.throws(() => keysOf(wrong), { code: "invalid_input", field: "namespace" });
  });
}
