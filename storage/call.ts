import {
  type CallOptions,
  checkCallOptions,
  type Interruption,
  settleWithin,
} from "../core/call_options.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { Outcome } from "../core/errors.ts";
import { storageFailure, type StorageOperation } from "./failures.ts";

/** The default deadline of calls whose duration does not depend on the size of an object. */
export const DEFAULT_TIMEOUT_MS = 30_000;
/** The default deadline of calls that move all bytes of an object. */
export const TRANSFER_TIMEOUT_MS = 600_000;

/**
 * One running call of a provider. It knows whether it has reached the point from which on it can
 * have an effect, and so what an interruption says about the outcome.
 *
 * ```ts
 * import { StorageCall } from "@benchmark-exchange/infrastructure/storage";
 *
 * // In a test of your own StorageDriver: what its methods get and what they have to say.
 * const call = new StorageCall("upload");
 * console.log(call.outcome); // "not-applied"
 * call.commit(); // right before the request that writes
 * console.log(call.outcome); // "unknown"
 * call.interrupt({ kind: "timeout", timeoutMs: 30_000 });
 * console.log(call.signal.aborted); // true: the driver stops what it does
 * ```
 */
export class StorageCall {
  /** The method that was called. */
  readonly operation: StorageOperation;
  #interruption = new AbortController();
  #outcome: Outcome = "not-applied";

  /** Creates the call. */
  constructor(operation: StorageOperation) {
    this.operation = operation;
  }

  /** Fires when the deadline or the caller's signal ends the call; the reason is the error. */
  get signal(): AbortSignal {
    return this.#interruption.signal;
  }

  /** `unknown` once the call can have had an effect. */
  get outcome(): Outcome {
    return this.#outcome;
  }

  /** The point of no return: throws if the call was interrupted, or else can have an effect from here on. */
  commit(): void {
    this.signal.throwIfAborted();
    this.#outcome = "unknown";
  }

  /** Ends the call; returns the error to reject with. */
  interrupt(interruption: Interruption): Error {
    const error = interruptionError(this.operation, interruption, this.#outcome);
    this.#interruption.abort(error);
    return error;
  }
}

/**
 * Runs one call of a provider, which settles by its deadline and ends at the caller's signal. With
 * a signal that is aborted already `work` is not even started.
 */
export async function runCall<T>(
  operation: StorageOperation,
  options: CallOptions & { readonly defaultTimeoutMs?: number },
  clock: Clock,
  work: (call: StorageCall) => Promise<T>,
): Promise<T> {
  const { defaultTimeoutMs = DEFAULT_TIMEOUT_MS } = options;
  checkCallOptions(options);
  const call = new StorageCall(operation);
  if (options.signal?.aborted) {
    throw call.interrupt({ kind: "aborted", reason: options.signal.reason });
  }
  return await settleWithin(
    work(call),
    { ...options, defaultTimeoutMs, clock },
    (interruption) => call.interrupt(interruption),
  );
}

/**
 * The options for the steps of one call that begins now, one after the other: each step gets what is
 * left of the deadline. Throws a `ValidationError` for bad options.
 */
export function shareDeadline(
  { signal, timeoutMs }: CallOptions,
  defaultTimeoutMs: number,
  clock: Clock = systemClock,
): () => { readonly signal: AbortSignal | undefined; readonly timeoutMs: number } {
  checkCallOptions({ signal, timeoutMs });
  const endMs = clock.monotonic() + (timeoutMs ?? defaultTimeoutMs);
  return () => ({ signal, timeoutMs: Math.max(1, Math.ceil(endMs - clock.monotonic())) });
}

/** The error of a call, or of the stream that it opened, that was interrupted. */
export function interruptionError(
  operation: StorageOperation,
  interruption: Interruption,
  outcome: Outcome = "not-applied",
): Error {
  const { kind } = interruption;
  return kind === "timeout"
    ? storageFailure(operation, `it took more than ${interruption.timeoutMs} milliseconds`, {
      code: kind,
      retryable: true,
      outcome,
    })
    : storageFailure(operation, "the caller aborted it", { code: kind, outcome });
}
