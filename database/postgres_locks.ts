import { systemClock } from "../core/clock.ts";
import type { Lock, LockOptions, LockProvider } from "../core/lock.ts";
import { checkLockCall } from "../core/lock_rules.ts";
import { type LockAttempt, runWithLock } from "../core/run_with_lock.ts";
import type { DatabasePool } from "./database_pool.ts";
import { LockedTransaction } from "./locked_transaction.ts";
import type { Transaction } from "./transaction.ts";
import { Turnstile } from "./turnstile.ts";

/** A lock of {@linkcode PostgresLockProvider} while it is held. */
export interface PostgresLock extends Lock {
  /**
   * The transaction that holds the lock. What is written through it is committed together with the release, and
   * only if the lock was held to the end. It ends with the function.
   */
  readonly transaction: Transaction;
}

/**
 * Locks on PostgreSQL, for correctness and not only to save work. A transaction holds an advisory lock, and
 * `lock.transaction` writes in it: commit and release are one step of the server, so a holder that has lost the
 * lock, even one that was paused and does not know, can commit nothing. For what is written elsewhere, also
 * through the pool, there are `lock.signal` and `lock.token`, which is of a sequence and never goes back.
 *
 * The server ends the transaction of a holder that is silent for `ttlMs`, at once if its process is gone. It
 * needs no state of a session, so PgBouncer may pool transactions. Needs the migrations, for the sequence.
 *
 * Limits:
 *
 * - Each held lock takes a connection of the pool until it is released, and so does one waiting caller of each
 *   name; other callers of that name wait for him in this process. Is the pool full, the lock is not to be had
 *   within `waitMs`, code `timeout`. Give a pool more connections than it holds locks.
 * - A statement that fails rolls back what was written, unless it is in a nested transaction. The lock is
 *   kept until the function settles.
 * - While a statement of `lock.transaction` runs, the server keeps the lock, and nobody can be told of a
 *   connection that broke silently before the deadline of the statement; its work is rolled back then.
 * - A failover to a replica ends all locks with their transactions; tokens may repeat what the replica had not
 *   received.
 * - On PGlite there is one connection: one lock at a time, and no other use of the pool meanwhile, only of
 *   `lock.transaction`. A blocked event loop blocks the server, too, which then ends no transaction.
 *
 * ```ts
 * import { createPool, migrate, PostgresLockProvider } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * const locks = new PostgresLockProvider(pool);
 * await locks.withLock("report:daily", async ({ transaction, signal }) => {
 *   signal.throwIfAborted();
 *   await transaction.execute("create table if not exists reports (day date)");
 * });
 * await pool.close();
 * ```
 */
export class PostgresLockProvider implements LockProvider {
  readonly #pool: DatabasePool;
  readonly #turnstile = new Turnstile();

  /** Creates a provider on a pool, which stays the caller's to close. */
  constructor(pool: DatabasePool) {
    this.#pool = pool;
  }

  /**
   * See {@linkcode LockProvider.withLock}. Rejects with what a commit does, such as `constraint_violated`, if it fails
   * while the lock is held. Not inside a transaction of the same pool: code `nested_call`.
   */
  async withLock<T>(
    name: string,
    fn: (lock: PostgresLock) => Promise<T> | T,
    options?: LockOptions,
  ): Promise<T> {
    checkLockCall(name, fn, options);
    const acquire = (attempt: LockAttempt): Promise<LockedTransaction | undefined> =>
      this.#acquire(attempt);
    // Not in the scope of the transaction, so that `fn` may use the pool.
    return await runWithLock(
      { clock: systemClock, acquire },
      name,
      ({ token, signal }, { transaction }) => fn({ token, signal, transaction }),
      options,
    );
  }

  async #acquire(attempt: LockAttempt): Promise<LockedTransaction | undefined> {
    const endMs = systemClock.monotonic() + attempt.leftMs;
    const leave = await this.#turnstile.enter(attempt.name, attempt);
    if (!leave) return undefined;
    try {
      const leftMs = Math.max(endMs - systemClock.monotonic(), 0);
      return await LockedTransaction.acquire(this.#pool, { ...attempt, leftMs });
    } finally {
      leave();
    }
  }
}
