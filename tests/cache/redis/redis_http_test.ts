import { after } from "node:test";
import assert from "node:assert/strict";
import { RedisCacheProvider } from "../../../cache/adapters/redis.ts";
import {
  type HttpRedisCacheConfig,
  HttpRedisCacheProvider,
} from "../../../cache/adapters/redis_http.ts";
import type { CacheProvider } from "../../../cache/cache.ts";
import { cacheConformance } from "../../conformance/cache.ts";
import { lockConformance, REAL_TIME } from "../../conformance/locks.ts";
import { rateLimitConformance } from "../../conformance/rate_limits.ts";
import { lazily } from "../../support/lazily.ts";
import { testNamespace, withRedis } from "../../support/redis.ts";
import { RedisRestBridge } from "../../support/redis_rest_bridge.ts";
import { findService, serviceTest } from "../../support/services.ts";

const service = await findService("redis");
const redisTest = serviceTest(service);
const redisUrl = "url" in service ? service.url : "";
const bridge = lazily(() => RedisRestBridge.start(redisUrl));
if ("url" in service) after(async () => (await bridge())[Symbol.asyncDispose]());
const namespace = testNamespace();
const namespaceOf = (suite: string, space: string): string => `${namespace}.${suite}-${space}`;

// A slow machine must not turn a read into a miss here; that is for the tests of faults.
const patient = { readTimeoutMs: 10_000, timeoutMs: 10_000 };

async function open(options: Partial<HttpRedisCacheConfig>): Promise<HttpRedisCacheProvider> {
  const { url, token } = await bridge();
  return new HttpRedisCacheProvider({ url, token, ...patient, ...options });
}

const name = "redis over HTTP";

cacheConformance(redisTest, {
  name,
  capabilities: { shared: true, atomicMany: false },
  open: ({ space, observer }) => open({ namespace: namespaceOf("cache", space), observer }),
  passTime: REAL_TIME.passTime,
});

lockConformance(redisTest, {
  ...REAL_TIME,
  name,
  capabilities: { manyAtOnce: true },
  ttlMs: 800,
  open: async (space) => {
    const provider = await open({ namespace: namespaceOf("locks", space) });
    return { provider, close: () => provider.close() };
  },
  steal: (space, lock) =>
    withRedis(redisUrl, async (send) => {
      assert.equal(await send("DEL", `${namespaceOf("locks", space)}/lock:${lock}`), 1);
    }),
});

rateLimitConformance(redisTest, {
  name,
  open: (space) => open({ namespace: namespaceOf("rates", space) }),
  passTime: REAL_TIME.passTime,
  now: () =>
    withRedis(redisUrl, async (send) => {
      const [seconds, microseconds] = await send("TIME") as string[];
      return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
    }),
});

/** Values of every kind of frame, and how to write them. */
const WRITES: Readonly<Record<string, (cache: CacheProvider, key: string) => Promise<unknown>>> = {
  "text": (cache, key) => cache.set(key, { text: "grün 数据 🙂", list: [1, null] }),
  "bytes": (cache, key) => cache.set(key, Uint8Array.from({ length: 256 }, (_, i) => i)),
  "compressed text": (cache, key) => cache.set(key, "compressed ".repeat(1_000)),
  "text with tags": (cache, key) => cache.set(key, "grün", { ttlMs: 60_000, tags: ["grün"] }),
  "a number": (cache, key) => cache.increment(key, 5),
  "what is missing": (cache, key) => cache.setNx(key, "数据"),
  "what was loaded": (cache, key) =>
    cache.getOrSet(key, () => "grün", { ttlMs: 60_000, staleMs: 1_000, tags: ["t"] }),
};

for (const [what, write] of Object.entries(WRITES)) {
  redisTest(
    `redis: ${what} is the same over HTTP and over a connection`,
    () =>
      withBoth(async (one, two) => {
        for (const [writer, reader] of [[one, two], [two, one]] as const) {
          const key = `${what.replaceAll(" ", "-")}:${writer === one}`;
          await write(writer, key);
          const value = await writer.get(key);
          assert.notEqual(value, undefined);
          assert.deepEqual(await reader.get(key), value);
          assert.equal(await reader.ttl(key) === null, await writer.ttl(key) === null);
          assert.equal(await reader.delete(key), true);
          assert.equal(await writer.exists(key), false);
        }
      }),
  );
}

redisTest(
  "redis: locks, rate limits, tags and loads are shared by both ways",
  () =>
    withBoth(async (one, two) => {
      await one.withLock("n", async () => {
        await assert.rejects(two.withLock("n", () => {}, { waitMs: 0 }), { code: "timeout" });
      });
      const limit = { limit: 1, windowMs: 60_000 };
      assert.equal((await two.checkRateLimit("r", limit)).allowed, true);
      assert.equal((await one.checkRateLimit("r", limit)).allowed, false);
      await one.set("tagged", 1, { tags: ["t"] });
      await two.invalidateTag("t");
      assert.equal(await one.get("tagged"), undefined);
      const loads = [one, two].map((cache) => cache.getOrSet("loaded", () => crypto.randomUUID()));
      assert.equal(new Set(await Promise.all(loads)).size, 1);
    }),
);

redisTest(
  "redis: many values are written and read with one request each",
  () =>
    withBoth(async (_, over) => {
      const { requests } = await bridge();
      requests.length = 0;
      const keys = Array.from({ length: 100 }, (_, i) => `k:${i}`);
      await over.mset(keys.map((key) => [key, key]), { ttlMs: 60_000 });
      assert.deepEqual(await over.mget(keys), keys);
      assert.deepEqual(requests, [100, 1]);
    }),
);

redisTest("redis: health tells the way, and that the server answers", async () => {
  const cache = await open({ namespace });
  assert.deepEqual(await cache.health(), { adapter: "redis-http", delayedInvalidations: 0 });
  await cache.close();
});

/** Two caches in one namespace: over a connection, and over HTTP. */
async function withBoth(
  use: (direct: CacheProvider, http: CacheProvider) => Promise<void>,
): Promise<void> {
  const options = { ...patient, namespace: namespaceOf("both", "s"), compressAboveBytes: 1_000 };
  const direct = await RedisCacheProvider.connect({ url: redisUrl, ...options });
  const http = await open(options);
  try {
    await use(direct, http);
  } finally {
    await direct.deletePattern("*");
    await direct.close();
    await http.close();
  }
}
