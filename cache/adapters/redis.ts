/**
 * The cache on Redis or Valkey, over `@redis/client`, the client of the package `redis`.
 *
 * @module
 */

import type { CallOptions } from "../../core/call_options.ts";
import type { RedisClientLike } from "../../core/redis/channel.ts";
import { RedisConnection } from "../../core/redis/connection.ts";
import type { ValueSchema } from "../cache.ts";
import type { EntryOfStore, TieredStore } from "../invalidations.ts";
import { checkKey } from "../key_rules.ts";
import { CACHE_AREA } from "./redis/cache_area.ts";
import { checkConfig, type ConnectedCacheSettings, type RedisCacheConfig } from "./redis/config.ts";
import { RedisInvalidationChannel } from "./redis/invalidation_channel.ts";
import type { RedisCacheOptions } from "./redis/options.ts";
import { OwedInvalidations, unlinkOwed } from "./redis/owed_invalidations.ts";
import { RedisCache, type RedisCacheParts } from "./redis/redis_cache.ts";
import { RedisStore } from "./redis/store.ts";

export type { RedisCacheConfig } from "./redis/config.ts";
export type { RedisCacheOptions } from "./redis/options.ts";
export type { RedisCache } from "./redis/redis_cache.ts";
export type { RedisInvalidationChannel } from "./redis/invalidation_channel.ts";
export type { RedisClientLike } from "../../core/redis/channel.ts";

/** Looking for the load of another process costs little. */
const LONGEST_PAUSE_MS = 10;

/**
 * A cache on Redis or Valkey, a single server or a cluster, shared by all processes with the same namespace.
 *
 * **When the server is away** or slow, a read is a miss within `readTimeoutMs` and `getOrSet`
 * loads (at most `maxConcurrentLoads` at once), unless `whenUnavailable` is `error`. `set` and `mset` drop
 * the value and report it. What needs the server's answer (`setNx`, `increment`, `exists`, `ttl`,
 * `expire`) rejects. `delete`, `deletePattern` and `invalidateTag` reject, too, and are carried
 * out when the server is back, before this provider reads from it again: an invalidation is lost only with
 * its process, which knows from the error. A lost connection is replaced within 5 seconds of the
 * server's return.
 *
 * **What is kept.** JSON text as it is, so that other programs can read it; bytes, compressed values and
 * those with tags, `staleMs` or `earlyRefresh` with a few bytes before them. What cannot be decoded is a miss,
 * removed and reported. Keys are `<namespace>:<key>`.
 *
 * **Not promised.** Redis replicates asynchronously: a failover can lose what was written last, and bring back
 * what was deleted last. `getOrSet` shares loads between processes as long as the server keeps its lease.
 *
 * It counts `cache.value_dropped` with the attribute `reason`: `schema_mismatch`, `no_room`,
 * `unavailable`, `undecodable`, `wrong_type`; `cache.unavailable` for each read that was a miss for lack of a
 * server, `cache.connection_lost`, and `cache.invalidation_delayed`.
 *
 * ```ts
 * import { CacheKey } from "@benchmark-exchange/infrastructure/cache";
 * import { RedisCacheProvider } from "@benchmark-exchange/infrastructure/cache/redis";
 *
 * const cache = await RedisCacheProvider.connect({ url: "redis://127.0.0.1:6379" });
 * const board = await cache.getOrSet(CacheKey.leaderboard("123"), () => Promise.resolve(["first"]), {
 *   ttlMs: 60_000,
 *   staleMs: 600_000,
 *   tags: ["benchmark:123"],
 * });
 * await cache.invalidateTag("benchmark:123");
 * await cache.close();
 * console.log(board[0]);
 * ```
 */
export class RedisCacheProvider extends RedisCache implements TieredStore {
  /** Tells what became invalid, to every provider with the same namespace. */
  readonly invalidations: RedisInvalidationChannel;
  readonly #readTimeoutMs: number;

  private constructor(parts: RedisCacheParts, settings: ConnectedCacheSettings) {
    super(parts, settings);
    this.#readTimeoutMs = settings.readTimeoutMs;
    this.invalidations = new RedisInvalidationChannel({ ...settings, ...parts });
  }

  /**
   * Connects. Takes a configuration, or a client of the package `redis` (single or cluster) and options: the
   * cache then makes connections of its own with that client's options, and leaves the client alone.
   *
   * Rejects with a `CacheError` if the server cannot be reached within `connectTimeoutMs`, and with a
   * `ValidationError` or `ConfigurationError` for bad input.
   */
  static async connect(
    source: RedisCacheConfig | RedisClientLike = {},
    options: RedisCacheOptions = {},
  ): Promise<RedisCacheProvider> {
    const settings = checkConfig(source, options);
    const owed = new OwedInvalidations(settings);
    const connection = await RedisConnection.open({
      ...settings,
      area: CACHE_AREA,
      prepare: (channel) => owed.carryOut((one) => unlinkOwed(channel, one, settings.keyOf)),
    });
    const store = new RedisStore(connection, settings.keyOf, settings.timeoutMs);
    const parts = { store, owed, adapter: "redis", longestPauseMs: LONGEST_PAUSE_MS };
    return new RedisCacheProvider(parts, settings);
  }

  /** See {@linkcode TieredStore.getEntry}. */
  async getEntry(key: string, options?: CallOptions): Promise<EntryOfStore | undefined> {
    const call = this.enter("get", options, this.#readTimeoutMs);
    return await this.guarded.readEntry(checkKey(key), call);
  }

  /** See {@linkcode TieredStore.schemaOf}. */
  schemaOf(key: string): ValueSchema<unknown> | undefined {
    return this.guarded.schemaOf(key, undefined);
  }

  /** Ends the subscriptions. */
  protected override end(): Promise<void> {
    return this.invalidations.close();
  }
}
