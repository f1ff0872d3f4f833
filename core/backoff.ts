import { type Clock, systemClock } from "./clock.ts";

/** How the pauses between attempts grow. */
export interface Backoff {
  /** The longest first pause, in milliseconds. */
  readonly baseMs: number;
  /** The longest pause, in milliseconds. */
  readonly maxMs: number;
}

/**
 * The pause before attempt `attempt` (1 is the first repetition): random between 0 and the
 * exponential bound, "full jitter" in M. Brooker, "Exponential Backoff And Jitter", AWS, 2015.
 */
export function pauseMs(
  attempt: number,
  backoff: Backoff,
  random: () => number = Math.random,
): number {
  return random() * Math.min(backoff.maxMs, backoff.baseMs * 2 ** (attempt - 1));
}

/** Resolves after `delayMs`; rejects with the signal's reason as soon as the signal aborts. */
export function delay(
  delayMs: number,
  signal?: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}
