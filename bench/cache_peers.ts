import { REDIS_URL, TTL_MS } from "./cache_fixture.ts";
import { importPeers } from "./peers.ts";

/** A way to cache values on Redis. */
export interface RedisCache {
  readonly get: (key: string) => Promise<unknown>;
  readonly set: (key: string, value: unknown) => Promise<unknown>;
  readonly getMany: (keys: readonly string[]) => Promise<readonly unknown[]>;
  readonly close: () => Promise<unknown> | unknown;
}

/** Other cache libraries, with their values below a namespace. */
export const REDIS_PEERS: Readonly<Record<string, (namespace: string) => Promise<RedisCache>>> = {
  bentocache: openBento,
  cacheable: openCacheable,
  keyv: openKeyv,
  unstorage: openUnstorage,
};

async function openBento(namespace: string): Promise<RedisCache> {
  const { BentoCache, bentostore, bentoRedisDriver, Redis } = await importPeers();
  const connection = new Redis(REDIS_URL);
  const redis = bentostore().useL2Layer(bentoRedisDriver({ connection }));
  const cache = new BentoCache({ default: "redis", prefix: namespace, stores: { redis } });
  const get = (key: string): Promise<unknown> => cache.get({ key });
  return {
    get,
    set: (key, value) => cache.set({ key, value, ttl: TTL_MS }),
    // It has no call for many keys.
    getMany: (keys) => Promise.all(keys.map(get)),
    close: () => cache.disconnectAll(),
  };
}

async function openCacheable(namespace: string): Promise<RedisCache> {
  const { Cacheable, createKeyv } = await importPeers();
  const cacheable = new Cacheable({ primary: createKeyv(REDIS_URL, { namespace }) });
  return {
    get: (key) => cacheable.get(key),
    set: (key, value) => cacheable.set(key, value, TTL_MS),
    getMany: (keys) => cacheable.getMany(keys),
    close: () => cacheable.disconnect(),
  };
}

async function openKeyv(namespace: string): Promise<RedisCache> {
  const { createKeyv } = await importPeers();
  const keyv = createKeyv(REDIS_URL, { namespace });
  return {
    get: (key) => keyv.get(key),
    set: (key, value) => keyv.set(key, value, TTL_MS),
    getMany: (keys) => keyv.get(keys),
    close: () => keyv.disconnect(),
  };
}

async function openUnstorage(namespace: string): Promise<RedisCache> {
  const { createStorage, unstorageRedisDriver } = await importPeers();
  const driver = unstorageRedisDriver({ url: REDIS_URL, base: namespace, preConnect: true });
  const storage = createStorage({ driver });
  return {
    get: (key) => storage.getItem(key),
    set: (key, value) => storage.setItem(key, value, { ttl: TTL_MS / 1000 }),
    getMany: async (keys) => {
      const items: { readonly value: unknown }[] = await storage.getItems(keys);
      return items.map(({ value }) => value);
    },
    close: () => storage.dispose(),
  };
}
