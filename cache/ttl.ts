import { checkInteger } from "../core/validation.ts";

/** The longest TTL, ten years of 365 days: more is rather a mistake in the unit than a wish. */
export const MAX_TTL_MS: number = 10 * 365 * 86_400_000;

/**
 * Returns the TTL if it is a whole number of milliseconds from 1 to {@linkcode MAX_TTL_MS}; throws
 * a `ValidationError` that names `field` otherwise, also for 0: to remove a key, delete it.
 *
 * ```ts
 * import { checkTtl } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(checkTtl(60_000)); // 60000
 * try {
 *   checkTtl(0, "boardTtlMs");
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "boardTtlMs"
 * }
 * ```
 */
export function checkTtl(ttlMs: unknown, field = "ttlMs"): number {
  return checkInteger(field, ttlMs, { min: 1, max: MAX_TTL_MS });
}
