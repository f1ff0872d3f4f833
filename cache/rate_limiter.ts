import type { CallOptions } from "../core/call_options.ts";

/** How much is allowed. */
export interface RateLimit {
  /** The most that any window lets pass, a whole number from 1 to 1,000,000,000. */
  readonly limit: number;
  /** The length of the window, a whole number of milliseconds from 1 to 2,147,483,647. */
  readonly windowMs: number;
  /** What this call takes, a whole number from 0 to `limit`; 0 only looks, and is allowed. Default: 1. */
  readonly cost?: number | undefined;
}

/** What {@linkcode RateLimiter.checkRateLimit} says. */
export interface RateLimitResult {
  /** Whether the call may pass; if not, it took nothing. */
  readonly allowed: boolean;
  /** What is left of the limit now. */
  readonly remaining: number;
  /** When all of the limit is available again if nothing else passes, by the store's clock; now if it is. */
  readonly resetAt: Date;
  /** After how many milliseconds a call of the same cost can pass if nothing else does; 0 if allowed. */
  readonly retryAfterMs: number;
}

/**
 * Limits how much passes in a sliding window, for all that share a store. This text is the specification;
 * every adapter passes `rateLimitConformance`, which has a test for each sentence.
 *
 * No window of `windowMs`, wherever it begins, lets more than `limit` pass. To keep this in little
 * memory, what passed is counted by steps of a 60th of the window, rounded up to whole milliseconds, and
 * counts until the whole step has left the window: it comes back up to one step late, never early.
 *
 * The clock is that of the store. The same key with another `windowMs` is another limit; with another
 * `limit`, what has passed still counts.
 */
export interface RateLimiter {
  /**
   * Takes `cost` from the limit of `key` if that much is left, in one step for all callers. A `key` is what
   * a cache key is.
   *
   * A store that does not answer is a `CacheError` (`unavailable`, `timeout`), never "not allowed":
   * whether to let pass then is the caller's choice. Bad input is a `ValidationError`.
   */
  checkRateLimit(
    key: string,
    limit: RateLimit,
    options?: CallOptions,
  ): Promise<RateLimitResult>;
}
