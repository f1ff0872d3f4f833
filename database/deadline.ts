import { type CallOptions, checkCallOptions } from "../core/call_options.ts";
import { systemClock } from "../core/clock.ts";
import type { Database } from "./database.ts";

/** How much of a deadline is left, in milliseconds; at least one, so that it is a valid timeout. */
export function leftMs(deadlineMs: number): number {
  return Math.max(deadlineMs - systemClock.monotonic(), 1);
}

/**
 * Starts the one deadline of a call that runs several statements. The returned function gives the
 * options of the next one: the signal, and what is left of the deadline.
 */
export function shareDeadline(
  database: Database,
  options: CallOptions,
): () => CallOptions {
  checkCallOptions(options);
  const { signal, timeoutMs = database.timeoutMs } = options;
  const deadlineMs = systemClock.monotonic() + timeoutMs;
  return () => ({ signal, timeoutMs: leftMs(deadlineMs) });
}
