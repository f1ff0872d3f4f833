import type { CallOptions } from "../core/call_options.ts";
import type { LockProvider } from "../core/lock.ts";
import type { RateLimiter } from "./rate_limiter.ts";

/** Turns a stored value into a `T`, or throws; every zod schema is one. */
export interface ValueSchema<T> {
  /** Returns the value as a `T`, or throws. Must not wait: a promise would be taken for the value. */
  parse(value: unknown): T;
}

/** How to read. */
export interface ReadOptions<T> extends CallOptions {
  /** Checks what was stored. Default: the type is the caller's promise, unchecked. */
  readonly schema?: ValueSchema<T> | undefined;
}

/** How to write. */
export interface WriteOptions extends CallOptions {
  /**
   * How long the value lives, a whole number of milliseconds from 1 to 315,360,000,000 (ten years).
   * Default: the provider's `defaultTtlMs`, or without one for ever.
   */
  readonly ttlMs?: number | undefined;
}

/** How to write a value. */
export interface SetOptions extends WriteOptions {
  /**
   * Names by which {@linkcode CacheProvider.invalidateTag} drops the value, at most 64, each as a key is.
   * Default: none.
   */
  readonly tags?: readonly string[] | undefined;
  /**
   * The share of `ttlMs`, from 0 to 1, that is taken off at random at most, so that values written
   * together do not expire together. At least 1 ms stays. Default: 0.
   */
  readonly ttlJitter?: number | undefined;
}

/** How to read through the cache. */
export interface GetOrSetOptions<T> extends ReadOptions<T>, SetOptions {
  /**
   * How long after its `ttlMs` a value may still be handed out by `getOrSet`, a whole number of
   * milliseconds as `ttlMs` is; needs a `ttlMs`. Default: not at all.
   */
  readonly staleMs?: number | undefined;
  /**
   * How eagerly a value is loaded again before it expires: β of XFetch (A. Vattani, F. Chierichetti,
   * K. Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015). 1 is their
   * optimum, more is earlier, 0 is never. Default: 0.
   */
  readonly earlyRefresh?: number | undefined;
  /** How long a loaded `undefined` is remembered, as `ttlMs`. Default: not at all. */
  readonly negativeTtlMs?: number | undefined;
}

/** What a {@linkcode Loader} gets. */
export interface LoadContext {
  /** Aborts when nobody waits for the load any more, its deadline has passed, or the cache closes. */
  readonly signal: AbortSignal;
}

/** Fetches a value that the cache does not have. */
export type Loader<T> = (context: LoadContext) => Promise<T> | T;

/** What a provider can do beyond the port; the conformance suite asks these, never names. */
export interface CacheCapabilities {
  /** Whether other providers on the same store, also in other processes, see what this one writes. */
  readonly shared: boolean;
  /** Whether a call on many keys is one step. */
  readonly atomicMany: boolean;
}

/**
 * A cache: keys with values that may vanish, besides locks and rate limits on the same store. This text is the specification; every adapter and
 * decorator passes `cacheConformance`, which has a test for each sentence.
 *
 * **Not promised.** A value may be gone at any time (eviction, restart, failover), so nothing may
 * live only here, and `setNx` is not a lock for correctness.
 *
 * **Keys** are text of 1 to 512 bytes in UTF-8 without whitespace, control characters, lone
 * surrogates and `* ? [ ] \`; keys are equal when their code units are, without normalization.
 * `CacheKey` builds them.
 *
 * **Values** are JSON values, or bytes as `Uint8Array`. A value is copied when it is written, so
 * changing it afterwards changes nothing here. Dates come back as ISO strings, `undefined` members
 * are left out; what JSON would change silently (`NaN`, infinities, `bigint`, maps, cycles, bytes
 * inside an object, a top-level `undefined`) is refused, and so is JSON text above 64 Mi characters
 * and bytes above 64 MiB. `null` is a value like any other.
 *
 * **What is handed out** is to be read only. JSON values may be deeply frozen objects that all
 * callers share (copying would cost more than the cache saves); bytes are a copy. Changing what was
 * read throws or stays with the caller: it never changes what is cached.
 *
 * **Schemas.** A stored value that does not fit the caller's `schema` is a miss: it is removed and
 * reported, and never an exception. What fits is handed out as `parse` returns it.
 *
 * **Time.** A value is there until `ttlMs` have passed since the write, to the millisecond of the
 * store's clock, and gone from then on; where the store is the memory of this process, time may stand
 * still for reads that crowd in one turn of the event loop. Reading does not prolong a value.
 *
 * **Calls.** Every call settles by its deadline (`timeoutMs`; the default is 30,000 for `getOrSet`
 * and the adapter's choice for the rest). With an aborted signal it rejects with code `aborted`,
 * after `close` with code `closed`. Bad input rejects with a `ValidationError` that names the
 * field, before anything changes, and by the same rules in every adapter. Calls on one key take
 * effect one after the other, each as a whole. A call on many keys (`mget`, `mset`,
 * `deletePattern`) is not one step, unless `capabilities` says so: a cluster has no such step.
 *
 * **Tags.** A value written with `tags` is gone once one of them is invalidated, even if it was
 * loaded before and written after. Tags are apart from keys: a pattern never touches them.
 *
 * **No room.** A value that finds no room in a bounded store is not kept and is reported: `set`,
 * `mset` and `getOrSet` succeed all the same, and the key's old value is gone. `setNx` and
 * `increment`, whose answer would be untrue, reject with code `resource_exhausted`.
 *
 * **Reports.** What is dropped is counted by the observer as `cache.value_dropped`, with the
 * attribute `reason`: `schema_mismatch`, `no_room`, or one of an adapter's own. A load in the
 * background that fails is counted as `cache.refresh_failed`.
 */
