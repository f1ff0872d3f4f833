import assert from "node:assert/strict";
import { RedisCacheProvider } from "../../../cache/adapters/redis.ts";
import { testNamespace } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";

const test = serviceTest(await findService("redis"));

// What a load is for its callers is in the conformance suite; this is what depends on the length of the lease.

const LOADS = {
  "before the lease is renewed": { leaseMs: 12_000, loadMs: 1_500 },
  "only after the lease has been renewed many times": { leaseMs: 300, loadMs: 2_000 },
};

for (const [when, { leaseMs, loadMs }] of Object.entries(LOADS)) {
  test(`a value with tags that is loaded ${when} is there, though the load took longer than it lives`, async (url) => {
    const patient = { readTimeoutMs: 10_000, timeoutMs: 10_000 };
    const options = { url, namespace: testNamespace(), leaseMs, ...patient };
    await using cache = await RedisCacheProvider.connect(options);
    const loader = async (): Promise<string> => {
      await new Promise((resolve) => setTimeout(resolve, loadMs));
      return "slow";
    };
    await cache.getOrSet("k", loader, { tags: ["t"], ttlMs: 1_000 });
    assert.equal(await cache.get("k"), "slow");
    await cache.deletePattern("*");
  });
}
