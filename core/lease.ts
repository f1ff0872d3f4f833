import type { CallOptions } from "./call_options.ts";
import type { Clock } from "./clock.ts";
import { lockLostError } from "./lock_error.ts";

/** How a lease asks its store for another `ttlMs`. */
export interface RenewCall extends CallOptions {
  /** Aborts when the answer is of no use any more. */
  readonly signal: AbortSignal;
  /** When to give up and let the lease try again, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Says that the renewal is sent only now, after the store has answered what it was busy with: the lease then
   * counts from now instead of from the start of the call.
   */
  answered(): void;
}

/** A lock as its store has granted it. */
export interface HeldLock {
  /** See `Lock.token`. */
  readonly token: number;
  /** When the request that was granted had not been sent yet, on the monotonic clock. */
  readonly sinceMs: number;
  /** Keeps the lock for another `ttlMs`; `false` if it is not ours any more. Rejects if the store cannot be asked. */
  renew(call: RenewCall): Promise<boolean>;
  /**
   * Ends the lock if it is still ours; returns whether it was. `kept` says that what was done under it is to stay:
   * its holder succeeded in time. A rejection reaches the caller of the lock then.
   */
  release(kept: boolean): Promise<boolean>;
  /** Aborts when the store itself says that the lock is lost. */
  readonly lost?: AbortSignal;
  /** Whether work of the holder, sent before the renewal, still keeps the store busy, and thereby the lock. */
  isBusy?(): boolean;
  /** Hears that the lease was lost: nothing that is done under it may take effect now. */
  abandon?(): void;
}

/** How long a lease lives. */
export interface LeaseTerms {
  /** How long the store keeps it after the last renewal, in milliseconds. */
  readonly ttlMs: number;
  /** Only its monotonic time counts. */
  readonly clock: Clock;
}

/** A lease is renewed when this part of its time is over, */
const RENEWAL = 1 / 3;

/** and again after this part of it, if the store could not be asked. */
const RETRY = 1 / 10;

/**
 * This part of its time is not used: for clocks that do not run equally fast, for timers that are late, and for
 * the holder, who has to stop before somebody else starts.
 */
const MARGIN = 1 / 10;

/**
 * Keeps a lock and knows how long. It renews at a third of `ttlMs`, and counts the time from before the
 * request was sent, so that the way to the store and back is on the safe side. {@linkcode Lease.signal} aborts
 * when nine tenths of `ttlMs` have passed without an answer, and at once if the store says that the lock is not
 * ours. When the event loop was blocked, its timers are late; `signal.aborted` and `signal.throwIfAborted`
 * therefore look at the clock, so that the first look after the block says the truth.
 *
 * ```ts
 * import { type HeldLock, Lease, systemClock } from "@benchmark-exchange/infrastructure/core";
 *
 * // An adapter whose locks end in another way than `runWithLock` ends them:
 * const held: HeldLock = {
 *   token: 1,
 *   sinceMs: systemClock.monotonic(),
 *   renew: () => Promise.resolve(true), // asks the server for another `ttlMs`
 *   release: () => Promise.resolve(true),
 * };
 * const lease = new Lease(held, { ttlMs: 10_000, clock: systemClock });
 * console.log(lease.signal.aborted, lease.lost); // false false
 * lease.end(); // the work is done: no more renewals
 * await held.release(true);
 * ```
 */
export class Lease {
  /** See `Lock.signal`. */
  readonly signal: AbortSignal;
  readonly #held: HeldLock;
  readonly #terms: LeaseTerms;
  readonly #controller = new AbortController();
  /** Ends a renewal that runs. */
  readonly #stop = new AbortController();
  readonly #lose = (): void => this.#end(true);
  #validUntilMs: number;
  /** When the store was last seen to be busy. */
  #busyAtMs = -Infinity;
  #cancelRenewal: () => void = () => {};
  #cancelDeadline: () => void = () => {};
  #state: "held" | "lost" | "ended" = "held";

