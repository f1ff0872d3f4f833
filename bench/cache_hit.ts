// A hit in memory: the library against a `Map` and its peers.
import { setTimeout } from "node:timers/promises";
import { MemoryCacheProvider } from "../cache/adapters/memory.ts";
import { RedisCacheProvider } from "../cache/adapters/redis.ts";
import type { CacheProvider } from "../cache/cache.ts";
import { TieredCacheProvider } from "../cache/tiered.ts";
import { openCacheFixture, REDIS_URL, TTL_MS, valueOf } from "./cache_fixture.ts";
import { compare, type Contender } from "./compare.ts";
import { importPeers } from "./peers.ts";
import { fasterBy, printGoals, printRows } from "./print.ts";

/** A call takes less than looking at the clock, so that many make one. */
const CALLS = 1_000;
const KEYS: readonly string[] = Array.from({ length: CALLS }, (_, index) => `benchmark:${index}`);

const MAP = "Map.get, awaited";
const MEMORY = "MemoryCacheProvider";
const TIER = "TieredCacheProvider";
const BENTO = "bentocache, serialize: false";

/** Reads values of 1 KB that are in memory, one after the other. */
export async function benchCacheHit(rounds: number): Promise<void> {
  await using fixture = openCacheFixture();
  const { namespace } = fixture;
  await using memory = new MemoryCacheProvider();
  await using store = await RedisCacheProvider.connect({ url: REDIS_URL, namespace });
  await using tier = await TieredCacheProvider.connect({ store, ttlMs: TTL_MS });
  for (const cache of [memory, tier]) await fill(cache);
  await setTimeout(500); // What the tier heard about its own writes would empty its memory again.
  for (const key of KEYS) await tier.get(key);
  const contenders = [
    mapHits(),
    memoryHits(memory),
    tierHits(tier),
    ...await peerHits(),
    // For scale: what the expiry costs.
    expiringMapHits(),
  ];
  const rows = await compare(contenders, { rounds, slotMs: 60, concurrency: 1 });
  printRows(`${CALLS} hits in memory, one after the other`, rows);
  for (const name of [MEMORY, TIER]) {
    printGoals([
      fasterBy(rows, name, MAP, 0.5),
      fasterBy(rows, name, BENTO, 4.5),
      ...["cacheable", "keyv", "unstorage"].map((peer) => fasterBy(rows, name, peer, 1)),
    ]);
  }
}

function mapHits(): Contender {
  const map = new Map(KEYS.map((key, index) => [key, valueOf(index)]));
  const run = async (): Promise<void> => {
    for (const key of KEYS) await map.get(key);
  };
  return { name: MAP, run };
}

function expiringMapHits(): Contender {
  const expiresAtMs = Date.now() + TTL_MS;
  const map = new Map(KEYS.map((key, index) => [key, { value: valueOf(index), expiresAtMs }]));
  // deno-lint-ignore require-await -- the port is asynchronous
  const get = async (key: string): Promise<unknown> => {
    const entry = map.get(key);
    return entry && Date.now() < entry.expiresAtMs ? entry.value : undefined;
  };
  const run = async (): Promise<void> => {
    for (const key of KEYS) await get(key);
  };
  return { name: "async get from a Map with expiry", run };
}

async function fill(cache: CacheProvider): Promise<void> {
  for (const [index, key] of KEYS.entries()) {
    await cache.set(key, valueOf(index), { ttlMs: TTL_MS });
  }
}

function memoryHits(cache: MemoryCacheProvider): Contender {
  const run = async (): Promise<void> => {
    for (const key of KEYS) await cache.get(key);
  };
  return { name: MEMORY, run };
}

function tierHits(cache: TieredCacheProvider): Contender {
  const run = async (): Promise<void> => {
    for (const key of KEYS) await cache.get(key);
  };
  return { name: TIER, run };
}

async function peerHits(): Promise<Contender[]> {
  const { BentoCache, bentostore, memoryDriver, Cacheable, Keyv, createStorage } =
    await importPeers();
  const store = bentostore().useL1Layer(memoryDriver({ serialize: false, maxItems: 10 * CALLS }));
  const bento = new BentoCache({ default: "memory", stores: { memory: store } });
  const cacheable = new Cacheable();
  const keyv = new Keyv();
  const storage = createStorage();
  for (const [index, key] of KEYS.entries()) {
    const value = valueOf(index);
    await bento.set({ key, value, ttl: TTL_MS });
    await cacheable.set(key, value, TTL_MS);
    await keyv.set(key, value, TTL_MS);
    await storage.setItem(key, value);
  }
  // Each has a loop of its own: one loop for all of them would be compiled for none.
  const runs: Readonly<Record<string, () => Promise<void>>> = {
    [BENTO]: async () => {
      for (const key of KEYS) await bento.get({ key });
    },
    cacheable: async () => {
      for (const key of KEYS) await cacheable.get(key);
    },
    keyv: async () => {
      for (const key of KEYS) await keyv.get(key);
    },
    unstorage: async () => {
      for (const key of KEYS) await storage.getItem(key);
    },
  };
  return Object.entries(runs).map(([name, run]) => ({ name, run }));
}
