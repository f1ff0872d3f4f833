import { checkCallOptions } from "./call_options.ts";
import { ValidationError } from "./errors.ts";
import { checkKeyText } from "./key_text.ts";
import type { LockOptions } from "./lock.ts";
import { kindOf } from "./shown_value.ts";
import { checkInteger } from "./validation.ts";

/** What a caller wants of a lock, checked and with the defaults. */
export interface LockTerms {
  /** How long the lock outlives a holder that is gone, in milliseconds. */
  readonly ttlMs: number;
  /** How long to wait for it, in milliseconds. */
  readonly waitMs: number;
  /** The caller's signal. */
  readonly signal: AbortSignal | undefined;
}

/** Above this a timer fires at once, and a setting of PostgreSQL is refused. */
const LONGEST_MS = 2 ** 31 - 1;

/** Shorter, and a pause of the garbage collector could cost the lock. */
const SHORTEST_TTL_MS = 100;

/**
 * The first thing every adapter does: returns the terms, or throws a `ValidationError` that names what is
 * wrong with a call of `LockProvider.withLock`, and does not show the name.
 *
 * ```ts
 * import { checkLockCall, ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * const grade = () => "graded";
 * const { ttlMs, waitMs } = checkLockCall("grade:123", grade, { waitMs: 0 });
 * console.log(ttlMs, waitMs); // 10000 0
 * try {
 *   checkLockCall("grade:123", grade, { ttlMs: 50 });
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "ttlMs"
 * }
 * ```
 */
export function checkLockCall(name: unknown, fn: unknown, options: LockOptions = {}): LockTerms {
  checkKeyText("name", name);
  if (typeof fn !== "function") {
    throw new ValidationError("fn", `it must be a function, got ${kindOf(fn)}`);
  }
  if (typeof options !== "object" || options === null) {
    throw new ValidationError("options", `they must be an object, got ${kindOf(options)}`);
  }
  const { ttlMs = 10_000, waitMs = 10_000, signal } = options;
  checkCallOptions({ signal });
  return {
    ttlMs: checkInteger("ttlMs", ttlMs, { min: SHORTEST_TTL_MS, max: LONGEST_MS }),
    waitMs: checkInteger("waitMs", waitMs, { min: 0, max: LONGEST_MS }),
    signal,
  };
}
