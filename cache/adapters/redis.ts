/**
 * The cache on Redis or Valkey, over `@redis/client`, the client of the package `redis`.
 *
 * @module
 */

import type { CallOptions } from "../../core/call_options.ts";
import type { Lock, LockOptions } from "../../core/lock.ts";
import { checkInteger } from "../../core/validation.ts";
import type {
  CacheCapabilities,
  GetOrSetOptions,
  Loader,
  ReadOptions,
  SetOptions,
  ValueSchema,
  WriteOptions,
} from "../cache.ts";
import { checkCall, checkLoader, checkSchema, closedError, notCountable } from "../call_rules.ts";
import { encodeValue } from "../encoded_value.ts";
import { compileGlob } from "../glob.ts";
import type { EntryOfStore, TieredStore } from "../invalidations.ts";
import { checkEntries, checkKey, checkKeys } from "../key_rules.ts";
import type { RateLimit, RateLimitResult } from "../rate_limiter.ts";
import { LOAD_TIMEOUT_MS, type LoadOptions, ReadThrough } from "../read_through.ts";
import { checkTtl } from "../ttl.ts";
import { checkedTtl, checkLoad, checkWrite } from "../write_rules.ts";
import type { RedisClientLike } from "../../core/redis/channel.ts";
import { CACHE_AREA } from "./redis/cache_area.ts";
import {
  checkConfig,
  type RedisCacheConfig,
  type RedisCacheOptions,
  type RedisCacheSettings,
} from "./redis/config.ts";
import { RedisConnection } from "../../core/redis/connection.ts";
import { type Examined, isReloadDue } from "./redis/examined.ts";
import type { StoredRecord } from "./redis/frame.ts";
import { GuardedValues, PATTERN_TIMEOUT_MS } from "./redis/guarded_values.ts";
import { RedisInvalidationChannel } from "./redis/invalidation_channel.ts";
import { RedisLoads } from "./redis/loads.ts";
import { RedisLocks } from "./redis/locks.ts";
import { OwedInvalidations, unlinkOwed } from "./redis/owed_invalidations.ts";
import { RedisRateLimits } from "./redis/rate_limits.ts";
import type { ScriptCall } from "./redis/script.ts";
import { RedisStore } from "./redis/store.ts";

export type { RedisCacheConfig, RedisCacheOptions } from "./redis/config.ts";
export type { RedisClientLike } from "../../core/redis/channel.ts";

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
export class RedisCacheProvider implements TieredStore {
  /** Others see the values; calls on many keys are several steps. */
  readonly capabilities: CacheCapabilities = { shared: true, atomicMany: false };

  /** Tells what became invalid, to every provider with the same namespace. */
  readonly invalidations: RedisInvalidationChannel;

  readonly #settings: RedisCacheSettings;
  readonly #store: RedisStore;
  readonly #guarded: GuardedValues;
  readonly #loads: RedisLoads;
  readonly #through: ReadThrough<StoredRecord>;
  readonly #rateLimits: RedisRateLimits;
  readonly #locks: RedisLocks;
  readonly #owed: OwedInvalidations;
  readonly #closing = new AbortController();

