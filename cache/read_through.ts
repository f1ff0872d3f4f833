import type { CallOptions } from "../core/call_options.ts";
import type { Clock } from "../core/clock.ts";
import { InfrastructureError, ValidationError } from "../core/errors.ts";
import { nodeModule } from "../core/node_module.ts";
import type { Observer } from "../core/observer.ts";
import type { Loader, ValueSchema } from "./cache.ts";
import { type EncodedValue, encodeValue } from "./encoded_value.ts";
import { freezeValue, type FrozenValue, handOut } from "./frozen_value.ts";
import { type Flight, SingleFlight } from "./single_flight.ts";
import { TagIndex } from "./tag_index.ts";
import type { LoadSettings } from "./write_rules.ts";

/** What a loader fetched, ready to be kept. */
export interface LoadedValue {
  /** For a store of text and bytes. */
  readonly encoded: EncodedValue;
  /** To be shared in this process. */
  readonly frozen: FrozenValue;
  /** How long the load took, in milliseconds. */
  readonly loadMs: number;
}

/**
 * The right to load a key. `fill` is called at most once; `release` may be called instead of it, while it runs, after
 * it, and more than once: the first call counts.
 */
export interface Claim {
  /**
   * Keeps the value, or with `undefined` that there is none, unless the key has changed since the claim was
   * made. What the store does not take is reported and not an error.
   */
  fill(loaded: LoadedValue | undefined): Promise<void>;
  /** Gives the right back, because nothing is to be kept. Never rejects. */
  release(): Promise<void>;
}

/** Who loads, and what for. */
export interface LoadRequest {
  /** The key. */
  readonly key: string;
  /** How to keep what is loaded. */
  readonly settings: LoadSettings;
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Whether another load of this process waits for this one. */
  readonly nested: boolean;
  /** Whether the first caller takes a value that somebody else has loaded. */
  fits(value: unknown): boolean;
}

/** What {@linkcode ReadThrough} needs of a store. `Stale` tells a value that is to be replaced. */
export interface LoadStore<Stale> {
  /** Resolves with the right to load, or with what somebody else has loaded meanwhile. */
  claim(request: LoadRequest): Promise<Claim | { readonly found: FrozenValue | undefined }>;
  /** Resolves with the right to replace a value, or `undefined` if somebody else does or did just now. */
  claimRefresh(request: LoadRequest, stale: Stale): Promise<Claim | undefined>;
}

/** How to load. */
export interface LoadOptions<T> extends CallOptions {
  /** Fetches the value. */
  readonly loader: Loader<T>;
  /** Checks it. */
  readonly schema: ValueSchema<T> | undefined;
  /** How to keep it. */
  readonly settings: LoadSettings;
  /** When the call has to be over by the clock, if it began before the load. Default: after `timeoutMs`. */
  readonly endMs?: number | undefined;
}

const OPERATION = "CacheProvider.getOrSet";
const asyncHooks = nodeModule("node:async_hooks");

/** The deadline of a load that has none. */
export const LOAD_TIMEOUT_MS: number = 30_000;

/**
 * Loads what a store does not have: once for all callers of this process, and under the store's claim.
 *
 * ```ts
 * import { checkLoad, ReadThrough } from "@benchmark-exchange/infrastructure/cache";
 * import type { LoadStore } from "@benchmark-exchange/infrastructure/cache";
 * import { silentObserver, systemClock } from "@benchmark-exchange/infrastructure/core";
 *
 * const kept = new Map<string, unknown>(); // of one process, and nothing else changes it
 * const store: LoadStore<never> = {
 *   claim: async ({ key }) => ({
 *     fill: async (loaded) => void (loaded && kept.set(key, loaded.encoded)),
 *     release: async () => {},
 *   }),
 *   claimRefresh: async () => undefined,
 * };
 * const loads = new ReadThrough(store, { clock: systemClock, observer: silentObserver });
 * const options = { loader: () => ["first"], schema: undefined, settings: checkLoad(undefined) };
 * console.log(await loads.load("leaderboard:123", options)); // [ "first" ]
 * console.log(kept.get("leaderboard:123")); // '["first"]'
 * ```
 */
export class ReadThrough<Stale> {
  readonly #store: LoadStore<Stale>;
  readonly #loads: SingleFlight<FrozenValue | undefined>;
  readonly #refreshes: SingleFlight<FrozenValue | undefined>;
  /** Where the runtime cannot tell that a load waits for another, none does. */
  readonly #loading = asyncHooks && new asyncHooks.AsyncLocalStorage<true>();
  /** What runs, by the tags that it is to be kept with. */
  readonly #tagged = new TagIndex<LoadRequest>();
  readonly #clock: Clock;
  readonly #observer: Observer;

  /** Creates one for a store. */
  constructor(store: LoadStore<Stale>, { clock, observer }: { clock: Clock; observer: Observer }) {
    this.#store = store;
    this.#clock = clock;
    this.#observer = observer;
    this.#loads = new SingleFlight(clock);
    this.#refreshes = new SingleFlight(clock);
  }

