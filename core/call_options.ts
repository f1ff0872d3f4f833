import { ValidationError } from "./errors.ts";
import { type Clock, systemClock } from "./clock.ts";
import { kindOf } from "./shown_value.ts";

/** What every call takes last: how long it may wait, and who may stop it. */
export interface CallOptions {
  /** Ends the waiting at once; the call rejects with code `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** The deadline in milliseconds from now, above 0 and finite. Each area documents its default. */
  readonly timeoutMs?: number | undefined;
}

/** Why a wait ended before the awaited promise did. */
export type Interruption =
  | { readonly kind: "timeout"; readonly timeoutMs: number }
  | { readonly kind: "aborted"; readonly reason: unknown };

/** How long {@linkcode settleWithin} waits. */
export interface WaitOptions extends CallOptions {
  /** The deadline without one of the caller, in milliseconds. */
  readonly defaultTimeoutMs: number;
  /** When the call has to be over by the monotonic clock, if it began before the wait; a timeout is told as asked for. */
  readonly endMs?: number | undefined;
  /** Measures the deadline. Default: that of the system. */
  readonly clock?: Clock;
}

/**
 * Waits for `promise`, but no longer than the deadline or the signal allows. On an interruption it
 * rejects with what `interrupted` returns; the late result of `promise` is then dropped, and its
 * late rejection never surfaces as unhandled.
 *
 * ```ts
 * import { settleWithin, StorageError } from "@benchmark-exchange/infrastructure/core";
 *
 * const answer = new Promise<Uint8Array>(() => {}); // of a server that does not answer
 * const options = { timeoutMs: 20, defaultTimeoutMs: 30_000 };
 * try {
 *   await settleWithin(answer, options, ({ kind }) =>
 *     new StorageError(`Cannot read object: ${kind}`, { code: kind, operation: "download" }));
 * } catch (error) {
 *   console.log(error instanceof StorageError && error.code); // "timeout"
 * }
 * ```
 */
export function settleWithin<T>(
  promise: Promise<T>,
  options: WaitOptions,
  interrupted: (interruption: Interruption) => Error,
): Promise<T> {
  const timeoutMs = checkWait(promise, options);
  const { signal, endMs, clock = systemClock } = options;
  const leftMs = endMs === undefined ? timeoutMs : Math.max(1, endMs - clock.monotonic());
  return new Promise<T>((resolve, reject) => {
    const end = (): void => {
      cancelTimer();
      signal?.removeEventListener("abort", abort);
    };
    const interrupt = (interruption: Interruption): void => {
      end();
      reject(interrupted(interruption));
    };
    const abort = (): void => interrupt({ kind: "aborted", reason: signal?.reason });
    const cancelTimer = clock.after(leftMs, () => interrupt({ kind: "timeout", timeoutMs }));
    promise.then(
      (value) => (end(), resolve(value)),
      (error) => (end(), reject(error)),
    );
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Returns the timeout. For bad options nobody waits for the promise, whose rejection must not surface either. */
function checkWait(promise: Promise<unknown>, options: WaitOptions): number {
  try {
    checkCallOptions(options);
    return checkTimeout(options.timeoutMs ?? options.defaultTimeoutMs);
  } catch (error) {
    promise.catch(() => {});
    throw error;
  }
}

/**
 * Throws a {@linkcode ValidationError} that names the option for a signal that cannot abort, or a timeout
 * that is not a finite number above 0.
 *
 * ```ts
 * import {
 *   type CallOptions,
 *   checkCallOptions,
 *   ValidationError,
 * } from "@benchmark-exchange/infrastructure/core";
 *
 * function leaderboard(benchmarkId: string, options: CallOptions = {}): string {
 *   checkCallOptions(options); // before anything is asked of a server
 *   return `leaderboard of ${benchmarkId}`;
 * }
 * try {
 *   leaderboard("123", { timeoutMs: 0 });
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "timeoutMs"
 * }
 * ```
 */
export function checkCallOptions({ signal, timeoutMs }: CallOptions): void {
  if (timeoutMs !== undefined) checkTimeout(timeoutMs);
  if (signal === undefined) return;
  const { aborted, addEventListener } = Object(signal) as Partial<AbortSignal>;
  if (typeof aborted === "boolean" && typeof addEventListener === "function") return;
  throw new ValidationError("signal", `it must be an AbortSignal, got ${kindOf(signal)}`);
}

/**
 * Returns the timeout, or throws a {@linkcode ValidationError} unless it is a finite number above 0.
 *
 * ```ts
 * import { checkTimeout, ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(checkTimeout(5_000)); // 5000
 * try {
 *   checkTimeout(Infinity, "connectTimeoutMs"); // an option of an adapter
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "connectTimeoutMs"
 * }
 * ```
 */
export function checkTimeout(timeoutMs: number, field = "timeoutMs"): number {
  if (typeof timeoutMs === "number" && timeoutMs > 0 && Number.isFinite(timeoutMs)) {
    return timeoutMs;
  }
  throw new ValidationError(
    field,
    `it must be a finite number of milliseconds above 0, got ${String(timeoutMs)}`,
  );
}
