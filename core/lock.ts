/** How to hold a lock. */
export interface LockOptions {
  /**
   * How long the lock outlives a holder that is gone, a whole number of milliseconds from 100 to
   * 2,147,483,647; a living holder renews it. Default: 10,000.
   */
  readonly ttlMs?: number | undefined;
  /** How long to wait for the lock, in milliseconds; 0 tries once. Default: 10,000. */
  readonly waitMs?: number | undefined;
  /** Ends the waiting at once with code `aborted`; once the lock is held, aborts `Lock.signal`. */
  readonly signal?: AbortSignal | undefined;
}

/** A lock while it is held. */
export interface Lock {
  /**
   * Grows with each holder of this lock, and is a safe integer. A resource that remembers the greatest token it
   * has seen and refuses smaller ones is safe from a holder that was paused and does not know that
   * it has lost the lock (M. Kleppmann, "How to do distributed locking", 2016).
   */
  readonly token: number;
  /** Aborts before the lock can be lost, and when the caller's signal aborts: stop then. */
  readonly signal: AbortSignal;
}

/**
 * Locks by name, each held by one holder at a time among all that share a store. This text is the
 * specification; every adapter passes `lockConformance`, which has a test for each sentence.
 *
 * A lock lives `ttlMs` and is renewed while its holder runs. If it cannot be renewed in time
 * (server away, event loop blocked), `Lock.signal` aborts before another holder can have it, by this
 * process's monotonic clock; a process that is paused cannot be told, which is what `Lock.token` is
 * for.
 *
 * **Not promised.** Fairness among those who wait. Reentrance: a holder that asks for its own lock
 * waits for itself. How safe the exclusion is depends on the store; the adapter says so.
 */
export interface LockProvider {
  /**
   * Runs `fn` while holding the lock, and returns what it returns. The lock is released when `fn` settles, by
   * nobody but its holder.
   *
   * - Rejects with code `timeout` if the lock was not to be had within `waitMs`; `fn` did not run then.
   * - What `fn` throws is thrown as it is.
   * - If the lock was lost while `fn` ran, and `fn` resolved all the same, rejects with code
   *   `conflict` and outcome `unknown`: somebody else may have run at the same time.
   * - A `name` is what a cache key is. Bad input is a `ValidationError` before anything happens.
   */
  withLock<T>(
    name: string,
    fn: (lock: Lock) => Promise<T> | T,
    options?: LockOptions,
  ): Promise<T>;
}
