import type { BatchOutcome, FailedEvent } from "./claimed_batch.ts";

/** What failures of a batch say. */
export interface Verdict {
  /** Failures of the event: they count as attempts. */
  readonly counted: readonly FailedEvent[];
  /** Failures of the broker: they do not. */
  readonly spared: readonly FailedEvent[];
}

/**
 * Tells events that cannot be published from a broker that is down. An outage must not use up the attempts of
 * all that waits, nor may one bad event go on for ever.
 *
 * - If anything of the batch was published, the broker works, and every failure is one of its event.
 * - An error whose `retryable` is `false` is about the event, whatever else happened.
 * - Otherwise it is the broker if the error says `retryable`, or if several aggregates failed.
 */
export function judgeFailures({ published, failed }: BatchOutcome): Verdict {
  const counted: FailedEvent[] = [];
  const spared: FailedEvent[] = [];
  for (const failure of failed) {
    const retryable = (failure.error as { readonly retryable?: unknown } | null)?.retryable;
    const looksDown = retryable === true || retryable !== false && failed.length > 1;
    (published.length === 0 && looksDown ? spared : counted).push(failure);
  }
  return { counted, spared };
}

/** The longest text of an error that is stored, in UTF-16 code units. */
const MAX_LENGTH = 500;

/** What is stored of an error: its code or name, and the beginning of its message, on one line. */
export function errorText(error: unknown): string {
  const { code, name, message } = Object(error) as Record<string, unknown>;
  const kind = [code, name].find((one) => typeof one === "string") ?? typeof error;
  const text = typeof message === "string" ? `${kind}: ${message}` : String(kind);
  // PostgreSQL has no NUL, and drivers replace lone surrogates.
  return text.slice(0, MAX_LENGTH).toWellFormed().replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
}
