import type { RateLimit, RateLimiter } from "../../../cache/rate_limiter.ts";
import type { WatchedLimit } from "./watched_limit.ts";

/** What the suite needs to know about an adapter of `RateLimiter`. */
export interface RateLimitHarness {
  /** The name of the adapter, for the names of the tests. */
  readonly name: string;
  /** Opens a rate limiter. Those of the same space share their limits; from other spaces nothing was taken. */
  open(space: string): Promise<RateLimiter>;
  /** Lets that much time pass by the store's clock, or more. */
  passTime(ms: number): Promise<void>;
  /** What the store's clock shows, in whole milliseconds since the Unix epoch, rounded down. */
  now(): Promise<number>;
}

/** What each test gets. */
export interface RateLimitContext {
  /** A rate limiter from which nothing was taken. */
  readonly limiter: RateLimiter;
  /** Opens another one that shares its limits. */
  openOther(): Promise<RateLimiter>;
  /** Watches a limit of the first one; the key is `k` unless the test says otherwise. */
  watch(rate: RateLimit, key?: string): WatchedLimit;
}

/** Registers a test that gets a {@linkcode RateLimitContext}. */
export type RateLimitTest = (
  name: string,
  fn: (context: RateLimitContext) => Promise<void>,
) => void;
