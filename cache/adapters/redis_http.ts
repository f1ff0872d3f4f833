/**
 * The cache on Redis over HTTP, for runtimes that have `fetch` and no sockets.
 *
 * @module
 */

import { HttpRedisConnection } from "../../core/redis/http_connection.ts";
import { PackedScripts } from "../../core/redis/packed_words.ts";
import { ScriptRunner } from "../../core/redis/redis_script.ts";
import { CACHE_AREA } from "./redis/cache_area.ts";
import { checkHttpConfig, type HttpRedisCacheConfig } from "./redis/http_config.ts";
import { OwedInvalidations } from "./redis/owed_invalidations.ts";
import { RedisCache } from "./redis/redis_cache.ts";
import { RedisStore } from "./redis/store.ts";

export type { HttpRedisCacheConfig } from "./redis/http_config.ts";
export type { RedisCache } from "./redis/redis_cache.ts";
export type { Fetch } from "../../core/redis/http_server.ts";

/** Looking for the load of another process is a request, which may have to be paid for. */
const LONGEST_PAUSE_MS = 200;

/**
 * A cache on a server that speaks the REST protocol of Upstash, such as Upstash Redis or a bridge to a Redis of
 * your own. It holds the same as a `RedisCacheProvider` with the same namespace, and both can be used at once. It
 * needs the commands `EVAL` and `EVALSHA`, and the header `Upstash-Encoding`.
 *
 * Nothing is connected: the first call tells whether the server is there; `health` is one that only asks. What is
 * called in one turn of the event loop goes as one request. **When the server is away** it is as with
 * `RedisCacheProvider`: a read is a miss within `readTimeoutMs`, removals are carried out later; see there.
 *
 * **Only over a connection.** There are no messages over this protocol, so it cannot be the store of a
 * `TieredCacheProvider`, and what it changes is told to no tier of others, whose `ttlMs` is then the bound.
 *
 * **Not promised.** Requests can overtake each other: calls on one key that overlap take effect in any order, and
 * what was given up at its deadline can still be carried out, after what was called later.
 *
 * **On Cloudflare Workers** (with `nodejs_compat`) make one for each request, which costs nothing: timers and loads
 * that others wait for end there with the request that began them, and so do removals that are owed.
 *
 * It counts what `RedisCacheProvider` counts, but for `cache.connection_lost`.
 *
 * ```ts
 * import { CacheKey } from "@benchmark-exchange/infrastructure/cache";
 * import { HttpRedisCacheProvider } from "@benchmark-exchange/infrastructure/cache/redis-http";
 *
 * export async function topModel(url: string, token: string): Promise<string> {
 *   const cache = new HttpRedisCacheProvider({ url, token });
 *   try {
 *     return await cache.getOrSet(CacheKey.leaderboard("123"), () => "first", { ttlMs: 60_000 });
 *   } finally {
 *     await cache.close();
 *   }
 * }
 * ```
 */
export class HttpRedisCacheProvider extends RedisCache {
  /**
   * Creates the provider; nothing is sent. Throws a `ConfigurationError` for a bad URL or token, and a
   * `ValidationError` for a bad option.
   */
  constructor(config: HttpRedisCacheConfig) {
    const settings = checkHttpConfig(config);
    const { address, clock, keyOf, timeoutMs } = settings;
    const connection = new HttpRedisConnection({ ...address, area: CACHE_AREA, clock });
    const scripts = new PackedScripts(new ScriptRunner(connection));
    const store = new RedisStore(connection, keyOf, timeoutMs, scripts);
    const owed = new OwedInvalidations(settings);
    super({ store, owed, adapter: "redis-http", longestPauseMs: LONGEST_PAUSE_MS }, settings);
  }
}
