import type { CallOptions } from "../core/call_options.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { ValidationError } from "../core/errors.ts";
import type { Lock, LockOptions } from "../core/lock.ts";
import { type Observer, safeObserver, silentObserver } from "../core/observer.ts";
import { checkInteger } from "../core/validation.ts";
import type {
  CacheCapabilities,
  CacheProvider,
  GetOrSetOptions,
  Loader,
  ReadOptions,
  SetOptions,
  WriteOptions,
} from "./cache.ts";
import { checkCall, checkLoader, checkSchema, closedError } from "./call_rules.ts";
import { ClosableCalls } from "./closable_calls.ts";
import { handOut } from "./frozen_value.ts";
import { InvalidationOutbox } from "./invalidation_outbox.ts";
import type { Invalidation, TieredStore } from "./invalidations.ts";
import { checkEntries, checkKeys } from "./key_rules.ts";
import type { RateLimit, RateLimitResult } from "./rate_limiter.ts";
import { LOAD_TIMEOUT_MS } from "./read_through.ts";
import { RunningCalls } from "./running_calls.ts";
import { TierMemory } from "./tier_memory.ts";
import { TierReader } from "./tier_reader.ts";
import { checkTtl, MAX_TTL_MS } from "./ttl.ts";
import { checkLoad } from "./write_rules.ts";

/** How to build a {@linkcode TieredCacheProvider}. */
export interface TieredCacheConfig {
  /** What is behind the memory; it stays open. */
  readonly store: TieredStore;
  /** The most memory that keys, tags and values may take, estimated in bytes. Default: 64 MiB. */
  readonly maxBytes?: number | undefined;
  /** The longest that a value is served from memory, in milliseconds. Default: 30,000. */
  readonly ttlMs?: number | undefined;
  /** Tells when a value expires. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
  /** Hears of gaps and delays. Default: nobody. */
  readonly observer?: Observer | undefined;
}

/**
 * Memory in front of a shared cache: a value that `get` or `getOrSet` has read is served from the memory of
 * this process until it expires, `ttlMs` have passed, or somebody changes it. Every change goes to the store, and
 * the other processes are told to drop what they have of it.
 *
 * **Staleness.** Whoever made a change sees it at once; others normally after a round trip, and if every message
 * is lost after `ttlMs` at most. Where messages may have been lost, all memory is dropped. A message that
 * cannot be sent waits until it can be; the call has succeeded, because the store has the change. Who changes
 * the store without a tier tells nobody: for that, `ttlMs` is the bound. It is measured by the wall clock, and
 * longer by as much as that is set back.
 *
 * **When the store is away**, memory serves what it has until that expires; everything else is as the store does it.
 *
 * Memory is filled by `get` and `getOrSet`, not by `mget`, which cannot tell how long a value lives, and not by
 * writes. What is in memory is not loaded early by `earlyRefresh`: with that, `getOrSet` leaves filling memory to
 * `get`. `exists`, `ttl` and everything that changes something ask the store.
 *
 * It counts `cache.invalidation_delayed` for every message that could not be sent, and `cache.memory_dropped` for
 * every time that messages may have been lost. `health` gives `entries`, `bytes`, `maxBytes`, `waiting` (what
 * others have not been told yet) and that of the `store`.
 *
 * ```ts
 * import { TieredCacheProvider } from "@benchmark-exchange/infrastructure/cache";
 * import { RedisCacheProvider } from "@benchmark-exchange/infrastructure/cache/redis";
 *
 * const store = await RedisCacheProvider.connect({ url: "redis://127.0.0.1:6379" });
 * const cache = await TieredCacheProvider.connect({ store, maxBytes: 16 * 1024 * 1024 });
 * await cache.close();
 * await store.close();
 * ```
 */
export class TieredCacheProvider implements CacheProvider {
  /** Others see the values; calls on many keys are several steps. */
  readonly capabilities: CacheCapabilities = { shared: true, atomicMany: false };

