import { MemoryCacheProvider } from "../../cache/adapters/memory.ts";
import type { GetOrSetOptions, Loader, SetOptions, ValueSchema } from "../../cache/cache.ts";
import type {
  EntryOfStore,
  Invalidation,
  InvalidationChannel,
  InvalidationListener,
  TieredStore,
} from "../../cache/invalidations.ts";
import type { CallOptions } from "../../core/call_options.ts";
import type { Clock } from "../../core/clock.ts";
import { CacheError } from "../../core/errors.ts";
import { type Observer, silentObserver } from "../../core/observer.ts";

/** A channel within one process, which the test can break. */
export class FakeChannel implements InvalidationChannel {
  /** What was published. */
  readonly published: Invalidation[] = [];
  /** Who listens. */
  readonly listeners = new Set<InvalidationListener>();
  /** Whether what is published arrives. */
  delivers = true;
  /** Whether publishing and subscribing reject. */
  isDown = false;

  /** See {@linkcode InvalidationChannel.publish}. */
  async publish(invalidation: Invalidation): Promise<void> {
    await Promise.resolve();
    if (this.isDown) throw unavailable("InvalidationChannel.publish");
    this.published.push(invalidation);
    if (this.delivers) this.tell(invalidation);
  }

  /** See {@linkcode InvalidationChannel.subscribe}. */
  async subscribe(listener: InvalidationListener): Promise<() => Promise<void>> {
    await Promise.resolve();
    if (this.isDown) throw unavailable("InvalidationChannel.subscribe");
    this.listeners.add(listener);
    return () => Promise.resolve(void this.listeners.delete(listener));
  }

  /** Tells it everybody, at once. */
  tell(invalidation: Invalidation): void {
    for (const listener of this.listeners) listener.onInvalidation(invalidation);
  }

  /** Tells everybody that something may be lost. */
  gap(): void {
    for (const listener of this.listeners) listener.onGap();
  }
}

/** A store within one process. The test holds its answers back, and sees what it was asked. */
export class FakeTieredStore extends MemoryCacheProvider implements TieredStore {
  /** Its channel. */
  readonly invalidations: FakeChannel = new FakeChannel();
  /** The keys that `getEntry` was asked for. */
  readonly reads: string[] = [];
  /** How often something else was asked. */
  readonly calls: string[] = [];
  /** What `schemaOf` returns. */
  schema: ValueSchema<unknown> | undefined;
  /** What every change and read fails with. */
  failure: Error | undefined;
  /** The options of the last load. */
  lastLoad: GetOrSetOptions<unknown> | undefined;
  readonly #tags = new Map<string, readonly string[]>();
  #held: Promise<void> | undefined;

  /** Creates an empty one. */
  constructor(clock: Clock, observer: Observer = silentObserver) {
    super({ clock, observer });
  }

  /** Holds back what `getEntry` has read from now on; returns what lets it go. */
  hold(): () => void {
    let release = (): void => {};
    this.#held = new Promise((resolve) => release = resolve);
    return () => {
      this.#held = undefined;
      release();
    };
  }

  /** See {@linkcode TieredStore.getEntry}: the value is read before it is held back. */
  async getEntry(key: string, options?: CallOptions): Promise<EntryOfStore | undefined> {
    this.reads.push(key);
    if (this.failure) return undefined;
    const [value, ttlMs] = await Promise.all([super.get(key, options), this.ttl(key)]);
    await this.#held;
    if (value === undefined || ttlMs === undefined) return undefined;
    return { value: structuredClone(value), ttlMs, tags: this.#tags.get(key) ?? [] };
  }

  /** See {@linkcode TieredStore.schemaOf}. */
  schemaOf(): ValueSchema<unknown> | undefined {
    return this.schema;
  }

  /** The same as a memory's. */
  override async set(key: string, value: unknown, options?: SetOptions): Promise<void> {
    this.#tags.set(key, options?.tags ?? []);
    await super.set(key, value, options);
    if (this.failure) throw this.failure;
  }

  /** The same as a memory's. */
  override mget<T>(
    keys: readonly string[],
    options?: { readonly schema?: ValueSchema<T> | undefined },
  ): Promise<(T | undefined)[]> {
    this.calls.push(`mget ${keys.join(" ")}`);
    return super.mget(keys, options);
  }

  /** The same as a memory's. */
  override getOrSet<T>(
    key: string,
    loader: Loader<T>,
    options?: GetOrSetOptions<T>,
  ): Promise<T> {
    this.calls.push(`getOrSet ${key}`);
    this.lastLoad = options as GetOrSetOptions<unknown> | undefined;
    return super.getOrSet(key, loader, options);
  }
}

function unavailable(operation: string): CacheError {
  return new CacheError(`Cannot finish ${operation}: it is down`, {
    code: "unavailable",
    operation,
    retryable: true,
  });
}
