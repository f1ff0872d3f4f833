import { delay, pauseMs } from "../../../core/backoff.ts";
import type { Clock } from "../../../core/clock.ts";
import { asFailure, type S3Failure } from "./failure.ts";

/** How an {@linkcode Attempts} repeats. */
export interface AttemptsOptions {
  /** How often a request is sent at most. */
  readonly maxAttempts: number;
  /** Measures pauses. */
  readonly clock: Clock;
}

const USUAL = { baseMs: 100, maxMs: 2_000 };
/** A server that has too much to do gets more time. */
const THROTTLED = { baseMs: 500, maxMs: 8_000 };
/** How many repetitions a provider has in store. */
const MAX_TOKENS = 50;
/** What a request that succeeds gives back: so a server in trouble gets at most a tenth of the requests twice. */
const REFUND = 0.1;
const LONGEST_PAUSE_MS = 20_000;

/**
 * Repeats requests that failed for a moment: the one place where anything is sent again, for the SDK and
 * Deno's `fetch` do not agree on what can be. Repetitions come out of a budget that successes fill.
 */
export class Attempts {
  readonly #options: AttemptsOptions;
  #tokens = MAX_TOKENS;

  /** Creates the policy. */
  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /**
   * Resolves with what `attempt` resolves with. Rejects with the last failure, which knows whether one before
   * it may have had an effect, and with the reason of the signal when that fires in a pause.
   */
  async run<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const { maxAttempts, clock } = this.#options;
    let mayHaveWorked = false;
    for (let repetition = 1;; repetition++) {
      try {
        const result = await attempt();
        this.#tokens = Math.min(MAX_TOKENS, this.#tokens + REFUND);
        return result;
      } catch (error) {
        const failure = asFailure(error);
        if (!failure) throw error;
        mayHaveWorked ||= !failure.isRefusal;
        failure.mayHaveWorked = mayHaveWorked;
        if (!failure.isTransient || repetition >= maxAttempts || this.#tokens < 1) throw failure;
        this.#tokens -= 1;
        await delay(pauseAfter(failure, repetition), signal, clock);
      }
    }
  }
}

function pauseAfter(failure: S3Failure, repetition: number): number {
  const pause = pauseMs(repetition, failure.isThrottling ? THROTTLED : USUAL);
  return Math.min(LONGEST_PAUSE_MS, Math.max(pause, failure.retryAfterMs));
}
