// deno-lint-ignore-file require-await -- `async` is what turns a refused argument into a rejection.
import type { CallOptions } from "../../core/call_options.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { CacheError } from "../../core/errors.ts";
import type { Lock, LockOptions } from "../../core/lock.ts";
import { type Observer, safeObserver, silentObserver } from "../../core/observer.ts";
import { checkInteger } from "../../core/validation.ts";
import type {
  CacheCapabilities,
  CacheProvider,
  GetOrSetOptions,
  Loader,
  ReadOptions,
  SetOptions,
  ValueSchema,
  WriteOptions,
} from "../cache.ts";
import { checkCall, checkLoader, checkSchema, closedError, notCountable } from "../call_rules.ts";
import { isRefreshDue } from "../early_refresh.ts";
import { encodeValue } from "../encoded_value.ts";
import { freezeValue, handOut } from "../frozen_value.ts";
import { compileGlob } from "../glob.ts";
import { checkEntries, checkKey, checkKeys } from "../key_rules.ts";
import { MemoryEntries, type MemoryEntry } from "../memory_entries.ts";
import { MemoryLocks } from "../memory_locks.ts";
import { MemoryRateLimits } from "../memory_rate_limits.ts";
import type { RateLimit, RateLimitResult } from "../rate_limiter.ts";
import { type LoadOptions, ReadThrough } from "../read_through.ts";
import { checkTtl } from "../ttl.ts";
import { checkedTtl, checkLoad, checkWrite, type WriteSettings } from "../write_rules.ts";

/** How to build a {@linkcode MemoryCacheProvider}. */
export interface MemoryCacheConfig {
  /** The most memory that keys, tags and values may take, estimated in bytes. Default: 64 MiB. */
  readonly maxBytes?: number;
  /** The TTL of what is written without one. Default: none, values stay until they are evicted. */
  readonly defaultTtlMs?: number;
  /** Tells when a value expires, and measures deadlines. Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Hears of values that were dropped. Default: nobody. */
  readonly observer?: Observer;
}

/**
 * A cache in the memory of this process, bounded in bytes: when there is no room, old entries that
 * were not used lately go first (SIEVE), and a value above the limit is not kept at all. A hit costs
 * little more than reading a `Map`, because callers share one frozen value.
 *
 * Values expire by the wall clock, as on a Redis server: sleep of the machine counts, and setting the
 * clock back keeps them longer by as much. When more than 32 values are read in one millisecond, up to
 * 128 further reads go by the same look at the clock, until the event loop turns: if the process is
 * busy with something else between two of these, the second does not see that time has passed.
 *
 * It counts `cache.value_dropped` with the attribute `reason`: `no_room` or `schema_mismatch`.
 * `health` gives `entries` (some may have expired), `bytes` and `maxBytes`.
 *
 * ```ts
 * import { CacheKey, MemoryCacheProvider } from "@benchmark-exchange/infrastructure/cache";
 *
 * const cache = new MemoryCacheProvider({ maxBytes: 16 * 1024 * 1024 });
 * const key = CacheKey.benchmark("123");
 * const load = () => Promise.resolve({ name: "HumanEval" });
 * const benchmark = await cache.getOrSet(key, load, { ttlMs: 60_000 });
 * await cache.deletePattern("benchmark:*");
 * await cache.close();
 * console.log(benchmark.name);
 * ```
 */
export class MemoryCacheProvider implements CacheProvider {
  /** Nobody else sees the values; calls on many keys are one step. */
  readonly capabilities: CacheCapabilities = { shared: false, atomicMany: true };

  readonly #entries: MemoryEntries;
  readonly #loads: ReadThrough<MemoryEntry>;
  readonly #rateLimits: MemoryRateLimits;
  readonly #locks: MemoryLocks;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #defaultTtlMs: number | undefined;
  #closed = false;

