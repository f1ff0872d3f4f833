import assert from "node:assert/strict";
import { test } from "node:test";
import { probeKey, stagingKey } from "../../../storage/adapters/s3/staging.ts";
import { checkObjectKey } from "../../../storage/object_key.ts";

test("every key is another one, at its place, where no user can write", () => {
  const makers: readonly [() => string, string][] = [
    [stagingKey, ".exchange/staging/"],
    [probeKey, ".exchange/probe/"],
  ];
  for (const [make, prefix] of makers) {
    const keys = Array.from({ length: 100 }, make);
    assert.equal(new Set(keys).size, 100);
    for (const key of keys) {
      assert.match(key.slice(prefix.length), /^[0-9a-f-]{36}$/);
      assert.ok(key.startsWith(prefix));
      assert.throws(() => checkObjectKey("key", key), { field: "key" });
    }
  }
});
