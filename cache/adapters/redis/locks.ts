import { settleWithin } from "../../../core/call_options.ts";
import { type Clock, systemClock } from "../../../core/clock.ts";
import { CacheError, InfrastructureError } from "../../../core/errors.ts";
import type { HeldLock } from "../../../core/lease.ts";
import type { Lock, LockOptions, LockProvider } from "../../../core/lock.ts";
import { type LockAttempt, runWithLock } from "../../../core/run_with_lock.ts";
import { RunningCalls } from "../../running_calls.ts";
import type { RedisScript } from "../../../core/redis/redis_script.ts";
import type { RunScript, ScriptCall } from "./script.ts";

/** How to build {@linkcode RedisLocks}. */
export interface RedisLocksConfig {
  /** What leases and waiting are measured with. Default: the clock of the machine. */
  readonly clock?: Clock;
  /** Aborts with the error for all callers when the connection is closed. */
  readonly closed?: AbortSignal;
}

/** How long a release may take; the lock ends by itself after `ttlMs`. */
const RELEASE_TIMEOUT_MS = 5_000;

/** How long holders have to stop before their connection is closed. */
const STOP_TIMEOUT_MS = 1_000;

const OPERATION = "LockProvider.withLock";

/** How long the last token of a lock is remembered after its end, in milliseconds: a day. */
const MEMORY_MS = "86400000";

/** The time of the server in microseconds; a Lua number holds it exactly for the next two centuries. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]`;

/** The token is at least the time, so that it grows even if the key is lost. */
const ACQUIRE: RedisScript = {
  name: "acquire lock",
  text: `${NOW}
local held = redis.call('HMGET', KEYS[1], 'until', 'token')
if held[1] and tonumber(held[1]) > now then return false end
local token = math.max(tonumber(held[2] or 0) + 1, now)
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'token', string.format('%.0f', token),
  'until', string.format('%.0f', now + ARGV[2] * 1000))
redis.call('PEXPIRE', KEYS[1], ARGV[2] + ${MEMORY_MS})
return token`,
};

const RENEW: RedisScript = {
  name: "renew lock",
  text: `${NOW}
local held = redis.call('HMGET', KEYS[1], 'owner', 'until')
if held[1] ~= ARGV[1] or tonumber(held[2]) <= now then return 0 end
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + ARGV[2] * 1000))
redis.call('PEXPIRE', KEYS[1], ARGV[2] + ${MEMORY_MS})
return 1`,
};

const RELEASE: RedisScript = {
  name: "release lock",
  text: `
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[1], 'owner', 'until')
redis.call('PEXPIRE', KEYS[1], ${MEMORY_MS})
return 1`,
};

/**
 * Locks on one Redis server, to save work: two holders at the same time are rare, and possible. One key holds a
 * lock: a hash of `owner` (a random UUID for each acquisition), `token` and `until` (microseconds by the clock
 * of the server). Only its owner renews and releases it. Those who wait ask again, at random intervals up to a
 * quarter of a second.
 *
 * Limits:
 *
 * - Replication is asynchronous: after a failover, the new server may not know the lock, and gives it to another.
 *   So does one that was flushed, has evicted the key or restarts without its data. The first holder learns it at
 *   its next renewal, a third of `ttlMs` later at most.
 * - A clock of the server that is set forward ends locks early.
 * - A token is at least the time of the server in microseconds, so it grows also after the key was lost,
 *   as long as the clock of the server, or of that which follows it, is not set back.
 *
 * Where two holders at once would do harm, have the resource refuse smaller tokens, or use
 * `PostgresLockProvider`. This is not Redlock: a majority of servers makes a loss less likely, but a paused holder
 * still does not know of it, so that the resource needs the token all the same (M. Kleppmann, "How to do
 * distributed locking", 2016), which Redlock does not have.
 */
export class RedisLocks implements LockProvider {
  readonly #run: RunScript;
  readonly #clock: Clock;
  readonly #closed: AbortSignal | undefined;
  readonly #running = new RunningCalls();

  /** Creates a provider on a connection, which stays the caller's to close. */
  constructor(run: RunScript, config: RedisLocksConfig = {}) {
    this.#run = run;
    this.#clock = config.clock ?? systemClock;
    this.#closed = config.closed;
  }

  /** See {@linkcode LockProvider.withLock}. Rejects with a `CacheError` if the server cannot be asked. */
  withLock<T>(
    name: string,
    fn: (lock: Lock) => Promise<T> | T,
    options?: LockOptions,
  ): Promise<T> {
    const acquire = (attempt: LockAttempt): Promise<HeldLock | undefined> => this.#acquire(attempt);
    const store = { clock: this.#clock, closed: this.#closed, acquire };
    return this.#running.track(runWithLock(store, name, fn, options));
  }

  /** Waits until every lock is released, for a second at most. */
  async released(): Promise<void> {
    const wait = { defaultTimeoutMs: STOP_TIMEOUT_MS, clock: this.#clock };
    await settleWithin(this.#running.settled(), wait, () => new Error("not yet"))
      .catch(() => {});
  }

  async #acquire(attempt: LockAttempt): Promise<HeldLock | undefined> {
    const { name, ttlMs, timeoutMs, signal } = attempt;
    const sinceMs = this.#clock.monotonic();
    const owner = crypto.randomUUID();
    const run = (script: RedisScript, call: Omit<ScriptCall, "operation">): Promise<unknown> =>
      this.#run(script, "lock", name, [owner, String(ttlMs)], { operation: OPERATION, ...call });
    const release = (): Promise<unknown> =>
      run(RELEASE, { timeoutMs: Math.min(ttlMs, RELEASE_TIMEOUT_MS) });
    try {
      const token = await run(ACQUIRE, { signal, timeoutMs });
      if (token === null) return undefined;
      return {
        token: checkToken(token),
        sinceMs,
        renew: async (call) => await run(RENEW, call) === 1,
        // A server that does not answer says nothing about the time that is over: the lock was held then.
        release: () => release().then((reply) => reply === 1, () => true),
      };
    } catch (error) {
      // The lock may be ours without anybody to hold it.
      if (mayBeApplied(error)) void release().catch(() => {});
      throw error;
    }
  }
}

function mayBeApplied(error: unknown): boolean {
  return !(error instanceof InfrastructureError) || error.outcome === "unknown";
}

function checkToken(token: unknown): number {
  if (Number.isSafeInteger(token)) return token as number;
  throw new CacheError(`Cannot acquire lock: the token is no safe integer, got ${typeof token}`, {
    code: "corrupted",
    operation: OPERATION,
    outcome: "unknown",
  });
}
