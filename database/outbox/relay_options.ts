import type { Backoff } from "../../core/backoff.ts";
import { checkTimeout } from "../../core/call_options.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { type Observer, safeObserver, silentObserver } from "../../core/observer.ts";
import { checkInteger } from "../../core/validation.ts";

/** How an `OutboxRelay` works. */
export interface OutboxRelayOptions {
  /** How many events are claimed at once, 1 to 10,000; at most two batches are in memory. Default: 1,000. */
  readonly batchSize?: number;
  /** How many aggregates are published at the same time, 1 to 10,000. Default: 256. */
  readonly concurrency?: number;
  /**
   * How long the events of a relay that is gone stay with it, in milliseconds from 100, by the clock of the server. A
   * relay that lives renews its claim. Default: 30,000.
   */
  readonly leaseMs?: number;
  /** How often to look without being told that there is something, in milliseconds. Default: 1,000. */
  readonly pollMs?: number;
  /**
   * Whether to hear of new events from the server, where the driver can listen; takes one connection. Turn it off behind a
   * pooler, which does not pass that on. Default: `true`.
   */
  readonly listen?: boolean;
  /** How long one call of the publisher may take, in milliseconds. Default: 10,000. */
  readonly publishTimeoutMs?: number;
  /** Pauses of an event that failed, and of the relay if the broker is down. Default: from 200 to 60,000 ms. */
  readonly backoff?: Backoff;
  /** After so many failures of its own an event is dead, 1 to 1,000,000. Default: 10. */
  readonly maxAttempts?: number;
  /** Hears what the relay does. Default: nobody. */
  readonly observer?: Observer;
  /** For waits and deadlines in this process. Default: that of the machine. */
  readonly clock?: Clock;
}

/** The same with nothing left open. */
export type RelaySettings = Required<OutboxRelayOptions>;

const BACKOFF: Backoff = { baseMs: 200, maxMs: 60_000 };

/** Fills in the defaults; throws a `ValidationError` that names what is wrong. */
export function checkRelayOptions(options: OutboxRelayOptions): RelaySettings {
  const { leaseMs = 30_000, backoff = BACKOFF } = options;
  return {
    batchSize: checkInteger("batchSize", options.batchSize ?? 1_000, { min: 1, max: 10_000 }),
    concurrency: checkInteger("concurrency", options.concurrency ?? 256, { min: 1, max: 10_000 }),
    leaseMs: checkInteger("leaseMs", leaseMs, { min: 100, max: 86_400_000 }),
    pollMs: checkTimeout(options.pollMs ?? 1_000, "pollMs"),
    listen: options.listen ?? true,
    publishTimeoutMs: checkTimeout(options.publishTimeoutMs ?? 10_000, "publishTimeoutMs"),
    backoff: {
      baseMs: checkTimeout(backoff.baseMs, "backoff.baseMs"),
      maxMs: checkTimeout(backoff.maxMs, "backoff.maxMs"),
    },
    maxAttempts: checkInteger("maxAttempts", options.maxAttempts ?? 10, {
      min: 1,
      max: 1_000_000,
    }),
    observer: safeObserver(options.observer ?? silentObserver),
    clock: options.clock ?? systemClock,
  };
}
