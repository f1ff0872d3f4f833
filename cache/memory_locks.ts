import { settleWithin } from "../core/call_options.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import type { HeldLock } from "../core/lease.ts";
import type { Lock, LockOptions, LockProvider } from "../core/lock.ts";
import { locksClosedError } from "../core/lock_error.ts";
import { type LockAttempt, runWithLock } from "../core/run_with_lock.ts";

/** How to build {@linkcode MemoryLocks}. */
export interface MemoryLocksConfig {
  /** What leases and waiting are measured with. Default: the clock of the machine. */
  readonly clock?: Clock;
}

/** Who has a lock. */
interface Holder {
  expiresAtMs: number;
  /** Aborts when another takes the lock because this one's time is over. */
  readonly lost: AbortController;
  /** Resolves when the lock is free, or another's. */
  readonly freed: Promise<void>;
  readonly free: () => void;
}

/**
 * Locks among the users of this object, in this process; nobody else sees them. They behave as on a server: a
 * holder that blocks the event loop for longer than `ttlMs` has lost its lock to whoever asks next, and learns it
 * before that one runs. A waiting caller gets the lock as soon as it is released.
 *
 * ```ts
 * import { MemoryLocks } from "@benchmark-exchange/infrastructure/cache";
 *
 * const locks = new MemoryLocks();
 * const report = await locks.withLock("report:daily", () => "built once", { waitMs: 0 });
 * await locks.close();
 * console.log(report);
 * ```
 */
export class MemoryLocks implements LockProvider, AsyncDisposable {
  readonly #clock: Clock;
  readonly #holders = new Map<string, Holder>();
  readonly #closed = new AbortController();
  #lastToken = 0;

  /** Creates locks that nobody holds. */
  constructor(config: MemoryLocksConfig = {}) {
    this.#clock = config.clock ?? systemClock;
  }

  /** See {@linkcode LockProvider.withLock}. Rejects with code `closed` after {@linkcode MemoryLocks.close}. */
  withLock<T>(
    name: string,
    fn: (lock: Lock) => Promise<T> | T,
    options?: LockOptions,
  ): Promise<T> {
    const acquire = (attempt: LockAttempt): Promise<HeldLock | undefined> => this.#acquire(attempt);
    const store = { clock: this.#clock, closed: this.#closed.signal, acquire };
    return runWithLock(store, name, fn, options);
  }

  /** Rejects all who wait with code `closed`, and aborts the signals of all who hold a lock. Idempotent. */
  close(): Promise<void> {
    if (!this.#closed.signal.aborted) this.#closed.abort(locksClosedError());
    return Promise.resolve();
  }

  /** The same as {@linkcode MemoryLocks.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #acquire({ name, ttlMs, leftMs, signal }: LockAttempt): Promise<HeldLock | undefined> {
    const endMs = this.#now + leftMs;
    for (;;) {
      const holder = this.#holders.get(name);
      if (!holder || holder.expiresAtMs <= this.#now) return this.#grant(name, ttlMs);
      const waitMs = Math.min(endMs, holder.expiresAtMs) - this.#now;
      if (waitMs <= 0 || signal.aborted) return undefined;
      const wait = { defaultTimeoutMs: waitMs, signal, clock: this.#clock };
      await settleWithin(holder.freed, wait, () => new Error("not yet")).catch(() => {});
    }
  }

  #grant(name: string, ttlMs: number): HeldLock {
    const previous = this.#holders.get(name);
    previous?.lost.abort();
    previous?.free();
    const sinceMs = this.#now;
    let free: () => void = () => {};
    const freed = new Promise<void>((resolve) => free = resolve);
    const lost = new AbortController();
    const holder: Holder = { expiresAtMs: sinceMs + ttlMs, lost, freed, free };
    this.#holders.set(name, holder);
    const isOurs = (): boolean => this.#holders.get(name) === holder;
    return {
      token: ++this.#lastToken,
      sinceMs,
      lost: lost.signal,
      renew: () => {
        holder.expiresAtMs = this.#now + ttlMs;
        return Promise.resolve(isOurs());
      },
      release: () => {
        const ours = isOurs();
        if (ours) this.#holders.delete(name);
        free();
        return Promise.resolve(ours);
      },
    };
  }

  get #now(): number {
    return this.#clock.monotonic();
  }
}
