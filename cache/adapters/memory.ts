// deno-lint-ignore-file require-await -- `async` is what turns a refused argument into a rejection.
import type { CallOptions } from "../../core/call_options.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { CacheError, ValidationError } from "../../core/errors.ts";
import { type Observer, safeObserver, silentObserver } from "../../core/observer.ts";
import { checkInteger } from "../../core/validation.ts";
import type {
  CacheCapabilities,
  CacheProvider,
  GetOrSetOptions,
  Loader,
  ReadOptions,
  ValueSchema,
  WriteOptions,
} from "../cache.ts";
import { checkCall, checkLoader, checkSchema, closedError } from "../call_rules.ts";
import { encodeValue } from "../encoded_value.ts";
import { type ExpiringEntry, ExpiringLru } from "../expiring_lru.ts";
import { freezeValue, handOut } from "../frozen_value.ts";
import { compileGlob } from "../glob.ts";
import { checkEntries, checkKey, checkKeys } from "../key_rules.ts";
import { type Flight, SingleFlight } from "../single_flight.ts";
import { checkTtl } from "../ttl.ts";

/** How to build a {@linkcode MemoryCacheProvider}. */
export interface MemoryCacheConfig {
  /** The most memory that keys and values may take, estimated in bytes. Default: 64 MiB. */
  readonly maxBytes?: number;
  /** The TTL of what is written without one. Default: none, values stay until they are evicted. */
  readonly defaultTtlMs?: number;
  /** Tells when a value expires, and measures deadlines. Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Hears of values that were dropped. Default: nobody. */
  readonly observer?: Observer;
}

/** What an entry takes besides its key and its value. */
const ENTRY_BYTES = 160;

