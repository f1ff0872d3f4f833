import assert from "node:assert/strict";
import { RedisCacheProvider } from "../../../cache/adapters/redis.ts";
import type { CacheProvider } from "../../../cache/cache.ts";
import { testNamespace, withRedis } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";

const test = serviceTest(await findService("redis"));

// What tags are for is in the conformance suite; this is what would take long to wait for.

const OUTLIVED: Readonly<Record<string, (cache: CacheProvider) => Promise<number>>> = {
  "a value that is written only at the end of its call": async (cache) => {
    await cache.set("k", 1, { tags: ["t"], ttlMs: 1_000 });
    return 1_000;
  },
  "a value whose expiry is set only at the end of its call": async (cache) => {
    await cache.set("k", 1, { tags: ["t"], ttlMs: 5_000 });
    assert.equal(await cache.expire("k", 40_000), true);
    return 40_000;
  },
  "a value that is stale": async (cache) => {
    await cache.getOrSet("k", () => 1, { tags: ["t"], ttlMs: 1_000, staleMs: 50_000 });
    assert.equal(await cache.expire("k", 40_000), true);
    return 90_000;
  },
};

for (const [what, write] of Object.entries(OUTLIVED)) {
  test(`the version of a tag outlives ${what}`, async (url) => {
    const namespace = testNamespace();
    const options = { url, namespace, readTimeoutMs: 30_000, timeoutMs: 30_000 };
    await using cache = await RedisCacheProvider.connect(options);
    const livesMs = await write(cache);
    const leftMs = Number(await withRedis(url, (send) => send("PTTL", `${namespace}/tag:t`)));
    assert.ok(leftMs > livesMs, `${leftMs} ms are left, and the value can live ${livesMs}`);
    await cache.invalidateTag("t");
    await cache.deletePattern("*");
  });
}
