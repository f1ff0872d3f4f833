import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRate, MAX_RATE_LIMIT, MAX_RATE_WINDOW_MS } from "../../cache/rate_limit_rules.ts";

test("a call costs 1 unless it says otherwise", () => {
  const rate = { limit: 5, windowMs: 1_000 };
  assert.deepEqual(checkRate(rate), { ...rate, cost: 1 });
  assert.deepEqual(checkRate({ ...rate, cost: undefined }), { ...rate, cost: 1 });
  for (const cost of [0, 1, 5]) {
    assert.deepEqual(checkRate({ ...rate, cost }), { ...rate, cost });
  }
});

test("the greatest limit and the longest window are allowed, one more is not", () => {
  const rate = { limit: MAX_RATE_LIMIT, windowMs: MAX_RATE_WINDOW_MS, cost: MAX_RATE_LIMIT };
  assert.deepEqual(checkRate(rate), { limit: 1e9, windowMs: 2_147_483_647, cost: 1e9 });
  assert.throws(() => checkRate({ ...rate, limit: MAX_RATE_LIMIT + 1 }), {
    field: "limit",
    message: "Cannot use limit: it must be an integer from 1 to 1000000000, got 1000000001",
  });
  assert.throws(() => checkRate({ ...rate, windowMs: MAX_RATE_WINDOW_MS + 1 }), {
    field: "windowMs",
    message: "Cannot use windowMs: it must be an integer from 1 to 2147483647, got 2147483648",
  });
});

test("a cost above the limit is refused: it could never pass", () => {
  assert.throws(() => checkRate({ limit: 5, windowMs: 1_000, cost: 6 }), {
    field: "cost",
    message: "Cannot use cost: it must be an integer from 0 to 5, got 6",
  });
});

for (const wrong of [undefined, null, 5, "5"]) {
  test(`a rate limit that is ${wrong === null ? "null" : typeof wrong} is refused`, () => {
    assert.throws(() => checkRate(wrong), { code: "invalid_input", field: "limit" });
  });
}
