import { type CallOptions, checkCallOptions, type Interruption } from "../core/call_options.ts";
import { MessagingError } from "../core/errors.ts";

/** How long a call of a bus may take unless it says otherwise, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Refuses a call whose signal is already aborted with a {@linkcode MessagingError} of code
 * `aborted`, and one whose options are malformed with a `ValidationError`.
 */
export function checkCall(operation: string, options: CallOptions): void {
  checkCallOptions(options);
  const { signal } = options;
  if (signal?.aborted) {
    throw new MessagingError(`Cannot ${operation}: the signal is aborted`, {
      code: "aborted",
      operation,
      cause: signal.reason,
    });
  }
}

/** The error of a call that waited until its deadline, or until its signal aborted. */
export function interruptionError(
  operation: string,
  interruption: Interruption,
  details: { readonly reason: string; readonly outcome: "not-applied" | "unknown" },
): MessagingError {
  const why = interruption.kind === "timeout"
    ? `not done within ${interruption.timeoutMs} ms`
    : "the signal is aborted";
  return new MessagingError(`Cannot ${operation}: ${why}: ${details.reason}`, {
    code: interruption.kind,
    operation,
    outcome: details.outcome,
    retryable: false,
    cause: interruption.kind === "aborted" ? interruption.reason : undefined,
  });
}
