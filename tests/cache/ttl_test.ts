import assert from "node:assert/strict";
import { test } from "node:test";
import { checkTtl, MAX_TTL_MS } from "../../cache/ttl.ts";

test("a TTL is a whole number of milliseconds from 1 to ten years", () => {
  for (const ttlMs of [1, 1_000, MAX_TTL_MS]) assert.equal(checkTtl(ttlMs), ttlMs);
  assert.equal(MAX_TTL_MS, 315_360_000_000);
});

test("everything else is refused, naming the field", () => {
  for (const ttlMs of [0, -1, 0.5, NaN, Infinity, -Infinity, MAX_TTL_MS + 1, "5", null, 5n]) {
    assert.throws(() => checkTtl(ttlMs, "defaultTtlMs"), {
      code: "invalid_input",
      field: "defaultTtlMs",
    });
  }
});
