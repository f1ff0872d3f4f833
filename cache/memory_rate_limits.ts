import type { CallOptions } from "../core/call_options.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { CacheError } from "../core/errors.ts";
import { checkInteger } from "../core/validation.ts";
import { checkCall } from "./call_rules.ts";
import { checkKey } from "./key_rules.ts";
import { checkRate } from "./rate_limit_rules.ts";
import { RateLimitWindow } from "./rate_limit_window.ts";
import type { RateLimit, RateLimiter, RateLimitResult } from "./rate_limiter.ts";

/** How to build {@linkcode MemoryRateLimits}. */
export interface MemoryRateLimitsConfig {
  /** For how many keys something may count at the same time. Default: 1,000,000. */
  readonly maxKeys?: number;
  /** The store's clock. Default: the clock of the machine. */
  readonly clock?: Clock;
}

/** How many windows each call looks at: more than it can add, so that those that are over go away. */
const SWEPT_PER_CALL = 2;

/**
 * Rate limits in the memory of this process. A key takes memory while something counts for it; after that,
 * later calls remove it. Above `maxKeys` a call for one more key rejects with code `resource_exhausted`:
 * to forget another one would let more than its limit pass.
 *
 * Setting the clock of the machine back makes what has passed count longer by as much.
 *
 * ```ts
 * import { CacheKey, MemoryRateLimits } from "@benchmark-exchange/infrastructure/cache";
 *
 * const limits = new MemoryRateLimits();
 * const key = CacheKey.rateLimit("ada", "submit");
 * const perHour = { limit: 2, windowMs: 3_600_000 };
 * console.log((await limits.checkRateLimit(key, perHour)).remaining); // 1
 * console.log((await limits.checkRateLimit(key, perHour)).remaining); // 0
 * const third = await limits.checkRateLimit(key, perHour);
 * console.log(third.allowed, third.retryAfterMs > 0); // false true
 * ```
 */
export class MemoryRateLimits implements RateLimiter {
  readonly #windows = new Map<string, RateLimitWindow>();
  readonly #maxKeys: number;
  readonly #clock: Clock;
  /** Goes round the windows, one after the other. */
  #sweep = this.#windows.entries();

  /** Creates limits from which nothing was taken; throws a `ValidationError` for a bad `maxKeys`. */
  constructor(config: MemoryRateLimitsConfig = {}) {
    const { maxKeys = 1_000_000, clock = systemClock } = config;
    this.#maxKeys = checkInteger("maxKeys", maxKeys, { min: 1 });
    this.#clock = clock;
  }

  /** For how many keys there is a window, also one that is over. */
  get size(): number {
    return this.#windows.size;
  }

  /** See {@linkcode RateLimiter.checkRateLimit}. */
  // deno-lint-ignore require-await -- `async` is what turns a refused argument into a rejection.
  async checkRateLimit(
    key: string,
    limit: RateLimit,
    options?: CallOptions,
  ): Promise<RateLimitResult> {
    checkCall("RateLimiter.checkRateLimit", options);
    const rate = checkRate(limit);
    const name = `${checkKey(key)}:${rate.windowMs}`;
    const nowMs = this.#clock.now();
    for (let i = 0; i < SWEPT_PER_CALL; i++) this.#sweepNext(nowMs);
    const known = this.#windows.get(name);
    const window = known ?? new RateLimitWindow(rate.windowMs);
    if (!known && rate.cost > 0) this.#add(name, window);
    return window.take(rate, nowMs);
  }

  #add(name: string, window: RateLimitWindow): void {
    if (this.#windows.size >= this.#maxKeys) throw noRoom(this.#maxKeys);
    this.#windows.set(name, window);
  }

  #sweepNext(nowMs: number): void {
    const next = this.#sweep.next();
    if (next.done) {
      this.#sweep = this.#windows.entries();
      return;
    }
    const [name, window] = next.value;
    if (window.isEmpty(nowMs)) this.#windows.delete(name);
  }
}

function noRoom(maxKeys: number): CacheError {
  return new CacheError(
    `Cannot keep a rate limit: there must be at most ${maxKeys} keys at the same time`,
    { code: "resource_exhausted", operation: "RateLimiter.checkRateLimit", retryable: true },
  );
}