  /** Joins the load of the key, or starts one; see `CacheProvider.getOrSet`. */
  async load<T>(key: string, options: LoadOptions<T>): Promise<T> {
    const { signal, timeoutMs, endMs } = options;
    const loaded = await this.#loads.run(
      key,
      (flight) => this.#load(key, flight, options),
      { signal, timeoutMs, endMs, operation: OPERATION, defaultTimeoutMs: LOAD_TIMEOUT_MS },
    );
    return loaded === undefined ? loaded as T : fit(handOut(loaded.value), options.schema);
  }

  /** Replaces a value in the background, unless that is going on. What fails is reported. */
  refresh<T>(key: string, stale: Stale, options: LoadOptions<T>): void {
    if (this.#refreshes.has(key)) return;
    const { timeoutMs } = options;
    this.#refreshes.run(
      key,
      (flight) => this.#refresh(key, stale, flight, options),
      { timeoutMs, operation: OPERATION, defaultTimeoutMs: LOAD_TIMEOUT_MS },
    ).catch((error) => this.#refreshFailed(error));
  }

  /** The key has changed: loads that run are not for it any more. */
  forget(key: string): void {
    this.#loads.forget(key);
    this.#refreshes.forget(key);
  }

  /** The same as {@linkcode ReadThrough.forget} for every key that `matches`. */
  forgetWhere(matches: (key: string) => boolean): void {
    this.#loads.forgetWhere(matches);
    this.#refreshes.forgetWhere(matches);
  }

  /** The same for every key that is loaded with the tag. */
  forgetTag(tag: string): void {
    for (const { key } of this.#tagged.withTag(tag)) this.forget(key);
  }

  /** Rejects the callers of every load with `error` and aborts the loads. */
  close(error: Error): void {
    this.#loads.close(error);
    this.#refreshes.close(error);
  }

  #load<T>(
    key: string,
    flight: Flight,
    options: LoadOptions<T>,
  ): Promise<FrozenValue | undefined> {
    return this.#underTags(this.#request(key, flight, options), async (request) => {
      const claim = await this.#store.claim(request);
      return "found" in claim ? claim.found : this.#run(claim, flight, options);
    });
  }

  #refresh<T>(
    key: string,
    stale: Stale,
    flight: Flight,
    options: LoadOptions<T>,
  ): Promise<FrozenValue | undefined> {
    return this.#underTags(this.#request(key, flight, options), async (request) => {
      const claim = await this.#store.claimRefresh(request, stale);
      return claim && this.#run(claim, flight, options);
    });
  }

  async #underTags<R>(request: LoadRequest, run: (request: LoadRequest) => Promise<R>): Promise<R> {
    const { tags } = request.settings;
    this.#tagged.add(request, tags);
    try {
      return await run(request);
    } finally {
      this.#tagged.remove(request, tags);
    }
  }

  #request<T>(key: string, { signal }: Flight, options: LoadOptions<T>): LoadRequest {
    const { settings, schema } = options;
    const fits = (value: unknown): boolean => {
      try {
        schema?.parse(handOut(value));
        return true;
      } catch {
        return false;
      }
    };
    return { key, settings, signal, nested: this.#loading?.getStore() === true, fits };
  }

  async #run<T>(
    claim: Claim,
    flight: Flight,
    { loader, schema }: LoadOptions<T>,
  ): Promise<FrozenValue | undefined> {
    const { signal } = flight;
    // Who comes next must not wait for a loader that nobody waits for and that does not listen.
    const abandon = (): void => void claim.release();
    signal.addEventListener("abort", abandon, { once: true });
    try {
      if (signal.aborted) throw signal.reason;
      const startMs = this.#clock.monotonic();
      const load = (): Promise<T> | T => loader({ signal });
      const value = await (this.#loading ? this.#loading.run(true, load) : load());
      const loaded = prepare(value, schema, this.#clock.monotonic() - startMs);
      if (flight.isCurrent()) await claim.fill(loaded);
      else await claim.release();
      return loaded?.frozen;
    } catch (error) {
      await claim.release();
      throw error;
    } finally {
      signal.removeEventListener("abort", abandon);
    }
  }

  #refreshFailed(error: unknown): void {
    const code = error instanceof InfrastructureError ? error.code : "internal";
    if (code === "closed") return;
    this.#observer.count("cache.refresh_failed", 1, { code });
    this.#observer.log({
      level: "warn",
      message: "A cached value could not be loaded again",
      attributes: { code },
    });
  }
}

function prepare<T>(
  value: T,
  schema: ValueSchema<T> | undefined,
  loadMs: number,
): LoadedValue | undefined {
  if (value === undefined) return undefined;
  const encoded = encodeValue("loaded", value);
  const frozen = freezeValue(encoded);
  fit(handOut(frozen.value), schema);
  return { encoded, frozen, loadMs };
}

function fit<T>(loaded: unknown, schema: ValueSchema<T> | undefined): T {
  if (!schema) return loaded as T;
  try {
    return schema.parse(loaded);
  } catch {
    throw new ValidationError("loaded", "it does not fit the schema", OPERATION);
  }
}
