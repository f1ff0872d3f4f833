import assert from "node:assert/strict";
import type { RateLimitTest } from "./harness.ts";

const rate = { limit: 2, windowMs: 3_600_000 };

/** Which limits are apart. */
export function testRateKeys(test: RateLimitTest): void {
  test("another key is another limit", async ({ watch }) => {
    for (const key of ["k", "K", "k:", "k:1", "{k}", "k".repeat(512), "世".repeat(170), "😀"]) {
      assert.equal(await watch(rate, key).takeMany(3), 2, key);
    }
    for (const key of ["constructor", "__proto__", "a/b.c-d_e@f#'\""]) {
      assert.equal(await watch(rate, key).takeMany(3), 2, key);
    }
  });

  test("the same key with another window is another limit", async ({ watch }) => {
    for (const windowMs of [3_600_000, 3_600_001, 7_200_000]) {
      assert.equal(await watch({ limit: 2, windowMs }).takeMany(3), 2);
    }
  });

  test("a key that ends with a number is apart from a key with a window", async ({ watch }) => {
    for (const key of ["k", "k:3600000", "k3600000", "3600000:k", "3600000k", "3600000"]) {
      for (const windowMs of [3_600_000, 36_000_003]) {
        assert.equal(await watch({ limit: 2, windowMs }, key).takeMany(3), 2, key);
      }
    }
  });
}
