import { type ErrorDetails, InfrastructureError } from "./errors.ts";

/** A lock could not be had, or not be kept; the same class from every adapter. */
export class LockError extends InfrastructureError {
  /** The name of this class. */
  override readonly name: string = "LockError";

  /** Creates the error; its operation is `LockProvider.withLock`. */
  constructor(message: string, details: Omit<ErrorDetails, "operation">) {
    super(message, { ...details, operation: "LockProvider.withLock" });
  }
}

/** Others had the lock for the whole time that the caller wanted to wait. */
export function lockTimeoutError(waitMs: number, cause?: unknown): LockError {
  return new LockError(`Cannot acquire lock: it was not to be had within ${waitMs} ms`, {
    code: "timeout",
    retryable: true,
    cause,
  });
}

/** The caller's signal fired before the lock was held. */
export function lockAbortedError(reason: unknown): LockError {
  return new LockError("Cannot acquire lock: the caller's signal has aborted", {
    code: "aborted",
    cause: reason,
  });
}

/** The lock ended before its holder did: somebody else may have run at the same time. */
export function lockLostError(cause?: unknown): LockError {
  return new LockError("Cannot keep lock: it was lost before its holder was done", {
    code: "conflict",
    outcome: "unknown",
    cause,
  });
}

/** The provider was closed, before the lock was held or while it was. */
export function locksClosedError(): LockError {
  return new LockError("Cannot use lock: its provider is closed", { code: "closed" });
}
