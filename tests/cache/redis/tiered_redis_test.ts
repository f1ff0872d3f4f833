import assert from "node:assert/strict";
import { RedisCacheProvider } from "../../../cache/adapters/redis.ts";
import type { CacheProvider } from "../../../cache/cache.ts";
import { TieredCacheProvider } from "../../../cache/tiered.ts";
import type { Observer } from "../../../core/observer.ts";
import { cacheConformance } from "../../conformance/cache.ts";
import { testNamespace } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";
import { until } from "../../support/until.ts";

const service = await findService("redis");
const test = serviceTest(service);

const URL_OF_SERVER = "url" in service ? service.url : "";

function openStore(namespace: string, observer?: Observer): Promise<RedisCacheProvider> {
  const patient = { readTimeoutMs: 10_000, timeoutMs: 10_000 };
  return RedisCacheProvider.connect({ url: URL_OF_SERVER, namespace, observer, ...patient });
}

/** A tier that closes its store with it, as each process would. */
async function openTier(namespace: string, observer?: Observer): Promise<CacheProvider> {
  const store = await openStore(namespace, observer);
  const tier = await TieredCacheProvider.connect({ store, observer });
  const close = async (): Promise<void> => {
    await tier.close();
    await store.close();
  };
  return new Proxy(tier, {
    get: (target, name) => {
      if (name === "close" || name === Symbol.asyncDispose) return close;
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

const base = testNamespace();

cacheConformance(test, {
  name: "tiered",
  capabilities: { shared: true, atomicMany: false },
  open: ({ space, observer }) => openTier(`${base}-${space}`, observer),
  passTime: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});

const CHANGES: [what: string, change: (cache: CacheProvider) => Promise<unknown>, left: unknown][] =
  [
    ["set", (cache) => cache.set("k:1", "new"), "new"],
    ["mset", (cache) => cache.mset([["k:1", "new"]]), "new"],
    ["delete", (cache) => cache.delete("k:1"), undefined],
    ["deletePattern", (cache) => cache.deletePattern("k:?"), undefined],
    ["invalidateTag", (cache) => cache.invalidateTag("t"), undefined],
    ["expire", async (cache) => {
      await cache.expire("k:1", 1);
      await until("it has expired", async () => !await cache.exists("k:1"));
    }, undefined],
  ];

for (const [what, change, left] of CHANGES) {
  test(`what one tier has in memory, a ${what} through another drops within a moment`, async () => {
    const namespace = testNamespace();
    const [one, other] = [await openTier(namespace), await openTier(namespace)];
    try {
      await one.set("k:1", "old", { tags: ["t"] });
      await one.set("beside", "stays");
      await until("it is in the memory of the other", async () => {
        await other.get("beside");
        await other.get("k:1");
        return (await other.health()).entries === 2;
      });
      await change(one);
      await until("the other sees it", async () => await other.get("k:1") === left, 2_000);
      assert.equal(await other.get("beside"), "stays");
    } finally {
      await one.close();
      await other.close();
    }
  });
}

test("tiers that write and read the same keys see in the end what the store has", async () => {
  const namespace = testNamespace();
  const tiers = await Promise.all([1, 2, 3].map(() => openTier(namespace)));
  const store = await openStore(namespace);
  const keys = Array.from({ length: 5 }, (_, i) => `k:${i}`);
  try {
    const work = async (tier: CacheProvider, n: number): Promise<void> => {
      for (let i = 0; i < 200; i++) {
        const key = keys[(i * 7 + n) % keys.length] ?? "";
        if (i % 3 === 0) await tier.set(key, `${n}:${i}`);
        else await tier.get(key);
      }
    };
    await Promise.all(tiers.flatMap((tier, n) => [work(tier, n), work(tier, n + 10)]));
    const truth = JSON.stringify(await store.mget(keys));
    await until("all see what the store has", async () => {
      const seen = await Promise.all(
        tiers.map((tier) => Promise.all(keys.map((key) => tier.get(key)))),
      );
      return seen.every((values) => JSON.stringify(values) === truth);
    }, 2_000);
  } finally {
    for (const one of [...tiers, store]) await one.close();
  }
});