  private constructor(store: RedisStore, owed: OwedInvalidations, settings: RedisCacheSettings) {
    this.#settings = settings;
    this.#store = store;
    this.#owed = owed;
    this.#guarded = new GuardedValues(store, owed, settings);
    this.#loads = new RedisLoads(store, this.#guarded.values, {
      ...settings,
      settled: (key, call) => this.#guarded.settled(key, call),
      onDropped: (reason) => this.#guarded.policy.dropped(reason),
    });
    this.#through = new ReadThrough(this.#loads, settings);
    this.#rateLimits = new RedisRateLimits(store.run);
    this.#locks = new RedisLocks(store.run, { ...settings, closed: this.#closing.signal });
    this.invalidations = new RedisInvalidationChannel({ ...settings, store, owed });
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
    return new RedisCacheProvider(store, owed, settings);
  }

  /** See {@linkcode CacheProvider.get}. */
  async get<T>(key: string, options?: ReadOptions<T>): Promise<T | undefined> {
    const call = this.#enter("get", options, this.#settings.readTimeoutMs);
    checkSchema(options?.schema);
    return await this.#guarded.read(checkKey(key), options?.schema, call);
  }

  /** See {@linkcode TieredStore.getEntry}. */
  async getEntry(key: string, options?: CallOptions): Promise<EntryOfStore | undefined> {
    const call = this.#enter("get", options, this.#settings.readTimeoutMs);
    return await this.#guarded.readEntry(checkKey(key), call);
  }

  /** See {@linkcode TieredStore.schemaOf}. */
  schemaOf(key: string): ValueSchema<unknown> | undefined {
    return this.#guarded.schemaOf(key, undefined);
  }

  /** See {@linkcode CacheProvider.mget}. */
  async mget<T>(keys: readonly string[], options?: ReadOptions<T>): Promise<(T | undefined)[]> {
    const call = this.#enter("mget", options, this.#settings.readTimeoutMs);
    checkSchema(options?.schema);
    return await this.#guarded.readMany(checkKeys(keys), options?.schema, call);
  }

  /** See {@linkcode CacheProvider.set}. */
  async set(key: string, value: unknown, options?: SetOptions): Promise<void> {
    const call = this.#enter("set", options);
    checkKey(key);
    const encoded = encodeValue("value", value);
    const settings = checkWrite(options, this.#settings.defaultTtlMs);
    this.#through.forget(key);
    await this.#guarded.write(key, encoded, settings, call);
  }

  /** See {@linkcode CacheProvider.mset}. */
  async mset(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options?: SetOptions,
  ): Promise<void> {
    const call = this.#enter("mset", options);
    const checked = new Map(
      checkEntries(entries).map(([key, value], i) => {
        const encoded = encodeValue(`entries[${i}].value`, value);
        return [key, { encoded, settings: checkWrite(options, this.#settings.defaultTtlMs) }];
      }),
    );
    await Promise.all(
      [...checked].map(([key, { encoded, settings }]) => {
        this.#through.forget(key);
        return this.#guarded.write(key, encoded, settings, call);
      }),
    );
  }

  /** See {@linkcode CacheProvider.setNx}. */
  async setNx(key: string, value: unknown, options?: SetOptions): Promise<boolean> {
    const call = this.#enter("setNx", options);
    checkKey(key);
    const encoded = encodeValue("value", value);
    const settings = checkWrite(options, this.#settings.defaultTtlMs);
    const values = await this.#guarded.settled(key, call);
    const wrote = await values.writeIfMissing(key, encoded, settings, call);
    if (wrote) this.#through.forget(key);
    return wrote;
  }

  /** See {@linkcode CacheProvider.delete}. */
  async delete(key: string, options?: CallOptions): Promise<boolean> {
    const call = this.#enter("delete", options);
    this.#through.forget(checkKey(key));
    return await this.#guarded.remove(key, call);
  }

  /** See {@linkcode CacheProvider.deletePattern}. Default deadline: 30,000 ms. */
  async deletePattern(pattern: string, options?: CallOptions): Promise<number> {
    const call = this.#enter("deletePattern", options, PATTERN_TIMEOUT_MS);
    this.#through.forgetWhere(compileGlob(pattern));
    return await this.#guarded.removePattern(pattern, call);
  }

  /** See {@linkcode CacheProvider.invalidateTag}. */
  async invalidateTag(tag: string, options?: CallOptions): Promise<void> {
    const call = this.#enter("invalidateTag", options);
    this.#through.forgetTag(checkKey(tag, "tag"));
    await this.#guarded.invalidateTag(tag, call);
  }

  /** See {@linkcode CacheProvider.exists}. */
  async exists(key: string, options?: CallOptions): Promise<boolean> {
    const call = this.#enter("exists", options);
    const values = await this.#guarded.settled(checkKey(key), call);
    return await values.ttl(key, call) !== undefined;
  }

  /** See {@linkcode CacheProvider.increment}. */
  async increment(key: string, by = 1, options?: WriteOptions): Promise<number> {
    const call = this.#enter("increment", options);
    checkKey(key);
    checkInteger("by", by, { min: Number.MIN_SAFE_INTEGER });
    const ttlMs = checkedTtl(options, this.#settings.defaultTtlMs);
    const values = await this.#guarded.settled(key, call);
    const sum = await values.increment(key, by, ttlMs, call);
    if (sum === undefined) throw notCountable(call.operation);
    this.#through.forget(key);
    return sum;
  }

  /** See {@linkcode CacheProvider.ttl}. */
  async ttl(key: string, options?: CallOptions): Promise<number | null | undefined> {
    const call = this.#enter("ttl", options);
    const values = await this.#guarded.settled(checkKey(key), call);
    return await values.ttl(key, call);
  }

  /** See {@linkcode CacheProvider.expire}. */
  async expire(key: string, ttlMs: number, options?: CallOptions): Promise<boolean> {
    const call = this.#enter("expire", options);
    checkTtl(ttlMs);
    const values = await this.#guarded.settled(checkKey(key), call);
    return await values.expire(key, ttlMs, call);
  }

  /** See {@linkcode CacheProvider.getOrSet}. */
  async getOrSet<T>(key: string, loader: Loader<T>, options?: GetOrSetOptions<T>): Promise<T> {
    const call = this.#enter("getOrSet", options, LOAD_TIMEOUT_MS);
    checkKey(key);
    checkLoader(loader);
    checkSchema(options?.schema);
    const settings = checkLoad(options, this.#settings.defaultTtlMs);
    const { signal, timeoutMs } = options ?? {};
    const schema = this.#guarded.schemaOf(key, options?.schema);
    const load: LoadOptions<T> = { loader, schema, settings, signal, timeoutMs };
    const found = await this.#examine(key, call);
    if (found?.kind === "nothing") return undefined as T;
    if (found?.kind === "value" && (found.leftMs > 0 || settings.staleMs > 0)) {
      const value = this.#guarded.fit(key, found.value, schema);
      if (value !== undefined) {
        if (found.record && isReloadDue(found, settings)) {
          this.#through.refresh(key, found.record, load);
        }
        return value;
      }
    }
    return await this.#through.load(key, { ...load, endMs: call.endMs });
  }

  /** See {@linkcode CacheProvider.withLock}, and {@linkcode RedisLocks} for how far it can be trusted. */
  async withLock<T>(
    name: string,
    fn: (lock: Lock) => Promise<T> | T,
    options?: LockOptions,
  ): Promise<T> {
    this.#enter("withLock", undefined);
    return await this.#locks.withLock(name, fn, options);
  }

  /** See {@linkcode CacheProvider.checkRateLimit}. */
  async checkRateLimit(
    key: string,
    limit: RateLimit,
    options?: CallOptions,
  ): Promise<RateLimitResult> {
    this.#enter("checkRateLimit", options);
    return await this.#rateLimits.checkRateLimit(key, limit, options);
  }

  /** See {@linkcode CacheProvider.health}. */
  async health(options?: CallOptions): Promise<Record<string, unknown>> {
    const call = this.#enter("health", options);
    await this.#store.ping(call);
    return { adapter: "redis", delayedInvalidations: this.#owed.size };
  }

  /**
   * See {@linkcode CacheProvider.close}. The signals of those who hold a lock abort, and they have a second to stop:
   * a lock that is not released by then stays for its `ttlMs`.
   */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(closedError("CacheProvider.withLock"));
    this.#owed.close();
    this.#through.close(closedError("CacheProvider.getOrSet"));
    const ends = [this.#loads.releaseAll(), this.#locks.released(), this.invalidations.close()];
    await Promise.all(ends);
    this.#store.connection.close();
  }

  /** The same as {@linkcode RedisCacheProvider.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #enter(method: string, options: CallOptions | undefined, defaultTimeoutMs?: number): ScriptCall {
    const operation = `CacheProvider.${method}`;
    if (this.#closing.signal.aborted) throw closedError(operation);
    checkCall(operation, options);
    const timeoutMs = options?.timeoutMs ?? defaultTimeoutMs;
    return this.#store.withEnd({ operation, signal: options?.signal, timeoutMs });
  }

  /** What the key holds, within the time for a read. */
  async #examine(key: string, call: ScriptCall): Promise<Examined | undefined> {
    const timeoutMs = Math.min(call.timeoutMs ?? Infinity, this.#settings.readTimeoutMs);
    const lease = this.#loads.leaseOf(key);
    const read = this.#store.withEnd({ ...call, timeoutMs });
    const found = await this.#guarded.examine(key, read);
    // Another process has changed the key since this one began to load it: that load is too old to be joined.
    const isOurs = found?.kind === "lease" && lease?.equals(found.frame);
    if (found && lease && !isOurs && this.#loads.leaseOf(key) === lease) this.#through.forget(key);
    return found;
  }
}
