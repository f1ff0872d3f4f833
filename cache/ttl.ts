import { checkInteger } from "../core/validation.ts";

/** The longest TTL, about 24.8 days: above it the timers of every runtime fire at once. */
export const MAX_TTL_MS: number = 2 ** 31 - 1;

/**
 * Returns the TTL if it is a whole number of milliseconds from 1 to {@linkcode MAX_TTL_MS}; throws
 * a `ValidationError` that names `field` otherwise, also for 0: to remove a key, delete it.
 */
export function checkTtl(ttlMs: unknown, field = "ttlMs"): number {
  return checkInteger(field, ttlMs, { min: 1, max: MAX_TTL_MS });
}
