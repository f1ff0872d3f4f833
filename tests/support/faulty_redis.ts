import assert from "node:assert/strict";
import { RedisCacheProvider } from "../../cache/adapters/redis.ts";
import type { RedisCacheConfig } from "../../cache/adapters/redis.ts";
import type { CacheProvider } from "../../cache/cache.ts";
import { CacheError } from "../../core/errors.ts";
import type { Attributes, LogRecord, Observer } from "../../core/observer.ts";
import { type PrivateRedis, type RedisOptions, startRedis } from "./private_redis.ts";
import { testNamespace, withRedis } from "./redis.ts";
import { TcpProxy } from "./tcp_proxy.ts";
import { until } from "./until.ts";

/** How much later than its deadline a call may settle on a busy machine. */
export const GRACE_MS = 1_500;

/** Keeps what a cache reports. */
export class Reports implements Observer {
  /** The log. */
  readonly records: LogRecord[] = [];
  /** The counters, one line for each time. */
  readonly counts: { readonly name: string; readonly attributes: Attributes }[] = [];

  /** The reasons of the values that were dropped. */
  get dropped(): string[] {
    return this.of("cache.value_dropped").map(({ reason }) => String(reason));
  }

  /** The attributes of everything that was counted under the name. */
  of(name: string): Attributes[] {
    return this.counts.filter((count) => count.name === name).map(({ attributes }) => attributes);
  }

  log(record: LogRecord): void {
    this.records.push(record);
  }

  count(name: string, value: number, attributes: Attributes = {}): void {
    for (let i = 0; i < value; i++) this.counts.push({ name, attributes });
  }

  duration(): void {}
}

const IMPATIENT = { readTimeoutMs: 100, timeoutMs: 100 };

/** A cache and what belongs to it. */
export interface OpenCache {
  readonly cache: RedisCacheProvider;
  readonly reports: Reports;
  /** What its keys begin with on the server. */
  readonly prefix: string;
}

/** Deadlines that no call runs into on a busy machine. */
const PATIENT = { readTimeoutMs: 10_000, timeoutMs: 10_000, connectTimeoutMs: 10_000 };

/**
 * Opens a cache in a namespace of its own, unless the options name one, and closes it whatever happens. Without
 * deadlines in the options it has long ones.
 */
export async function withCache<T>(
  options: RedisCacheConfig,
  use: (open: OpenCache) => Promise<T>,
): Promise<T> {
  const reports = new Reports();
  const namespace = options.namespace ?? testNamespace();
  const cache = await RedisCacheProvider.connect({
    ...PATIENT,
    observer: reports,
    ...options,
    namespace,
  });
  try {
    return await use({ cache, reports, prefix: `${namespace}:` });
  } finally {
    await cache.close();
  }
}

/** Starts a server and stops it whatever happens, also when it is paused. */
export async function withServer<T>(
  options: RedisOptions,
  use: (server: PrivateRedis) => Promise<T>,
): Promise<T> {
  const server = await startRedis(options);
  try {
    return await use(server);
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

/** Puts a proxy before a port and stops it whatever happens. */
export async function withProxy<T>(
  port: number,
  use: (proxy: TcpProxy) => Promise<T>,
): Promise<T> {
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port });
  try {
    return await use(proxy);
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
}

/** A cache that reaches its server through a proxy. */
export function withProxiedCache<T>(
  server: PrivateRedis,
  options: RedisCacheConfig,
  use: (open: OpenCache & { readonly proxy: TcpProxy }) => Promise<T>,
): Promise<T> {
  return withProxy(
    server.port,
    (proxy) =>
      withCache(
        { url: proxy.through(server.url), ...options },
        (open) => use({ ...open, proxy }),
      ),
  );
}

/** Resolves as the call does, but fails when that takes much longer than `limitMs`. */
export async function within<T>(limitMs: number, call: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  try {
    return await call();
  } finally {
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < limitMs + GRACE_MS, `it took ${tookMs} ms, not ${limitMs}`);
  }
}

/** The error of a call that has to fail. */
export async function failureOf(call: Promise<unknown>): Promise<CacheError> {
  const error = await call.then(() => undefined, (error) => error);
  assert.ok(error, "it did not fail");
  assert.ok(error instanceof CacheError, String(error));
  return error;
}

/** The cache keeps values again within five seconds, by itself. */
export function works({ cache }: Pick<OpenCache, "cache">): Promise<void> {
  return until("the cache works again", async () => {
    const value = crypto.randomUUID();
    await cache.set("is-it-back", value);
    return await cache.get("is-it-back") === value;
  });
}

/** Ends every connection to the server but the one that says so. */
export async function killClients(url: string): Promise<void> {
  await withRedis(url, (send) => send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"));
}

/** A cache, and another one that shares its namespace. */
export type TwoCaches = OpenCache & { readonly other: RedisCacheProvider };

/** A cache as configured, with short deadlines, and one that goes straight to the server and shares its namespace. */
export function withTwoCaches(
  server: PrivateRedis,
  options: RedisCacheConfig,
  use: (open: TwoCaches) => Promise<void>,
): Promise<void> {
  const namespace = testNamespace();
  return withCache(
    { namespace, url: server.url },
    ({ cache: other }) =>
      withCache({ ...IMPATIENT, ...options, namespace }, (open) => use({ ...open, other })),
  );
}

/** Whether the cache sends nothing more, because the server does not answer or there is no connection. */
export async function refusesAtOnce(cache: RedisCacheProvider): Promise<boolean> {
  const { message } = await failureOf(cache.exists("probe"));
  return message.startsWith("Cannot start");
}

/** How many invalidations the cache owes; `undefined` while the server is away. */
export async function owedBy(cache: CacheProvider): Promise<unknown> {
  return (await cache.health().catch(() => undefined))?.delayedInvalidations;
}
