import { systemClock } from "../core/clock.ts";
import { DatabaseError } from "../core/errors.ts";
import type { HeldLock, RenewCall } from "../core/lease.ts";
import { lockLostError } from "../core/lock_error.ts";
import type { LockAttempt } from "../core/run_with_lock.ts";
import type { DatabasePool } from "./database_pool.ts";
import type { Transaction } from "./transaction.ts";

/** A holder decides itself how long it takes. */
const NO_DEADLINE_MS = Number.MAX_SAFE_INTEGER;

/** How much longer the server may take to say that the lock was not to be had. */
const GRACE_MS = 1_000;

/** SQLSTATEs of a server that has waited for long enough: the timeout for locks, and that for statements. */
const NOT_IN_TIME: readonly unknown[] = ["55P03", "57014"];

/** Codes of what a commit says when the connection is gone, and the lock with it. */
const LOSSES: readonly string[] = ["aborted", "timeout", "unavailable"];

/** Why a transaction is rolled back that nobody has an error for. */
const NOT_HELD = new Error("the lock is not held");

/** What a transaction has before its holder runs. */
interface Grant {
  readonly token: number;
  readonly sinceMs: number;
}

/**
 * A transaction that holds an advisory lock until it ends. Its holder works in a savepoint: the server
 * gives up the locks of a transaction in which a statement has failed, but not for a savepoint.
 */
export class LockedTransaction implements HeldLock {
  /** See `Lock.token`. */
  readonly token: number;
  /** See {@linkcode HeldLock.sinceMs}. */
  readonly sinceMs: number;
  /** What the holder writes with. */
  readonly transaction: Transaction;
  readonly #outer: Transaction;
  readonly #ttlMs: number;
  readonly #timeoutMs: number;
  readonly #control: AbortController;
  /** Settles when the transaction is over. */
  #done: Promise<unknown> = Promise.resolve();
  #commit: () => void = () => {};
  #rollBack: (reason: Error) => void = () => {};
  #queued = false;

  private constructor(
    pool: DatabasePool,
    { ttlMs }: LockAttempt,
    control: AbortController,
    { outer, inner, token, sinceMs }: Grant & { outer: Transaction; inner: Transaction },
  ) {
    this.token = token;
    this.sinceMs = sinceMs;
    this.transaction = inner;
    this.#outer = outer;
    this.#ttlMs = ttlMs;
    this.#timeoutMs = pool.timeoutMs;
    this.#control = control;
  }

  /** Begins a transaction that has the lock, or returns `undefined` if there is no lock or no connection in time. */
  static async acquire(
    pool: DatabasePool,
    attempt: LockAttempt,
  ): Promise<LockedTransaction | undefined> {
    const endMs = systemClock.monotonic() + attempt.leftMs;
    const control = new AbortController();
    const abort = (): void => control.abort();
    if (attempt.signal.aborted) abort();
    attempt.signal.addEventListener("abort", abort, { once: true });
    // The wait for a connection; what comes then has a deadline of its own.
    const cancelTimer = systemClock.after(attempt.timeoutMs, abort);
    let grant: (held: LockedTransaction) => void = () => {};
    const granted = new Promise<LockedTransaction>((resolve) => grant = resolve);
    const done = pool.transaction(async (outer) => {
      cancelTimer();
      const taken = await takeLock(outer, attempt, endMs);
      await outer.transaction((inner) => {
        const held = new LockedTransaction(pool, attempt, control, { outer, inner, ...taken });
        grant(held);
        return held.#ended();
      });
    }, {
      retries: 0,
      isolation: "read committed",
      signal: control.signal,
      timeoutMs: NO_DEADLINE_MS,
    });
    try {
      const held = await Promise.race([granted, done.then(() => undefined)]);
      if (held) held.#done = done;
      return held;
    } catch (error) {
      if (isNotHeld(error, control.signal)) return undefined;
      throw error;
    } finally {
      cancelTimer();
      attempt.signal.removeEventListener("abort", abort);
    }
  }

  /**
   * Shows the server that somebody is there. While a statement of the holder runs, so does the server, and does
   * not count the time; the lease then waits until that statement is done.
   */
  renew({ answered }: RenewCall): Promise<boolean> {
    this.#queued = this.#outer.busy;
    const onTurn = (): void => {
      if (this.#queued) answered();
      this.#queued = false;
    };
    return this.#outer.ping(this.#ttlMs, onTurn).then(() => true, () => false);
  }

  /** See {@linkcode HeldLock.isBusy}. */
  isBusy(): boolean {
    return this.#queued;
  }

  /** Closes the connection, so that nothing more can be written or committed. */
  abandon(): void {
    this.#control.abort();
  }

  /** Commits if `kept`, rolls back otherwise; both release the lock. */
  async release(kept: boolean): Promise<boolean> {
    const cancelTimer = systemClock.after(this.#timeoutMs, () => this.abandon());
    if (kept) this.#commit();
    else this.#rollBack(NOT_HELD);
    try {
      await this.#done;
      return true;
    } catch (error) {
      if (!kept) return false;
      throw isLoss(error) ? lockLostError(error) : error;
    } finally {
      cancelTimer();
    }
  }

  #ended(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#commit = resolve;
      this.#rollBack = reject;
    });
  }
}

/** The token is taken when the lock is held, so that no earlier holder has a greater one. */
async function takeLock(
  transaction: Transaction,
  { name, ttlMs, timeoutMs }: LockAttempt,
  endMs: number,
): Promise<Grant> {
  const waitMs = Math.ceil(endMs - systemClock.monotonic());
  const { rows: [settings] } = await transaction.execute(
    `select current_setting('lock_timeout') as before, set_config('lock_timeout', $1, true) as wait,
      set_config('idle_in_transaction_session_timeout', $2, true) as ttl`,
    [String(Math.max(waitMs, 1)), String(ttlMs)],
    { timeoutMs },
  );
  if (waitMs > 0) {
    const text = "select 1 from pg_advisory_xact_lock(hashtextextended($1, 0))";
    await transaction.execute(text, [name], { timeoutMs: waitMs + GRACE_MS });
  } else {
    const text = "select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as taken";
    const { rows: [row] } = await transaction.execute(text, [name], { timeoutMs });
    if (row?.["taken"] !== true) throw NOT_HELD;
  }
  const sinceMs = systemClock.monotonic();
  const { rows: [row] } = await transaction.execute(
    "select nextval('lock_tokens') as token, set_config('lock_timeout', $1, true) as wait",
    [settings?.["before"]],
    { timeoutMs },
  );
  return { token: Number(row?.["token"]), sinceMs };
}

function isNotHeld(error: unknown, control: AbortSignal): boolean {
  if (error === NOT_HELD || control.aborted) return true;
  if (!(error instanceof DatabaseError)) return false;
  return error.code === "overloaded" || NOT_IN_TIME.includes(error.sqlState);
}

function isLoss(error: unknown): boolean {
  return error instanceof DatabaseError && LOSSES.includes(error.code);
}