  readonly #store: TieredStore;
  readonly #memory: TierMemory;
  readonly #reader: TierReader;
  readonly #outbox: InvalidationOutbox;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #loads = new ClosableCalls();
  readonly #changes = new RunningCalls();
  #unsubscribe: () => Promise<void> = () => Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(
    { store, maxBytes, ttlMs, clock = systemClock, observer }: TieredCacheConfig,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#observer = safeObserver(observer ?? silentObserver);
    this.#memory = new TierMemory({
      maxBytes: checkInteger("maxBytes", maxBytes ?? 64 * 1024 * 1024, { min: 1 }),
      ttlMs: checkTtl(ttlMs ?? 30_000),
      clock,
    });
    this.#reader = new TierReader(store, this.#memory);
    this.#outbox = new InvalidationOutbox({
      channel: store.invalidations,
      clock,
      observer: this.#observer,
    });
  }

  /**
   * Subscribes to the invalidations of the store. Rejects with a `CacheError` if that cannot be done, and
   * with a `ValidationError` for a bad limit.
   */
  static async connect(config: TieredCacheConfig): Promise<TieredCacheProvider> {
    const provider = new TieredCacheProvider(config);
    provider.#unsubscribe = await config.store.invalidations.subscribe({
      onInvalidation: (invalidation) => provider.#memory.drop(invalidation),
      onGap: () => provider.#dropAll(),
    });
    return provider;
  }

  /** See {@linkcode CacheProvider.get}. */
  // deno-lint-ignore require-await -- an await, also where a hit does not come by, takes as long as the hit on Bun
  async get<T>(key: string, options?: ReadOptions<T>): Promise<T | undefined> {
    this.#enter("get", options);
    if (options !== undefined) checkSchema(options.schema);
    const entry = this.#memory.get(key);
    if (entry === undefined) return this.#reader.read(key, options);
    const schema = this.#reader.schemaOf(key, options);
    if (schema === undefined) return handOut(entry.value) as T;
    const kept = this.#reader.fit<T>(key, entry.value, schema);
    return kept ? kept.value : this.#store.get(key, options);
  }

  /** See {@linkcode CacheProvider.mget}. */
  async mget<T>(keys: readonly string[], options?: ReadOptions<T>): Promise<(T | undefined)[]> {
    this.#enter("mget", options);
    checkSchema(options?.schema);
    const kept = checkKeys(keys).map((key) => this.#reader.recall(key, options));
    const missing = keys.filter((_, i) => kept[i] === undefined);
    const found = missing.length > 0 ? await this.#store.mget(missing, options) : [];
    let next = 0;
    return kept.map((one) => one ? one.value : found[next++]);
  }

  /** See {@linkcode CacheProvider.set}. */
  async set(key: string, value: unknown, options?: SetOptions): Promise<void> {
    this.#enter("set", options);
    await this.#change(keyed(key), () => this.#store.set(key, value, options));
  }

  /** See {@linkcode CacheProvider.mset}. */
  async mset(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options?: SetOptions,
  ): Promise<void> {
    this.#enter("mset", options);
    const checked = checkEntries(entries);
    const keys = checked.map(([key]) => key);
    await this.#change({ kind: "key", keys }, () => this.#store.mset(checked, options));
  }

  /** See {@linkcode CacheProvider.setNx}. */
  async setNx(key: string, value: unknown, options?: SetOptions): Promise<boolean> {
    this.#enter("setNx", options);
    const write = (): Promise<boolean> => this.#store.setNx(key, value, options);
    return await this.#change(keyed(key), write, (wrote) => wrote);
  }

  /** See {@linkcode CacheProvider.delete}. */
  async delete(key: string, options?: CallOptions): Promise<boolean> {
    this.#enter("delete", options);
    // Also if it was not there: the store may have lost it, while some memory still has it.
    return await this.#change(keyed(key), () => this.#store.delete(key, options));
  }

  /** See {@linkcode CacheProvider.deletePattern}. */
  async deletePattern(pattern: string, options?: CallOptions): Promise<number> {
    this.#enter("deletePattern", options);
    const remove = (): Promise<number> => this.#store.deletePattern(pattern, options);
    return await this.#change({ kind: "pattern", pattern }, remove);
  }

  /** See {@linkcode CacheProvider.invalidateTag}. */
  async invalidateTag(tag: string, options?: CallOptions): Promise<void> {
    this.#enter("invalidateTag", options);
    await this.#change({ kind: "tag", tag }, () => this.#store.invalidateTag(tag, options));
  }

  /** See {@linkcode CacheProvider.exists}. */
  async exists(key: string, options?: CallOptions): Promise<boolean> {
    this.#enter("exists", options);
    return await this.#store.exists(key, options);
  }

  /** See {@linkcode CacheProvider.increment}. */
  async increment(key: string, by?: number, options?: WriteOptions): Promise<number> {
    this.#enter("increment", options);
    return await this.#change(keyed(key), () => this.#store.increment(key, by, options));
  }

  /** See {@linkcode CacheProvider.ttl}. */
  async ttl(key: string, options?: CallOptions): Promise<number | null | undefined> {
    this.#enter("ttl", options);
    return await this.#store.ttl(key, options);
  }

  /** See {@linkcode CacheProvider.expire}. */
  async expire(key: string, ttlMs: number, options?: CallOptions): Promise<boolean> {
    this.#enter("expire", options);
    const write = (): Promise<boolean> => this.#store.expire(key, ttlMs, options);
    return await this.#change(keyed(key), write, (wrote) => wrote);
  }

  /** See {@linkcode CacheProvider.getOrSet}. */
  async getOrSet<T>(key: string, loader: Loader<T>, options?: GetOrSetOptions<T>): Promise<T> {
    this.#enter("getOrSet", options);
    checkLoader(loader);
    checkSchema(options?.schema);
    // The store may have a default for `ttlMs`, so only the store can tell whether it is missing.
    const { earlyRefresh } = checkLoad(options, MAX_TTL_MS);
    const startMs = this.#clock.monotonic();
    const kept = this.#reader.recall(key, options) ??
      (earlyRefresh > 0 ? undefined : await this.#reader.readForLoad(key, options));
    return kept ? kept.value : await this.#load(key, loader, options, startMs);
  }

  /** See {@linkcode CacheProvider.withLock}; the store's. */
  async withLock<T>(
    name: string,
    fn: (lock: Lock) => Promise<T> | T,
    options?: LockOptions,
  ): Promise<T> {
    this.#enter("withLock", undefined);
    return await this.#store.withLock(name, fn, options);
  }

  /** See {@linkcode CacheProvider.checkRateLimit}; the store's. */
  async checkRateLimit(
    key: string,
    limit: RateLimit,
    options?: CallOptions,
  ): Promise<RateLimitResult> {
    this.#enter("checkRateLimit", options);
    return await this.#store.checkRateLimit(key, limit, options);
  }

  /** See {@linkcode CacheProvider.health}. */
  async health(options?: CallOptions): Promise<Record<string, unknown>> {
    this.#enter("health", options);
    const store = await this.#store.health(options);
    return { adapter: "tiered", ...this.#memory.figures, waiting: this.#outbox.size, store };
  }

  /**
   * Ends the subscription and drops the memory; the store stays open. Resolves when the changes that run have settled,
   * and others have been told of what has changed, if they can be. Running `getOrSet` calls reject with code `closed`. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** The same as {@linkcode TieredCacheProvider.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#memory.close();
    this.#loads.close();
    await this.#changes.settled();
    await this.#outbox.close();
    await this.#unsubscribe();
  }

  #enter(method: string, options: CallOptions | undefined): void {
    if (this.#closing !== undefined) throw closedError(`CacheProvider.${method}`);
    if (options !== undefined) checkCall(`CacheProvider.${method}`, options);
  }

  #load<T>(
    key: string,
    loader: Loader<T>,
    options: GetOrSetOptions<T> | undefined,
    startMs: number,
  ): Promise<T> {
    const { timeoutMs = LOAD_TIMEOUT_MS } = options ?? {};
    const leftMs = Math.max(1, timeoutMs - (this.#clock.monotonic() - startMs));
    const call = { operation: "CacheProvider.getOrSet", signal: options?.signal };
    return this.#loads.run(
      call,
      (signal) => this.#store.getOrSet(key, loader, { ...options, signal, timeoutMs: leftMs }),
    );
  }

  /** Changes the store, and then drops what is outdated here and elsewhere. */
  #change<R>(
    invalidation: Invalidation,
    run: () => Promise<R>,
    hasChanged: (result: R) => boolean = () => true,
  ): Promise<R> {
    return this.#changes.track(this.#runChange(invalidation, run, hasChanged));
  }

  async #runChange<R>(
    invalidation: Invalidation,
    run: () => Promise<R>,
    hasChanged: (result: R) => boolean,
  ): Promise<R> {
    try {
      const result = await run();
      if (hasChanged(result)) this.#invalidate(invalidation);
      return result;
    } catch (error) {
      // It may have happened all the same, or be carried out later.
      if (!(error instanceof ValidationError)) this.#invalidate(invalidation);
      throw error;
    }
  }

  #invalidate(invalidation: Invalidation): void {
    this.#memory.drop(invalidation);
    this.#outbox.add(invalidation);
  }

  #dropAll(): void {
    this.#memory.dropAll();
    this.#observer.count("cache.memory_dropped", 1);
  }
}

function keyed(key: string): Invalidation {
  return { kind: "key", keys: [key] };
}
