import type { CallOptions } from "../core/call_options.ts";
import type { CacheProvider, ValueSchema } from "./cache.ts";

/** What became invalid in a shared store. */
export type Invalidation =
  | { readonly kind: "key"; readonly keys: readonly string[] }
  | { readonly kind: "pattern"; readonly pattern: string }
  | { readonly kind: "tag"; readonly tag: string };

/** What hears of invalidations. Neither function may throw or wait. */
export interface InvalidationListener {
  /** Something became invalid; also what this process has published itself. */
  onInvalidation(invalidation: Invalidation): void;
  /** Invalidations may have been lost: everything that was read before may be invalid. */
  onGap(): void;
}

/**
 * Carries invalidations between the processes that share a store: at most once, with a notice where some may
 * have been lost.
 */
export interface InvalidationChannel {
  /** Resolves when the store has taken it; rejects with a `CacheError`. */
  publish(invalidation: Invalidation, options?: CallOptions): Promise<void>;
  /** Resolves when invalidations arrive; from then on every gap is told. Returns what ends it. */
  subscribe(listener: InvalidationListener): Promise<() => Promise<void>>;
}

/** A value with what a tier in front of the store has to know. */
export interface EntryOfStore {
  /** The value as it was written, whatever schemas there are; the caller's alone, who may freeze it. */
  readonly value: unknown;
  /** Milliseconds until it expires; `null` for never. */
  readonly ttlMs: number | null;
  /** The tags that it carries. */
  readonly tags: readonly string[];
}

/** A shared cache that a tier can stand in front of. */
export interface TieredStore extends CacheProvider {
  /** Invalidations of what this store holds. */
  readonly invalidations: InvalidationChannel;
  /** The same as `get` without a schema, with what a tier has to know. */
  getEntry(key: string, options?: CallOptions): Promise<EntryOfStore | undefined>;
  /** The schema of reads that have none of their own, if there is one for the key. */
  schemaOf(key: string): ValueSchema<unknown> | undefined;
}
