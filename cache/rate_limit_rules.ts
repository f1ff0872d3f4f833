import { ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";
import { checkInteger } from "../core/validation.ts";

/** The greatest `limit` of a rate limit. */
export const MAX_RATE_LIMIT = 1_000_000_000;

/** The longest `windowMs` of a rate limit, almost 25 days. */
export const MAX_RATE_WINDOW_MS: number = 2 ** 31 - 1;

/** A rate limit that {@linkcode checkRate} has let through. */
export interface CheckedRate {
  /** The most that any window lets pass. */
  readonly limit: number;
  /** The length of the window. */
  readonly windowMs: number;
  /** What the call takes. */
  readonly cost: number;
}

/**
 * Returns the rate limit with its `cost`, if each part is what `RateLimit` says; throws a `ValidationError`
 * that names `limit`, `windowMs` or `cost` otherwise.
 */
export function checkRate(rate: unknown): CheckedRate {
  if (typeof rate !== "object" || rate === null) {
    throw new ValidationError("limit", `it must be an object, got ${kindOf(rate)}`);
  }
  const { limit, windowMs, cost = 1 } = rate as Partial<Record<keyof CheckedRate, unknown>>;
  const max = checkInteger("limit", limit, { min: 1, max: MAX_RATE_LIMIT });
  return {
    limit: max,
    windowMs: checkInteger("windowMs", windowMs, { min: 1, max: MAX_RATE_WINDOW_MS }),
    cost: checkInteger("cost", cost, { min: 0, max }),
  };
}
