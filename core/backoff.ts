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
 *
 * ```ts
 * import { pauseMs } from "@benchmark-exchange/infrastructure/core";
 *
 * const backoff = { baseMs: 100, maxMs: 5_000 };
 * const longest = () => 1; // instead of chance, to see the bound
 * console.log([1, 2, 3, 10].map((attempt) => pauseMs(attempt, backoff, longest)));
 * // [ 100, 200, 400, 5000 ]
 * console.log(pauseMs(3, backoff) < 400); // true: anything from 0 on
 * ```
 */
export function pauseMs(
  attempt: number,
  backoff: Backoff,
  random: () => number = Math.random,
): number {
  return random() * Math.min(backoff.maxMs, backoff.baseMs * 2 ** (attempt - 1));
}

/**
 * Resolves after `delayMs`; rejects with the signal's reason as soon as the signal aborts.
 *
 * ```ts
 * import { delay, pauseMs } from "@benchmark-exchange/infrastructure/core";
 *
 * async function upload(send: () => Promise<void>, signal?: AbortSignal): Promise<void> {
 *   for (let attempt = 1; attempt < 5; attempt++) {
 *     try {
 *       return await send();
 *     } catch {
 *       await delay(pauseMs(attempt, { baseMs: 100, maxMs: 5_000 }), signal);
 *     }
 *   }
 *   return send();
 * }
 * let calls = 0;
 * await upload(() => ++calls < 2 ? Promise.reject(new Error("busy")) : Promise.resolve());
 * console.log(calls); // 2
 * ```
 */
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