  /** Creates an empty cache; throws a `ValidationError` for a bad limit or TTL. */
  constructor(config: MemoryCacheConfig = {}) {
    const { maxBytes = 64 * 1024 * 1024, defaultTtlMs, clock = systemClock } = config;
    this.#observer = safeObserver(config.observer ?? silentObserver);
    this.#entries = new MemoryEntries({
      maxBytes: checkInteger("maxBytes", maxBytes, { min: 1 }),
      clock,
      onNoRoom: () => this.#dropped("no_room"),
      onChange: (key) => this.#loads.forget(key),
    });
    this.#defaultTtlMs = defaultTtlMs === undefined
      ? undefined
      : checkTtl(defaultTtlMs, "defaultTtlMs");
    this.#clock = clock;
    this.#rateLimits = new MemoryRateLimits({ clock });
    this.#locks = new MemoryLocks({ clock });
    this.#loads = new ReadThrough(this.#entries, { clock, observer: this.#observer });
  }

  /** See {@linkcode CacheProvider.get}. */
  async get<T>(key: string, options?: ReadOptions<T>): Promise<T | undefined> {
    this.#enter("get", options);
    checkSchema(options?.schema);
    return this.#read(key, options?.schema);
  }

  /** See {@linkcode CacheProvider.mget}. */
  async mget<T>(keys: readonly string[], options?: ReadOptions<T>): Promise<(T | undefined)[]> {
    this.#enter("mget", options);
    checkSchema(options?.schema);
    return checkKeys(keys).map((key) => this.#read(key, options?.schema));
  }

  /** See {@linkcode CacheProvider.set}. */
  async set(key: string, value: unknown, options?: SetOptions): Promise<void> {
    this.#enter("set", options);
    checkKey(key);
    const settings = checkWrite(options, this.#defaultTtlMs);
    this.#entries.write(key, this.#entry(key, "value", value, settings));
  }

  /** See {@linkcode CacheProvider.mset}. */
  async mset(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options?: SetOptions,
  ): Promise<void> {
    this.#enter("mset", options);
    const checked = checkEntries(entries).map(([key, value], i) => {
      const settings = checkWrite(options, this.#defaultTtlMs);
      return [key, this.#entry(key, `entries[${i}].value`, value, settings)] as const;
    });
    for (const [key, entry] of checked) this.#entries.write(key, entry);
  }

  /** See {@linkcode CacheProvider.setNx}. */
  async setNx(key: string, value: unknown, options?: SetOptions): Promise<boolean> {
    this.#enter("setNx", options);
    checkKey(key);
    const entry = this.#entry(key, "value", value, checkWrite(options, this.#defaultTtlMs));
    if (this.#find(key)) return false;
    if (!this.#entries.write(key, entry)) throw noRoom("setNx", entry.bytes);
    return true;
  }

  /** See {@linkcode CacheProvider.delete}. */
  async delete(key: string, options?: CallOptions): Promise<boolean> {
    this.#enter("delete", options);
    return this.#entries.remove(checkKey(key));
  }

  /** See {@linkcode CacheProvider.deletePattern}. */
  async deletePattern(pattern: string, options?: CallOptions): Promise<number> {
    this.#enter("deletePattern", options);
    const matches = compileGlob(pattern);
    this.#loads.forgetWhere(matches);
    return this.#entries.keys().filter(matches).filter((key) => this.#entries.remove(key)).length;
  }

  /** See {@linkcode CacheProvider.invalidateTag}. */
  async invalidateTag(tag: string, options?: CallOptions): Promise<void> {
    this.#enter("invalidateTag", options);
    this.#loads.forgetTag(checkKey(tag, "tag"));
    this.#entries.removeTagged(tag);
  }

  /** See {@linkcode CacheProvider.exists}. */
  async exists(key: string, options?: CallOptions): Promise<boolean> {
    this.#enter("exists", options);
    return this.#find(key) !== undefined;
  }

  /** See {@linkcode CacheProvider.increment}. */
  async increment(key: string, by = 1, options?: WriteOptions): Promise<number> {
    this.#enter("increment", options);
    checkKey(key);
    checkInteger("by", by, { min: Number.MIN_SAFE_INTEGER });
    const ttlMs = checkedTtl(options, this.#defaultTtlMs);
    const found = this.#find(key);
    const sum = add(found?.isPlain === false ? undefined : found ? found.value : 0, by);
    const entry = this.#entry(key, "value", sum, { ttlMs, tags: [] });
    if (found) entry.expiresAtMs = found.expiresAtMs;
    if (!this.#entries.write(key, entry)) throw noRoom("increment", entry.bytes);
    return sum;
  }

  /** See {@linkcode CacheProvider.ttl}. */
  async ttl(key: string, options?: CallOptions): Promise<number | null | undefined> {
    this.#enter("ttl", options);
    const expiresAtMs = this.#find(key)?.expiresAtMs;
    if (expiresAtMs === undefined) return undefined;
    return expiresAtMs === Infinity ? null : Math.max(1, expiresAtMs - this.#clock.now());
  }

  /** See {@linkcode CacheProvider.expire}. */
  async expire(key: string, ttlMs: number, options?: CallOptions): Promise<boolean> {
    this.#enter("expire", options);
    checkTtl(ttlMs);
    const entry = this.#find(key);
    if (!entry) return false;
    const staleMs = entry.staleUntilMs === undefined ? 0 : entry.staleUntilMs - entry.expiresAtMs;
    entry.expiresAtMs = this.#clock.now() + ttlMs;
    if (staleMs > 0) entry.staleUntilMs = entry.expiresAtMs + staleMs;
    return true;
  }

  /** See {@linkcode CacheProvider.getOrSet}. */
  async getOrSet<T>(key: string, loader: Loader<T>, options?: GetOrSetOptions<T>): Promise<T> {
    this.#enter("getOrSet", options);
    checkLoader(loader);
    checkSchema(options?.schema);
    const settings = checkLoad(options, this.#defaultTtlMs);
    const { schema, signal, timeoutMs } = options ?? {};
    const load: LoadOptions<T> = { loader, settings, schema, signal, timeoutMs };
    const cached = this.#read(key, schema);
    if (cached !== undefined) {
      if (settings.earlyRefresh > 0) this.#refreshEarly(key, load);
      return cached;
    }
    const stale = this.#entries.getStale(key);
    if (stale?.isNothing) return undefined as T;
    if (stale === undefined || settings.staleMs === 0) return this.#loads.load(key, load);
    const value = this.#fit(key, stale, schema);
    if (value === undefined) return this.#loads.load(key, load);
    this.#loads.refresh(key, stale, load);
    return value;
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

  /** See {@linkcode CacheProvider.withLock}. */
  withLock<T>(
    name: string,
    fn: (lock: Lock) => Promise<T> | T,
    options?: LockOptions,
  ): Promise<T> {
    return this.#locks.withLock(name, fn, options);
  }

  /** See {@linkcode CacheProvider.health}. */
  async health(options?: CallOptions): Promise<Record<string, unknown>> {
    this.#enter("health", options);
    const { size, bytes, maxBytes } = this.#entries;
    return { adapter: "memory", entries: size, bytes, maxBytes };
  }

  /** See {@linkcode CacheProvider.close}. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#entries.clear();
    this.#loads.close(closedError("CacheProvider.getOrSet"));
    await this.#locks.close();
  }

  /** The same as {@linkcode MemoryCacheProvider.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #enter(method: string, options: CallOptions | undefined): void {
    if (this.#closed) throw closedError(`CacheProvider.${method}`);
    if (options !== undefined) checkCall(`CacheProvider.${method}`, options);
  }

  #entry(key: string, field: string, value: unknown, settings: WriteSettings): MemoryEntry {
    return this.#entries.entryOf(key, freezeValue(encodeValue(field, value)), settings);
  }

  #find(key: string): MemoryEntry | undefined {
    const entry = this.#entries.getExact(key);
    if (entry === undefined) checkKey(key);
    return entry;
  }

  #read<T>(key: string, schema: ValueSchema<T> | undefined): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) checkKey(key); // Only here: what is found was checked when written.
    return entry && this.#fit(key, entry, schema);
  }

  #fit<T>(key: string, entry: MemoryEntry, schema: ValueSchema<T> | undefined): T | undefined {
    const value = handOut(entry.value);
    if (!schema) return value as T;
    try {
      return schema.parse(value);
    } catch {
      this.#entries.remove(key);
      this.#dropped("schema_mismatch");
      return undefined;
    }
  }

  #refreshEarly<T>(key: string, load: LoadOptions<T>): void {
    const entry = this.#entries.get(key);
    if (entry?.loadMs === undefined) return;
    const leftMs = entry.expiresAtMs - this.#clock.now();
    const eagerness = load.settings.earlyRefresh;
    if (isRefreshDue({ leftMs, loadMs: entry.loadMs, eagerness })) {
      this.#loads.refresh(key, entry, load);
    }
  }

  #dropped(reason: string): void {
    this.#observer.count("cache.value_dropped", 1, { reason });
    this.#observer.log({
      level: "warn",
      message: "A cached value was dropped",
      attributes: { reason },
    });
  }
}

function add(value: unknown, by: number): number {
  const sum = Number.isSafeInteger(value) ? (value as number) + by : NaN;
  if (Number.isSafeInteger(sum)) return sum;
  throw notCountable("CacheProvider.increment");
}

function noRoom(method: string, bytes: number): CacheError {
  return new CacheError(`Cannot keep a value: it is larger than the whole cache, got ${bytes}`, {
    code: "resource_exhausted",
    operation: `CacheProvider.${method}`,
  });
}
