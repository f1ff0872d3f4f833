import { type Backoff, delay, pauseMs } from "../../core/backoff.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { checkInteger } from "../../core/validation.ts";
import type { Middleware } from "./middleware.ts";

/** How {@linkcode retry} tries again. */
export interface RetryOptions {
  /** How often the handler is called at most, 1 to 100. */
  readonly attempts: number;
  /** How the pauses grow. Default: up to 50 ms at first, up to 1,000 ms in the end. */
  readonly backoff?: Backoff | undefined;
  /** Whether to try again after this error. Default: after any. */
  readonly when?: ((error: unknown) => boolean) | undefined;
  /** Measures the pauses. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
}

/**
 * Calls the handler again when it fails, at once and in this process, within the time that a handler has: for
 * what is over in a moment. What a stream gives again later needs no middleware. Rejects with the last error,
 * also when the signal aborts during a pause.
 *
 * ```ts
 * import { MemoryEventBus, retry } from "@benchmark-exchange/infrastructure/messaging";
 *
 * let calls = 0;
 * const score = (): void => {
 *   if (++calls < 3) throw new Error("the scorer is busy");
 * };
 * const bus = new MemoryEventBus();
 * await bus.subscribe("events:submission", retry({ attempts: 3 })(score));
 * await bus.publish("events:submission", { submissionId: "s-1" });
 * await bus.close();
 * console.log(calls); // 3
 * ```
 */
export function retry(options: RetryOptions): Middleware {
  const { backoff = { baseMs: 50, maxMs: 1_000 }, when = () => true, clock = systemClock } =
    options;
  const attempts = checkInteger("attempts", options.attempts, { min: 1, max: 100 });
  return (next) => async (message, context) => {
    for (let attempt = 1;; attempt++) {
      try {
        return await next(message, context);
      } catch (error) {
        if (attempt >= attempts || context.signal.aborted || !when(error)) throw error;
        await delay(pauseMs(attempt, backoff), context.signal, clock).catch(() => {
          throw error;
        });
      }
    }
  };
}