  /** Starts to keep a lock that was just granted. */
  constructor(held: HeldLock, terms: LeaseTerms) {
    this.#held = held;
    this.#terms = terms;
    this.#validUntilMs = held.sinceMs + terms.ttlMs * (1 - MARGIN);
    this.signal = exactSignal(this.#controller, () => this.#look());
    held.lost?.addEventListener("abort", this.#lose, { once: true });
    if (held.lost?.aborted) this.#lose();
    if (this.#state !== "held") return;
    this.#renewAfter(held.sinceMs + terms.ttlMs * RENEWAL - this.#now);
    this.#watch();
  }

  /** Whether the lock was lost before it was ended, to this moment. */
  get lost(): boolean {
    this.#look();
    return this.#state === "lost";
  }

  /** Aborts the signal for another reason than a loss; the lock is kept until {@linkcode Lease.end}. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Stops renewing, because the holder is done. Idempotent. */
  end(): void {
    this.#look();
    if (this.#state === "held") this.#end(false);
  }

  get #now(): number {
    return this.#terms.clock.monotonic();
  }

  #end(lost: boolean): void {
    if (this.#state !== "held") return;
    this.#state = lost ? "lost" : "ended";
    this.#cancelRenewal();
    this.#cancelDeadline();
    this.#held.lost?.removeEventListener("abort", this.#lose);
    this.#stop.abort();
    if (!lost) return;
    this.#held.abandon?.();
    this.#controller.abort(lockLostError(this.#held.lost?.reason));
  }

  /** Loses the lease if its time is over. */
  #look(): void {
    if (this.#state === "held" && this.#now >= this.#validUntilMs) this.#lose();
  }

  #watch(): void {
    if (this.#state !== "held") return;
    const { clock, ttlMs } = this.#terms;
    const leftMs = this.#validUntilMs - this.#now;
    const delayMs = this.#held.isBusy ? Math.min(leftMs, ttlMs * RETRY) : leftMs;
    this.#cancelDeadline = clock.after(delayMs, () => {
      if (this.#held.isBusy?.()) this.#keepBusy();
      this.#look();
      // A timer may fire a little early.
      this.#watch();
    }, { background: true });
  }

  /**
   * Counts from when the store was seen to be busy before: after a block of the event loop, a timer may fire before
   * the answer is read that has long been there.
   */
  #keepBusy(): void {
    const validUntilMs = this.#busyAtMs + this.#terms.ttlMs * (1 - MARGIN);
    this.#validUntilMs = Math.max(this.#validUntilMs, validUntilMs);
    this.#busyAtMs = this.#now;
  }

  #renewAfter(delayMs: number): void {
    const renew = (): void => void this.#renew();
    this.#cancelRenewal = this.#terms.clock.after(Math.max(delayMs, 0), renew, {
      background: true,
    });
  }

  async #renew(): Promise<void> {
    if (this.lost) return;
    const { ttlMs } = this.#terms;
    let sentMs = this.#now;
    const answered = (): void => {
      sentMs = this.#now;
    };
    try {
      const timeoutMs = ttlMs * RENEWAL;
      const ours = await this.#held.renew({ signal: this.#stop.signal, timeoutMs, answered });
      if (this.#state !== "held") return;
      if (!ours) return this.#lose();
      this.#extend(sentMs);
      this.#renewAfter(sentMs + ttlMs * RENEWAL - this.#now);
    } catch {
      if (this.#state === "held") this.#renewAfter(ttlMs * RETRY);
    }
  }

  #extend(fromMs: number): void {
    if (this.lost) return;
    this.#validUntilMs = fromMs + this.#terms.ttlMs * (1 - MARGIN);
    this.#cancelDeadline();
    this.#watch();
  }
}

/** The signal of a controller that looks whether it has to abort before it says whether it has. */
function exactSignal(controller: AbortController, look: () => void): AbortSignal {
  const { signal } = controller;
  const { get } = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted")!;
  return Object.defineProperties(signal, {
    aborted: {
      get: (): boolean => {
        look();
        return get!.call(signal);
      },
    },
    throwIfAborted: {
      value: (): void => {
        look();
        AbortSignal.prototype.throwIfAborted.call(signal);
      },
    },
  });
}
