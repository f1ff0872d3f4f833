import assert from "node:assert/strict";
import type { RateLimit } from "../../../cache/rate_limiter.ts";
import type { CallOptions } from "../../../core/call_options.ts";
import { BAD_KEYS } from "../bad_keys.ts";
import type { RateLimitTest } from "./harness.ts";

const rate = { limit: 10, windowMs: 3_600_000 };

/** What is refused, by the same rules in every adapter. */
export function testRateInput(test: RateLimitTest): void {
  for (const [name, key] of BAD_KEYS) {
    test(`a key ${name} is refused`, async ({ limiter }) => {
      const call = limiter.checkRateLimit(key as string, rate);
      await assert.rejects(call, { code: "invalid_input", field: "key" });
    });
  }
  testRefusedRates(test);
  testRefusedOptions(test);
}

function testRefusedRates(test: RateLimitTest): void {
  for (const field of ["limit", "windowMs", "cost"]) {
    test(`a wrong ${field} is refused by its name, and takes nothing`, async ({ limiter }) => {
      for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 31, "1", null, 1n, {}]) {
        const limit = { ...rate, [field]: wrong } as unknown as RateLimit;
        const call = limiter.checkRateLimit("k", limit);
        await assert.rejects(call, { code: "invalid_input", field });
      }
      assert.equal((await limiter.checkRateLimit("k", { ...rate, cost: 0 })).remaining, 10);
    });
  }

  test("a limit or window of 0, a missing one and one that is too great are refused", async ({ limiter }) => {
    const refused: [field: string, wrong: object][] = [
      ["limit", { limit: 0 }],
      ["limit", { limit: undefined }],
      ["limit", { limit: 1_000_000_001 }],
      ["windowMs", { windowMs: 0 }],
      ["windowMs", { windowMs: undefined }],
      ["windowMs", { windowMs: 2_147_483_648 }],
    ];
    for (const [field, wrong] of refused) {
      const call = limiter.checkRateLimit("k", { ...rate, ...wrong });
      await assert.rejects(call, { code: "invalid_input", field });
    }
    for (const wrong of [undefined, null, 5] as unknown as RateLimit[]) {
      const call = limiter.checkRateLimit("k", wrong);
      await assert.rejects(call, { code: "invalid_input", field: "limit" });
    }
  });

  test("a cost above the limit is refused, and takes nothing", async ({ limiter }) => {
    const call = limiter.checkRateLimit("k", { ...rate, cost: 11 });
    await assert.rejects(call, { code: "invalid_input", field: "cost" });
    assert.equal((await limiter.checkRateLimit("k", { ...rate, cost: 10 })).allowed, true);
  });
}

function testRefusedOptions(test: RateLimitTest): void {
  const refused: [name: string, options: CallOptions, expected: object][] = [
    ["an aborted signal", { signal: AbortSignal.abort() }, { code: "aborted" }],
    ["a signal that is a number", { signal: 5 as unknown as AbortSignal }, { field: "signal" }],
    ["timeoutMs 0", { timeoutMs: 0 }, { field: "timeoutMs" }],
    ["timeoutMs NaN", { timeoutMs: NaN }, { field: "timeoutMs" }],
    ["timeoutMs Infinity", { timeoutMs: Infinity }, { field: "timeoutMs" }],
  ];
  for (const [name, options, expected] of refused) {
    test(`a call with ${name} rejects and takes nothing`, async ({ limiter }) => {
      await assert.rejects(limiter.checkRateLimit("k", rate, options), expected);
      assert.equal((await limiter.checkRateLimit("k", rate)).remaining, 9);
    });
  }
}
