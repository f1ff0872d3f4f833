import assert from "node:assert/strict";
import { RedisCacheProvider } from "../../../cache/adapters/redis.ts";
import { testNamespace, withRedis } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";

const test = serviceTest(await findService("redis"));

// What a load is for its callers is in the conformance suite; this is what depends on the lease.

const PATIENT = { readTimeoutMs: 10_000, timeoutMs: 10_000 };

const LOADS = {
  "before the lease is renewed": { leaseMs: 12_000, loadMs: 1_500 },
  "only after the lease has been renewed several times": { leaseMs: 1_500, loadMs: 3_500 },
};

for (const [when, { leaseMs, loadMs }] of Object.entries(LOADS)) {
  test(`a value with tags that is loaded ${when} is there, though the load took longer than it lives`, async (url) => {
    const options = { url, namespace: testNamespace(), leaseMs, ...PATIENT };
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

test("who waits for a lease in whose place there is something else suddenly loads", async (url) => {
  const namespace = testNamespace();
  const options = { url, namespace, ...PATIENT };
  await using cache = await RedisCacheProvider.connect(options);
  await using other = await RedisCacheProvider.connect(options);
  let release = (): void => {};
  let first: Promise<string> | undefined;
  await new Promise<void>((started) => {
    first = cache.getOrSet("k", () => {
      started();
      return new Promise<string>((resolve) => release = () => resolve("first"));
    });
  });
  const second = other.getOrSet("k", () => "second");
  await other.exists("settle");
  // At once: between two commands the one that waits would win.
  const replace = `redis.call("UNLINK", KEYS[1]); redis.call("RPUSH", KEYS[1], "foreign")`;
  await withRedis(url, (send) => send("EVAL", replace, "1", `${namespace}:k`));
  assert.equal(await second, "second");
  release();
  assert.equal(await first, "first");
  assert.equal(await cache.get("k"), "second");
  await cache.deletePattern("*");
});