export interface CacheProvider extends LockProvider, RateLimiter, AsyncDisposable {
  /** What this provider can do beyond the port. */
  readonly capabilities: CacheCapabilities;

  /** Returns the value, or `undefined` for a missing key. */
  get<T>(key: string, options?: ReadOptions<T>): Promise<T | undefined>;

  /** Returns one value or `undefined` for each key, in the order of the keys; duplicates are fine. */
  mget<T>(keys: readonly string[], options?: ReadOptions<T>): Promise<(T | undefined)[]>;

  /** Writes the value and its expiry, whatever was there before. */
  set(key: string, value: unknown, options?: SetOptions): Promise<void>;

  /**
   * Writes every entry with the same options; of a duplicated key the last entry counts. When it
   * fails on the way, some entries may be written. At most 10,000 entries, as for `mget`.
   */
  mset(
    entries: Iterable<readonly [key: string, value: unknown]>,
    options?: SetOptions,
  ): Promise<void>;

  /** Writes only if the key is missing, atomically; returns whether it wrote. */
  setNx(key: string, value: unknown, options?: SetOptions): Promise<boolean>;

  /** Removes the key; returns whether it was there. */
  delete(key: string, options?: CallOptions): Promise<boolean>;

  /**
   * Removes every key that the glob matches and returns how many there were: `*` stands for any
   * text, also with `:` in it, `?` for one character; there is nothing else to escape or to
   * enumerate. Keys written meanwhile may stay.
   */
  deletePattern(pattern: string, options?: CallOptions): Promise<number>;

  /**
   * Drops every value that carries the tag, in one write however many there are: they are gone for
   * every reader from then on, and their room is free when they expire or are asked for.
   */
  invalidateTag(tag: string, options?: CallOptions): Promise<void>;

  /** Returns whether the key is there. */
  exists(key: string, options?: CallOptions): Promise<boolean>;

  /**
   * Adds `by` (any safe integer, default 1) atomically and returns the sum. A missing key counts as
   * 0 and gets `ttlMs`; an existing one keeps its expiry. A number that `set` wrote is a counter,
   * and `get` reads one; one that carries tags, `staleMs` or `earlyRefresh` is none. Rejects with code `conflict`, changing nothing, when the value is not a
   * safe integer or the sum would not be one.
   */
  increment(key: string, by?: number, options?: WriteOptions): Promise<number>;

  /** Returns the milliseconds left (1 or more), `null` for no expiry, `undefined` for a missing key. */
  ttl(key: string, options?: CallOptions): Promise<number | null | undefined>;

  /** Lets the key expire `ttlMs` from now; returns `false` for a missing key. */
  expire(key: string, ttlMs: number, options?: CallOptions): Promise<boolean>;

  /**
   * Returns the value, or on a miss what `loader` fetches, which is then written with `ttlMs`.
   *
   * - Callers that miss the same key in the same process share one load, that of the first.
   *   Every caller gets the value as a later `get` returns it: isolated, a date as a string.
   * - A caller that aborts or runs into its deadline stops waiting alone; the others go on. The
   *   loader's signal aborts when no caller is left, and the next caller starts a new load.
   * - What the loader throws reaches all callers as it is, and nothing is written.
   * - `undefined` is returned, and written only with `negativeTtlMs`: until then `getOrSet` returns
   *   it without loading, and for every other call the key is missing. `null` is a value.
   * - With `staleMs`, a value whose `ttlMs` have passed is handed out at once while one load for
   *   all callers runs in the background, with the first caller's deadline and nobody's signal.
   *   If that load fails, the stale value stays and another load starts no sooner than a second later.
   *   For every other call the key is missing once `ttlMs` have passed.
   * - With `earlyRefresh`, a value is handed out and loaded in the background before it expires, the
   *   likelier the nearer the expiry and the longer its load took.
   * - A load in the background replaces only the value that it is for.
   * - A loaded value that the cache refuses, or that does not fit the first caller's `schema`,
   *   rejects with a `ValidationError`, and nothing is written.
   * - A write or removal of the key during the load wins: the late value goes to those who wait for
   *   it, but is not written, and callers that come after the change do not join the old load.
   * - Providers that share a store share loads, too: while one of them loads a key, the others wait
   *   for its value. If it fails or its process ends, another one loads.
   * - A loader that asks for its own key waits for itself until its deadline.
   */
  getOrSet<T>(key: string, loader: Loader<T>, options?: GetOrSetOptions<T>): Promise<T>;

  /** Resolves with figures worth showing in a health report, or rejects with why it does not work. */
  health(options?: CallOptions): Promise<Record<string, unknown>>;

  /** Gives everything back; running loads reject with code `closed`. Idempotent. */
  close(): Promise<void>;
}
