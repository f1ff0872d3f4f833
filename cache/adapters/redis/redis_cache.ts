import type { CallOptions } from "../../../core/call_options.ts";
import type { Lock, LockOptions } from "../../../core/lock.ts";
import { checkInteger } from "../../../core/validation.ts";
import type {
  CacheCapabilities,
  CacheProvider,
  GetOrSetOptions,
  Loader,
  ReadOptions,
  SetOptions,
  WriteOptions,
} from "../../cache.ts";
import {
  checkCall,
  checkLoader,
  checkSchema,
  closedError,
  notCountable,
} from "../../call_rules.ts";
import { encodeValue } from "../../encoded_value.ts";
import { compileGlob } from "../../glob.ts";
import { checkEntries, checkKey, checkKeys } from "../../key_rules.ts";
import type { RateLimit, RateLimitResult } from "../../rate_limiter.ts";
import { LOAD_TIMEOUT_MS, type LoadOptions, ReadThrough } from "../../read_through.ts";
import { checkTtl } from "../../ttl.ts";
import { checkedTtl, checkLoad, checkWrite } from "../../write_rules.ts";
import { type Examined, isReloadDue } from "./examined.ts";
import type { StoredRecord } from "./frame.ts";
import { GuardedValues, PATTERN_TIMEOUT_MS } from "./guarded_values.ts";
import { RedisLoads } from "./loads.ts";
import { RedisLocks } from "./locks.ts";
import type { RedisCacheSettings } from "./options.ts";
import type { OwedInvalidations } from "./owed_invalidations.ts";
import { RedisRateLimits } from "./rate_limits.ts";
import type { ScriptCall } from "./script.ts";
import type { RedisStore } from "./store.ts";

/** What a {@linkcode RedisCache} is made of. */
export interface RedisCacheParts {
  /** Its keys on the server; closed with the cache. */
  readonly store: RedisStore;
  /** What is to be carried out later. */
  readonly owed: OwedInvalidations;
  /** What its health calls the adapter. */
  readonly adapter: string;
  /** How long those who wait for the load of another process pause between two looks, at most, in milliseconds. */
  readonly longestPauseMs: number;
}

/**
 * A cache on Redis, however the server is reached: what its adapters have in common.
 *
 * ```ts
 * import { CacheKey } from "@benchmark-exchange/infrastructure/cache";
 * import type { RedisCache } from "@benchmark-exchange/infrastructure/cache/redis";
 *
 * // For a `RedisCacheProvider` in the service and an `HttpRedisCacheProvider` at the edge.
 * export async function countView(cache: RedisCache, benchmarkId: string): Promise<number> {
 *   const key = CacheKey.of("views", benchmarkId);
 *   return await cache.increment(key, 1, { ttlMs: 86_400_000 });
 * }
 * ```
 */
export class RedisCache implements CacheProvider {
  /** Others see the values; calls on many keys are several steps. */
  readonly capabilities: CacheCapabilities = { shared: true, atomicMany: false };

  /**
   * The values, also when the server is away.
   *
   * @internal
   */
  protected readonly guarded: GuardedValues;
  readonly #settings: RedisCacheSettings;
  readonly #adapter: string;
  readonly #store: RedisStore;
  readonly #loads: RedisLoads;
  readonly #through: ReadThrough<StoredRecord>;
  readonly #rateLimits: RedisRateLimits;
  readonly #locks: RedisLocks;
  readonly #owed: OwedInvalidations;
  readonly #closing = new AbortController();

