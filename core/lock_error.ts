import { type ErrorDetails, InfrastructureError } from "./errors.ts";

/**
 * A lock could not be had, or not be kept; the same class from every adapter.
 *
 * ```ts
 * import { MemoryLocks } from "@benchmark-exchange/infrastructure/cache";
 * import { LockError } from "@benchmark-exchange/infrastructure/core";
 *
 * const locks = new MemoryLocks();
 * await locks.withLock("grade:123", async () => {
 *   try {
 *     await locks.withLock("grade:123", () => "graded twice", { waitMs: 0 });
 *   } catch (error) {
 *     console.log(error instanceof LockError && error.code); // "timeout"
 *   }
 * });
 * await locks.close();
 * ```
 */
export class LockError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "LockError";

  /** Creates the error; its operation is `LockProvider.withLock`. */
  constructor(message: string, details: Omit<ErrorDetails, "operation">) {
    super(message, { ...details, operation: "LockProvider.withLock" });
  }
}

/**
 * Others had the lock for the whole time that the caller wanted to wait.
 *
 * ```ts
 * import { lockTimeoutError } from "@benchmark-exchange/infrastructure/core";
 *
 * // In an adapter whose server waits for the lock itself, and says only that it did not get it:
 * const error = lockTimeoutError(250);
 * console.log(error.code, error.retryable); // timeout true
 * console.log(error.message); // "Cannot acquire lock: it was not to be had within 250 ms"
 * ```
 */
export function lockTimeoutError(waitMs: number, cause?: unknown): LockError {
  return new LockError(`Cannot acquire lock: it was not to be had within ${waitMs} ms`, {
    code: "timeout",
    retryable: true,
    cause,
  });
}

/**
 * The caller's signal fired before the lock was held.
 *
 * ```ts
 * import { lockAbortedError } from "@benchmark-exchange/infrastructure/core";
 *
 * // In an adapter that stops waiting when its caller does:
 * const signal = AbortSignal.abort("the user left");
 * const error = lockAbortedError(signal.reason);
 * console.log(error.code, error.cause); // aborted the user left
 * ```
 */
export function lockAbortedError(reason: unknown): LockError {
  return new LockError("Cannot acquire lock: the caller's signal has aborted", {
    code: "aborted",
    cause: reason,
  });
}

/**
 * The lock ended before its holder did: somebody else may have run at the same time.
 *
 * ```ts
 * import { lockLostError } from "@benchmark-exchange/infrastructure/core";
 *
 * // In an adapter whose server ended the session that had the lock:
 * const error = lockLostError(new Error("connection closed"));
 * console.log(error.code, error.outcome); // conflict unknown
 * ```
 */
export function lockLostError(cause?: unknown): LockError {
  return new LockError("Cannot keep lock: it was lost before its holder was done", {
    code: "conflict",
    outcome: "unknown",
    cause,
  });
}

/**
 * The provider was closed, before the lock was held or while it was.
 *
 * ```ts
 * import { locksClosedError } from "@benchmark-exchange/infrastructure/core";
 *
 * // `close` of an adapter: whoever waits for a lock or has one gets this error.
 * const closed = new AbortController();
 * closed.abort(locksClosedError());
 * console.log(closed.signal.reason.code); // "closed"
 * ```
 */
export function locksClosedError(): LockError {
  return new LockError("Cannot use lock: its provider is closed", { code: "closed" });
}
