import { type Backoff, delay, pauseMs } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { type HeldLock, Lease } from "./lease.ts";
import type { Lock, LockOptions } from "./lock.ts";
import { lockAbortedError, lockLostError, lockTimeoutError } from "./lock_error.ts";
import { checkLockCall, type LockTerms } from "./lock_rules.ts";

/** One attempt to get a lock. */
export interface LockAttempt {
  /** The name of the lock. */
  readonly name: string;
  /** How long the store keeps the lock without a renewal, in milliseconds. */
  readonly ttlMs: number;
  /** How much longer the caller waits, in milliseconds; 0 for an attempt without waiting. */
  readonly leftMs: number;
  /** When a store that does not answer is given up, in milliseconds: at least a second, so that `waitMs: 0` has its attempt. */
  readonly timeoutMs: number;
  /** Ends the attempt at once. */
  readonly signal: AbortSignal;
}

/** What an adapter gives for `LockProvider`: {@linkcode runWithLock} does the rest. */
export interface LockStore<Held extends HeldLock> {
  /** What durations are measured with. */
  readonly clock: Clock;
  /** Aborts with the error for all callers when the provider is closed. */
  readonly closed?: AbortSignal | undefined;
  /**
   * Gets the lock, or returns `undefined` if somebody else has it; it may wait up to `leftMs` for that. What it
   * rejects with reaches the caller. An attempt that has ended leaves nothing behind.
   */
  acquire(attempt: LockAttempt): Promise<Held | undefined>;
}

/** How long an attempt may take that has begun in time. */
const MIN_ATTEMPT_MS = 1_000;

/** The pauses between attempts of a store that does not wait itself. */
const BACKOFF: Backoff = { baseMs: 10, maxMs: 250 };

/**
 * `LockProvider.withLock` for every adapter: checks the input, tries until the lock is held or `waitMs` is over,
 * runs `fn` while a {@linkcode Lease} keeps the lock, releases it, and decides what the caller gets. `fn` also
 * gets what the store has granted.
 *
 * ```ts
 * import {
 *   type HeldLock,
 *   type LockStore,
 *   runWithLock,
 *   systemClock,
 * } from "@benchmark-exchange/infrastructure/core";
 *
 * const taken = new Set<string>(); // in an adapter, the server has these
 * let token = 0;
 * const store: LockStore<HeldLock> = {
 *   clock: systemClock,
 *   acquire({ name }) {
 *     if (taken.has(name)) return Promise.resolve(undefined); // it is tried again
 *     taken.add(name);
 *     return Promise.resolve({
 *       token: ++token,
 *       sinceMs: systemClock.monotonic(),
 *       renew: () => Promise.resolve(taken.has(name)),
 *       release: () => Promise.resolve(taken.delete(name)),
 *     });
 *   },
 * };
 * console.log(await runWithLock(store, "grade:123", () => "graded")); // "graded"
 * ```
 */
export async function runWithLock<T, Held extends HeldLock>(
  store: LockStore<Held>,
  name: string,
  fn: (lock: Lock, held: Held) => Promise<T> | T,
  options?: LockOptions,
): Promise<T> {
  const terms = checkLockCall(name, fn, options);
  const stop = new AbortController();
  const unfollow = follow(stop, store.closed, terms.signal);
  try {
    const { held, lease } = await acquire(store, name, terms, stop.signal);
    const abort = (): void => lease.abort(stop.signal.reason);
    if (stop.signal.aborted) abort();
    else stop.signal.addEventListener("abort", abort, { once: true });
    return await hold(held, lease, fn);
  } finally {
    unfollow();
  }
}

interface Holding<Held> {
  readonly held: Held;
  readonly lease: Lease;
}

async function acquire<Held extends HeldLock>(
  store: LockStore<Held>,
  name: string,
  { ttlMs, waitMs }: LockTerms,
  signal: AbortSignal,
): Promise<Holding<Held>> {
  const { clock } = store;
  const endMs = clock.monotonic() + waitMs;
  for (let count = 1;; count++) {
    if (signal.aborted) throw stopError(store, signal);
    const leftMs = Math.max(endMs - clock.monotonic(), 0);
    const timeoutMs = Math.max(leftMs, MIN_ATTEMPT_MS);
    const attempt = { name, ttlMs, leftMs, timeoutMs, signal };
    const holding = await attemptOnce(store, attempt, waitMs);
    if (holding) return holding;
    const pauseLeftMs = endMs - clock.monotonic();
    if (pauseLeftMs <= 0) throw lockTimeoutError(waitMs);
    await delay(Math.min(pauseMs(count, BACKOFF), pauseLeftMs), signal, clock).catch(() => {});
  }
}

async function attemptOnce<Held extends HeldLock>(
  store: LockStore<Held>,
  attempt: LockAttempt,
  waitMs: number,
): Promise<Holding<Held> | undefined> {
  const { signal, ttlMs } = attempt;
  let held: Held | undefined;
  try {
    held = await store.acquire(attempt);
  } catch (error) {
    if (signal.aborted) throw stopError(store, signal);
    if (isTimeout(error)) throw lockTimeoutError(waitMs, error);
    throw error;
  }
  if (!held) return undefined;
  const lease = new Lease(held, { ttlMs, clock: store.clock });
  if (!signal.aborted && !lease.lost) return { held, lease };
  // It came too late: the caller is gone, or so much time has passed that it may be over again.
  lease.end();
  await releaseQuietly(held);
  return undefined;
}

async function hold<T, Held extends HeldLock>(
  held: Held,
  lease: Lease,
  fn: (lock: Lock, held: Held) => Promise<T> | T,
): Promise<T> {
  let result: T;
  try {
    result = await fn({ token: held.token, signal: lease.signal }, held);
  } catch (error) {
    lease.end();
    await releaseQuietly(held);
    throw error;
  }
  lease.end();
  if (lease.lost) {
    await releaseQuietly(held);
    throw lockLostError();
  }
  if (!await held.release(true)) throw lockLostError();
  return result;
}

/** Nobody waits for more than the release itself; a lock that cannot be released ends by itself. */
async function releaseQuietly(held: HeldLock): Promise<void> {
  await held.release(false).catch(() => {});
}

function isTimeout(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === "timeout";
}

function stopError({ closed }: LockStore<HeldLock>, signal: AbortSignal): unknown {
  return closed?.aborted ? closed.reason : lockAbortedError(signal.reason);
}

/** Aborts the controller as soon as one of the signals does. Returns a function that ends this. */
function follow(
  controller: AbortController,
  ...signals: readonly (AbortSignal | undefined)[]
): () => void {
  const ends = signals.map((signal) => {
    const abort = (): void => controller.abort(signal?.reason);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
    return () => signal?.removeEventListener("abort", abort);
  });
  return () => ends.forEach((end) => end());
}
