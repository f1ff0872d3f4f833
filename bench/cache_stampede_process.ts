// One of the processes of a stampede: `cache_stampede_process.ts <kind> <namespace> <calls>`.
import process from "node:process";
import { createInterface } from "node:readline";
import { RedisCacheProvider } from "../cache/adapters/redis.ts";
import { REDIS_URL, TTL_MS, valueOf } from "./cache_fixture.ts";
import { say } from "./own_process.ts";
import { importPeers } from "./peers.ts";

/** How long the loader takes, in milliseconds. */
export const LOAD_MS = 100;

/** Who is to withstand it. */
export type StampedeKind = "RedisCacheProvider" | "bentocache" | "cacheable";

/** What one process saw. */
export interface Stampede {
  /** How often it ran the loader. */
  readonly loads: number;
  /** When all its callers had the value, in milliseconds. */
  readonly ms: number;
}

type Load = () => Promise<unknown>;

interface Cache {
  readonly getOrSet: (key: string, load: Load) => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}

const OPEN: Record<StampedeKind, (namespace: string) => Promise<Cache>> = {
  RedisCacheProvider: openOwn,
  bentocache: openBento,
  cacheable: openCacheable,
};

async function openOwn(namespace: string): Promise<Cache> {
  const provider = await RedisCacheProvider.connect({ url: REDIS_URL, namespace });
  return {
    getOrSet: (key, load) => provider.getOrSet(key, load, { ttlMs: TTL_MS }),
    close: () => provider.close(),
  };
}

async function openBento(namespace: string): Promise<Cache> {
  const { BentoCache, bentostore, bentoRedisDriver, memoryDriver, Redis } = await importPeers();
  const connection = new Redis(REDIS_URL);
  await connection.ping();
  const both = bentostore()
    .useL1Layer(memoryDriver())
    .useL2Layer(bentoRedisDriver({ connection }));
  const cache = new BentoCache({ default: "both", prefix: namespace, stores: { both } });
  return {
    getOrSet: (key, factory) => cache.getOrSet({ key, factory, ttl: TTL_MS }),
    close: () => cache.disconnectAll(),
  };
}

async function openCacheable(namespace: string): Promise<Cache> {
  const { Cacheable, createKeyv } = await importPeers();
  const secondary = createKeyv(REDIS_URL, { namespace: `${namespace}c` });
  const cacheable = new Cacheable({ secondary });
  await cacheable.get("connected");
  return {
    getOrSet: (key, load) => cacheable.getOrSet(key, load, { ttl: TTL_MS }),
    close: () => cacheable.disconnect(),
  };
}

async function stampede({ getOrSet }: Cache, key: string, calls: number): Promise<Stampede> {
  let loads = 0;
  const load = async (): Promise<unknown> => {
    loads++;
    await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
    return valueOf(1);
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: calls }, () => getOrSet(key, load)));
  return { loads, ms: performance.now() - startMs };
}

async function answer([kind, namespace = "", calls]: readonly string[]): Promise<void> {
  const cache = await OPEN[kind as StampedeKind](namespace);
  say("ready");
  for await (const key of createInterface({ input: process.stdin })) {
    say(await stampede(cache, key, Number(calls)));
  }
  await cache.close();
}

if (import.meta.main) await answer(process.argv.slice(2));