/**
 * A cache in the memory of this process, bounded in bytes: when there is no room, the least recently
 * used entries go first, and a value above the limit is not kept at all. A hit costs little more
 * than reading a `Map`, because callers share one frozen value.
 *
 * Values expire by the wall clock, as on a Redis server: sleep of the machine counts, and setting the
 * clock back keeps them longer by as much.
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

  readonly #entries: ExpiringLru;
  readonly #loads: SingleFlight<unknown>;
  readonly #clock: Clock;
  readonly #observer: Observer;
  readonly #defaultTtlMs: number | undefined;
  #closed = false;

  /** Creates an empty cache; throws a `ValidationError` for a bad limit or TTL. */
  constructor(config: MemoryCacheConfig = {}) {
    const { maxBytes = 64 * 1024 * 1024, defaultTtlMs, clock = systemClock } = config;
    this.#entries = new ExpiringLru(checkInteger("maxBytes", maxBytes, { min: 1 }), clock);
    this.#defaultTtlMs = defaultTtlMs === undefined
      ? undefined
      : checkTtl(defaultTtlMs, "defaultTtlMs");
    this.#clock = clock;
    this.#loads = new SingleFlight(clock);
    this.#observer = safeObserver(config.observer ?? silentObserver);
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
  async set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
    this.#enter("set", options);
    checkKey(key);
    this.#write(key, this.#entry(key, "value", value, this.#ttlMs(options)));
  }

  /** See {@linkcode CacheProvider.mset}. */
  async mset(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options?: WriteOptions,
  ): Promise<void> {
    this.#enter("mset", options);
    const ttlMs = this.#ttlMs(options);
    const checked = checkEntries(entries).map(([key, value], i) =>
      [key, this.#entry(key, `entries[${i}].value`, value, ttlMs)] as const
    );
    for (const [key, entry] of checked) this.#write(key, entry);
  }

  /** See {@linkcode CacheProvider.setNx}. */
  async setNx(key: string, value: unknown, options?: WriteOptions): Promise<boolean> {
    this.#enter("setNx", options);
    checkKey(key);
    const entry = this.#entry(key, "value", value, this.#ttlMs(options));
    if (this.#find(key)) return false;
    if (!this.#write(key, entry)) throw noRoom("setNx", entry.bytes);
    return true;
  }

  /** See {@linkcode CacheProvider.delete}. */
  async delete(key: string, options?: CallOptions): Promise<boolean> {
    this.#enter("delete", options);
    return this.#remove(checkKey(key));
  }

  /** See {@linkcode CacheProvider.deletePattern}. */
  async deletePattern(pattern: string, options?: CallOptions): Promise<number> {
    this.#enter("deletePattern", options);
    const matches = compileGlob(pattern);
    this.#loads.forgetWhere(matches);
    return this.#entries.keys().filter(matches).filter((key) => this.#remove(key)).length;
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
    const ttlMs = this.#ttlMs(options);
    const found = this.#find(key);
    const sum = add(found ? found.value : 0, by);
    const entry = this.#entry(key, "value", sum, ttlMs);
    if (found) entry.expiresAtMs = found.expiresAtMs;
    if (!this.#write(key, entry)) throw noRoom("increment", entry.bytes);
    return sum;
  }

  /** See {@linkcode CacheProvider.ttl}. */
  async ttl(key: string, options?: CallOptions): Promise<number | null | undefined> {
    this.#enter("ttl", options);
    const expiresAtMs = this.#find(key)?.expiresAtMs;
    if (expiresAtMs === undefined) return undefined;
    return expiresAtMs === Infinity ? null : expiresAtMs - this.#clock.now();
  }

  /** See {@linkcode CacheProvider.expire}. */
  async expire(key: string, ttlMs: number, options?: CallOptions): Promise<boolean> {
    this.#enter("expire", options);
    checkTtl(ttlMs);
    const entry = this.#find(key);
    if (!entry) return false;
    entry.expiresAtMs = this.#clock.now() + ttlMs;
    return true;
  }

  /** See {@linkcode CacheProvider.getOrSet}. */
  async getOrSet<T>(key: string, loader: Loader<T>, options?: GetOrSetOptions<T>): Promise<T> {
    this.#enter("getOrSet", options);
    checkLoader(loader);
    checkSchema(options?.schema);
    this.#ttlMs(options);
    const cached = this.#read(key, options?.schema);
    return cached === undefined ? this.#loadShared(key, loader, options) : cached;
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
  }

  /** The same as {@linkcode MemoryCacheProvider.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #enter(method: string, options: CallOptions | undefined): void {
    if (this.#closed) throw closedError(`CacheProvider.${method}`);
    if (options !== undefined) checkCall(`CacheProvider.${method}`, options);
  }

  #ttlMs(options: WriteOptions | undefined): number {
    const ttlMs = options?.ttlMs;
    return ttlMs === undefined ? this.#defaultTtlMs ?? Infinity : checkTtl(ttlMs);
  }

  #entry(key: string, field: string, value: unknown, ttlMs: number): ExpiringEntry {
    const frozen = freezeValue(encodeValue(field, value));
    return {
      value: frozen.value,
      bytes: ENTRY_BYTES + 2 * key.length + frozen.bytes,
      expiresAtMs: this.#clock.now() + ttlMs,
    };
  }

  #find(key: string): ExpiringEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) checkKey(key); // Only here: what is found was checked when written.
    return entry;
  }

  #read<T>(key: string, schema: ValueSchema<T> | undefined): T | undefined {
    const entry = this.#find(key);
    if (!entry) return undefined;
    const value = handOut(entry.value);
    if (!schema) return value as T;
    try {
      return schema.parse(value);
    } catch {
      this.#entries.delete(key);
      this.#dropped("schema_mismatch");
      return undefined;
    }
  }

  async #loadShared<T>(
    key: string,
    loader: Loader<T>,
    options: GetOrSetOptions<T> | undefined,
  ): Promise<T> {
    const loaded = await this.#loads.run(
      key,
      (flight) => this.#load(key, flight, loader, options),
      { ...options, operation: "CacheProvider.getOrSet", defaultTimeoutMs: 30_000 },
    );
    return loaded === undefined ? loaded as T : fit(handOut(loaded), options?.schema);
  }

  async #load<T>(
    key: string,
    flight: Flight,
    loader: Loader<T>,
    options: GetOrSetOptions<T> | undefined,
  ): Promise<unknown> {
    const loaded = await loader({ signal: flight.signal });
    if (loaded === undefined) return undefined;
    const entry = this.#entry(key, "loaded", loaded, this.#ttlMs(options));
    fit(handOut(entry.value), options?.schema);
    if (flight.isCurrent()) this.#write(key, entry);
    return entry.value;
  }

  #write(key: string, entry: ExpiringEntry): boolean {
    this.#loads.forget(key);
    const kept = this.#entries.set(key, entry);
    if (!kept) this.#dropped("no_room");
    return kept;
  }

  #remove(key: string): boolean {
    this.#loads.forget(key);
    return this.#entries.delete(key);
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
  const why = Number.isSafeInteger(value)
    ? "the sum would not be a safe integer"
    : "the value is not a safe integer";
  throw new CacheError(`Cannot increment a cached value: ${why}`, {
    code: "conflict",
    operation: "CacheProvider.increment",
  });
}

function fit<T>(loaded: unknown, schema: ValueSchema<T> | undefined): T {
  if (!schema) return loaded as T;
  try {
    return schema.parse(loaded);
  } catch {
    throw new ValidationError("loaded", "it does not fit the schema", "CacheProvider.getOrSet");
  }
}

function noRoom(method: string, bytes: number): CacheError {
  return new CacheError(`Cannot keep a value: it is larger than the whole cache, got ${bytes}`, {
    code: "resource_exhausted",
    operation: `CacheProvider.${method}`,
  });
}
