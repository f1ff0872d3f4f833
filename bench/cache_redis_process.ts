// One contender of the benchmark on Redis: `cache_redis_process.ts <name> <namespace>`. Each has a
// process of its own, because each command of `redis` leaves a timer of 5 seconds behind, which
// would run while others are measured.
import assert from "node:assert/strict";
import process from "node:process";
import { createInterface } from "node:readline";
import { RedisCacheProvider } from "../cache/adapters/redis.ts";
import { connectRaw, REDIS_URL, TTL_MS, valueOf } from "./cache_fixture.ts";
import { REDIS_PEERS, type RedisCache } from "./cache_peers.ts";
import { type Plan, slot } from "./compare.ts";
import { say } from "./own_process.ts";
import { importPeers } from "./peers.ts";

/** The raw client, with its values as JSON. */
export const RAW = "redis, with JSON";

/** The raw client, with its values as text. */
export const RAW_TEXT = "redis, text alone";

/** Another client, with its values as text; two of the peers use it. */
export const IOREDIS_TEXT = "ioredis, text alone";

/** The library. */
export const OWN = "RedisCacheProvider";

/** How many values one `getMany` gets. */
export const BATCH = 100;

/** What to measure. */
export interface Task extends Plan {
  readonly work: "get" | "set" | "getMany";
}

const COUNT = 1_000;
const KEYS: readonly string[] = Array.from({ length: COUNT }, (_, index) => `benchmark:${index}`);
const VALUES: readonly unknown[] = KEYS.map((_, index) => valueOf(index));

const OPEN: Readonly<Record<string, (namespace: string) => Promise<RedisCache>>> = {
  [RAW]: openRaw,
  [RAW_TEXT]: openRawText,
  [IOREDIS_TEXT]: openIoredisText,
  [OWN]: openOwn,
  ...REDIS_PEERS,
};

async function openRaw(namespace: string): Promise<RedisCache> {
  const raw = await connectRaw();
  const keyOf = (key: string): string => `${namespace}:${key}`;
  const expiration = { type: "PX", value: TTL_MS } as const;
  return {
    get: async (key) => JSON.parse(await raw.get(keyOf(key)) ?? "null"),
    set: (key, value) => raw.set(keyOf(key), JSON.stringify(value), { expiration }),
    getMany: async (keys) =>
      (await raw.mGet(keys.map(keyOf))).map((text) => JSON.parse(text ?? "null")),
    close: () => raw.close(),
  };
}

async function openRawText(namespace: string): Promise<RedisCache> {
  const raw = await connectRaw();
  const keyOf = (key: string): string => `${namespace}:${key}`;
  const expiration = { type: "PX", value: TTL_MS } as const;
  return {
    get: (key) => raw.get(keyOf(key)),
    set: (key, text) => raw.set(keyOf(key), text as string, { expiration }),
    getMany: (keys) => raw.mGet(keys.map(keyOf)),
    close: () => raw.close(),
  };
}

async function openIoredisText(namespace: string): Promise<RedisCache> {
  const { Redis } = await importPeers();
  const raw = new Redis(REDIS_URL);
  const keyOf = (key: string): string => `${namespace}:${key}`;
  return {
    get: (key) => raw.get(keyOf(key)),
    set: (key, text) => raw.set(keyOf(key), text as string, "PX", TTL_MS),
    getMany: (keys) => raw.mget(keys.map(keyOf)),
    close: () => raw.quit(),
  };
}

async function openOwn(namespace: string): Promise<RedisCache> {
  const provider = await RedisCacheProvider.connect({ url: REDIS_URL, namespace });
  return {
    get: (key) => provider.get(key),
    set: (key, value) => provider.set(key, value, { ttlMs: TTL_MS }),
    getMany: (keys) => provider.mget(keys),
    close: () => provider.close(),
  };
}

/** Writes all values and sees that they are found. */
async function fill({ get, set, getMany }: RedisCache, values: readonly unknown[]): Promise<void> {
  await Promise.all(KEYS.map((key, index) => set(key, values[index])));
  assert.deepEqual(await get(KEYS[7] ?? ""), values[7]);
  assert.deepEqual(await getMany(KEYS), values);
}

function anyIndex(): number {
  return Math.floor(Math.random() * COUNT);
}

function anyKey(): string {
  return KEYS[anyIndex()] ?? "";
}

function worksOf(
  { get, set, getMany }: RedisCache,
  values: readonly unknown[],
): Record<Task["work"], () => Promise<unknown>> {
  return {
    get: () => get(anyKey()),
    set: () => {
      const index = anyIndex();
      return set(KEYS[index] ?? "", values[index]);
    },
    getMany: () => getMany(Array.from({ length: BATCH }, anyKey)),
  };
}

async function answer([name = "", namespace = ""]: readonly string[]): Promise<void> {
  const open = OPEN[name];
  if (!open) throw new Error(`No contender ${name}`);
  const cache = await open(namespace);
  const values = [RAW_TEXT, IOREDIS_TEXT].includes(name)
    ? VALUES.map((value) => JSON.stringify(value))
    : VALUES;
  await fill(cache, values);
  const works = worksOf(cache, values);
  say("ready");
  for await (const line of createInterface({ input: process.stdin })) {
    const { work, ...plan }: Task = JSON.parse(line);
    say(await slot({ name, run: works[work] }, plan));
  }
  await cache.close();
}

if (import.meta.main) await answer(process.argv.slice(2));