  /** Creates one for a store. */
  protected constructor(parts: RedisCacheParts, settings: RedisCacheSettings) {
    const { store, owed, adapter, longestPauseMs } = parts;
    this.#settings = settings;
    this.#adapter = adapter;
    this.#store = store;
    this.#owed = owed;
    this.guarded = new GuardedValues(store, owed, settings);
    this.#loads = new RedisLoads(store, this.guarded.values, {
      ...settings,
      longestPauseMs,
      settled: (key, call) => this.guarded.settled(key, call),
      onDropped: (reason) => this.guarded.policy.dropped(reason),
    });
    this.#through = new ReadThrough(this.#loads, settings);
    this.#rateLimits = new RedisRateLimits(store.run);
    this.#locks = new RedisLocks(store.run, { ...settings, closed: this.#closing.signal });
  }

  /** See {@linkcode CacheProvider.get}. */
  async get<T>(key: string, options?: ReadOptions<T>): Promise<T | undefined> {
    const call = this.enter("get", options, this.#settings.readTimeoutMs);
    checkSchema(options?.schema);
    return await this.guarded.read(checkKey(key), options?.schema, call);
  }

  /** See {@linkcode CacheProvider.mget}. */
  async mget<T>(keys: readonly string[], options?: ReadOptions<T>): Promise<(T | undefined)[]> {
    const call = this.enter("mget", options, this.#settings.readTimeoutMs);
    checkSchema(options?.schema);
    return await this.guarded.readMany(checkKeys(keys), options?.schema, call);
  }

  /** See {@linkcode CacheProvider.set}. */
  async set(key: string, value: unknown, options?: SetOptions): Promise<void> {
    const call = this.enter("set", options);
    checkKey(key);
    const encoded = encodeValue("value", value);
    const settings = checkWrite(options, this.#settings.defaultTtlMs);
    this.#through.forget(key);
    await this.guarded.write(key, encoded, settings, call);
  }

  /** See {@linkcode CacheProvider.mset}. */
  async mset(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options?: SetOptions,
  ): Promise<void> {
    const call = this.enter("mset", options);
    const checked = new Map(
      checkEntries(entries).map(([key, value], i) => {
        const encoded = encodeValue(`entries[${i}].value`, value);
        return [key, { encoded, settings: checkWrite(options, this.#settings.defaultTtlMs) }];
      }),
    );
    await Promise.all(
      [...checked].map(([key, { encoded, settings }]) => {
        this.#through.forget(key);
        return this.guarded.write(key, encoded, settings, call);
      }),
    );
  }

  /** See {@linkcode CacheProvider.setNx}. */
  async setNx(key: string, value: unknown, options?: SetOptions): Promise<boolean> {
    const call = this.enter("setNx", options);
    checkKey(key);
    const encoded = encodeValue("value", value);
    const settings = checkWrite(options, this.#settings.defaultTtlMs);
    const values = await this.guarded.settled(key, call);
    const wrote = await values.writeIfMissing(key, encoded, settings, call);
    if (wrote) this.#through.forget(key);
    return wrote;
  }

  /** See {@linkcode CacheProvider.delete}. */
  async delete(key: string, options?: CallOptions): Promise<boolean> {
    const call = this.enter("delete", options);
    this.#through.forget(checkKey(key));
    return await this.guarded.remove(key, call);
  }

  /** See {@linkcode CacheProvider.deletePattern}. Default deadline: 30,000 ms. */
  async deletePattern(pattern: string, options?: CallOptions): Promise<number> {
    const call = this.enter("deletePattern", options, PATTERN_TIMEOUT_MS);
    this.#through.forgetWhere(compileGlob(pattern));
    return await this.guarded.removePattern(pattern, call);
  }

  /** See {@linkcode CacheProvider.invalidateTag}. */
  async invalidateTag(tag: string, options?: CallOptions): Promise<void> {
    const call = this.enter("invalidateTag", options);
    this.#through.forgetTag(checkKey(tag, "tag"));
    await this.guarded.invalidateTag(tag, call);
  }

  /** See {@linkcode CacheProvider.exists}. */
  async exists(key: string, options?: CallOptions): Promise<boolean> {
    const call = this.enter("exists", options);
    const values = await this.guarded.settled(checkKey(key), call);
    return await values.ttl(key, call) !== undefined;
  }

  /** See {@linkcode CacheProvider.increment}. */
  async increment(key: string, by = 1, options?: WriteOptions): Promise<number> {
    const call = this.enter("increment", options);
    checkKey(key);
    checkInteger("by", by, { min: Number.MIN_SAFE_INTEGER });
    const ttlMs = checkedTtl(options, this.#settings.defaultTtlMs);
    const values = await this.guarded.settled(key, call);
    const sum = await values.increment(key, by, ttlMs, call);
    if (sum === undefined) throw notCountable(call.operation);
    this.#through.forget(key);
    return sum;
  }

  /** See {@linkcode CacheProvider.ttl}. */
  async ttl(key: string, options?: CallOptions): Promise<number | null | undefined> {
    const call = this.enter("ttl", options);
    const values = await this.guarded.settled(checkKey(key), call);
    return await values.ttl(key, call);
  }

  /** See {@linkcode CacheProvider.expire}. */
  async expire(key: string, ttlMs: number, options?: CallOptions): Promise<boolean> {
    const call = this.enter("expire", options);
    checkTtl(ttlMs);
    const values = await this.guarded.settled(checkKey(key), call);
    return await values.expire(key, ttlMs, call);
  }

  /** See {@linkcode CacheProvider.getOrSet}. */
  async getOrSet<T>(key: string, loader: Loader<T>, options?: GetOrSetOptions<T>): Promise<T> {
    const call = this.enter("getOrSet", options, LOAD_TIMEOUT_MS);
    checkKey(key);
    checkLoader(loader);
    checkSchema(options?.schema);
    const settings = checkLoad(options, this.#settings.defaultTtlMs);
    const { signal, timeoutMs } = options ?? {};
    const schema = this.guarded.schemaOf(key, options?.schema);
    const load: LoadOptions<T> = { loader, schema, settings, signal, timeoutMs };
    const found = await this.#examine(key, call);
    if (found?.kind === "nothing") return undefined as T;
    if (found?.kind === "value" && (found.leftMs > 0 || settings.staleMs > 0)) {
      const value = this.guarded.fit(key, found.value, schema);
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
    this.enter("withLock", undefined);
    return await this.#locks.withLock(name, fn, options);
  }

  /** See {@linkcode CacheProvider.checkRateLimit}. */
  async checkRateLimit(
    key: string,
    limit: RateLimit,
    options?: CallOptions,
  ): Promise<RateLimitResult> {
    this.enter("checkRateLimit", options);
    return await this.#rateLimits.checkRateLimit(key, limit, options);
  }

  /** See {@linkcode CacheProvider.health}. */
  async health(options?: CallOptions): Promise<Record<string, unknown>> {
    const call = this.enter("health", options);
    await this.#store.ping(call);
    return { adapter: this.#adapter, delayedInvalidations: this.#owed.size };
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
    const ends = [this.#loads.releaseAll(), this.#locks.released(), this.end()];
    await Promise.all(ends);
    this.#store.connection.close();
  }

  /** The same as {@linkcode RedisCache.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends what an adapter has besides, before its connection. */
  protected end(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Begins a call: refuses it after `close` and with bad options, and gives it its deadline.
   *
   * @internal
   */
  protected enter(
    method: string,
    options: CallOptions | undefined,
    defaultTimeoutMs?: number,
  ): ScriptCall {
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
    const found = await this.guarded.examine(key, read);
    // Another process has changed the key since this one began to load it: that load is too old to be joined.
    const isOurs = found?.kind === "lease" && lease?.equals(found.frame);
    if (found && lease && !isOurs && this.#loads.leaseOf(key) === lease) this.#through.forget(key);
    return found;
  }
}
