import { type Clock, systemClock } from "../core/clock.ts";
import {
  type CallOptions,
  checkCallOptions,
  checkTimeout,
  type Interruption,
  settleWithin,
} from "../core/call_options.ts";
import { DatabaseError } from "../core/errors.ts";
import { checkInteger } from "../core/validation.ts";
import { abortedError, closedError, toDatabaseError } from "./database_error.ts";
import type { DatabaseDriver, DriverConnection } from "./driver.ts";

/** How many connections the pool holds, and for how long. All durations in milliseconds. */
export interface ConnectionPoolOptions {
  /** The most connections at once. Default: 10, or fewer if the driver says so. */
  readonly max?: number;
  /** The most callers that wait for one; the next is refused with `overloaded`. Default: 1,000. */
  readonly maxWaiting?: number;
  /** How long a caller waits for a connection. Default: 5,000. */
  readonly acquireTimeoutMs?: number;
  /** An idle connection is closed after this. Default: 30,000. */
  readonly idleTimeoutMs?: number;
  /** An older connection is closed when it comes back. Default: 1,800,000. */
  readonly maxLifetimeMs?: number;
  /** A connection that idled longer is tried with `select 1` before it is given out. Default: 10,000. */
  readonly validateAfterIdleMs?: number;
}

/** How the pool stands. */
export interface PoolStats {
  /** Open connections, in use or idle. */
  readonly total: number;
  /** Open connections that nobody uses. */
  readonly idle: number;
  /** Callers that wait for a connection. */
  readonly waiting: number;
}

/** A connection in the pool's books. */
export interface PooledConnection {
  /** The connection of the driver. */
  readonly connection: DriverConnection;
  /** @internal */
  readonly openedAtMs: number;
  /** @internal */
  idleSinceMs: number;
}

/** A caller in the queue. */
interface Waiter {
  readonly operation: string;
  readonly promise: Promise<PooledConnection>;
  resolve(pooled: PooledConnection): void;
  reject(error: Error): void;
}

/** How long `select 1` may take on a connection that idled. */
const VALIDATION_TIMEOUT_MS = 1_000;

/** How long {@linkcode ConnectionPool.close} waits for connections to say goodbye. */
const GOODBYE_TIMEOUT_MS = 1_000;

/** Connections that are opened on demand, lent to one caller at a time and reused, newest first. */
export class ConnectionPool {
  readonly #driver: DatabaseDriver;
  readonly #options: Required<ConnectionPoolOptions>;
  readonly #clock: Clock;
  /** In the order in which they began to idle. */
  readonly #idle: PooledConnection[] = [];
  /** In the order in which they came. */
  readonly #waiters = new Set<Waiter>();
  readonly #all = new Set<PooledConnection>();
  readonly #goodbyes = new Set<Promise<void>>();
  #opening = 0;
  #validating = 0;
  #closed: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #cancelSweep: (() => void) | undefined;

  /** Creates a pool that opens nothing yet. Throws a `ValidationError` that names a bad option. */
  constructor(driver: DatabaseDriver, options: ConnectionPoolOptions, clock: Clock = systemClock) {
    this.#driver = driver;
    this.#clock = clock;
    const max = checkInteger("max", options.max ?? 10, { min: 1 });
    this.#options = {
      max: Math.min(max, driver.maxConnections),
      maxWaiting: checkInteger("maxWaiting", options.maxWaiting ?? 1_000, { min: 1 }),
      acquireTimeoutMs: checkTimeout(options.acquireTimeoutMs ?? 5_000, "acquireTimeoutMs"),
      idleTimeoutMs: checkTimeout(options.idleTimeoutMs ?? 30_000, "idleTimeoutMs"),
      maxLifetimeMs: checkTimeout(options.maxLifetimeMs ?? 1_800_000, "maxLifetimeMs"),
      validateAfterIdleMs: checkTimeout(
        options.validateAfterIdleMs ?? 10_000,
        "validateAfterIdleMs",
      ),
    };
  }

  /** How the pool stands now. */
  get stats(): PoolStats {
    return { total: this.#all.size, idle: this.#idle.length, waiting: this.#waiters.size };
  }

  /** Returns an idle connection at once, or `undefined`: the quick way past {@linkcode acquire}. */
  acquireIdle(): PooledConnection | undefined {
    const pooled = this.#idle.at(-1);
    if (!pooled || this.#closed) return undefined;
    const idleMs = this.#clock.monotonic() - pooled.idleSinceMs;
    return idleMs > this.#options.validateAfterIdleMs ? undefined : this.#idle.pop();
  }

  /**
   * Lends a connection; every one must come back through {@linkcode release} or {@linkcode destroy}.
   * Callers are served in the order in which they came. Rejects with `overloaded` if the pool is full
   * for longer than the acquire timeout or `options.timeoutMs`, whichever is shorter, with why the server
   * could not be reached otherwise, with `aborted`, and with `closed` after {@linkcode close}.
   */
  async acquire(operation: string, options: CallOptions = {}): Promise<PooledConnection> {
    const { signal } = options;
    const { acquireTimeoutMs, maxWaiting } = this.#options;
    checkCallOptions(options);
    const timeoutMs = Math.min(options.timeoutMs ?? acquireTimeoutMs, acquireTimeoutMs);
    if (this.#closed) throw closedError(operation);
    if (signal?.aborted) throw abortedError(operation, signal.reason);
    const idle = this.acquireIdle();
    if (idle) return idle;
    const unproven = this.#idle.pop();
    if (!unproven && this.#waiters.size >= maxWaiting) throw this.#fullError(operation);
    const waiter = this.#enqueue(operation);
    if (unproven) void this.#validate(unproven);
    this.#openMore();
    return await settleWithin(
      waiter.promise,
      { signal, defaultTimeoutMs: timeoutMs, clock: this.#clock },
      (interruption) => {
        this.#abandon(waiter);
        return this.#waitError(operation, interruption);
      },
    );
  }

  /** Takes a connection back. */
  release(pooled: PooledConnection): void {
    const nowMs = this.#clock.monotonic();
    const isOld = nowMs - pooled.openedAtMs > this.#options.maxLifetimeMs;
    if (!pooled.connection.reusable || this.#closed || isOld) return this.destroy(pooled);
    const waiter = this.#nextWaiter();
    if (waiter) return waiter.resolve(pooled);
    pooled.idleSinceMs = nowMs;
    this.#idle.push(pooled);
    if (!this.#cancelSweep) this.#sweepAfter(this.#options.idleTimeoutMs);
  }

  /** Closes a connection whose state is unknown instead of taking it back. */
  destroy(pooled: PooledConnection): void {
    if (!this.#all.delete(pooled)) return;
    const index = this.#idle.indexOf(pooled);
    if (index >= 0) this.#idle.splice(index, 1);
    const goodbye = pooled.connection.close().catch(() => {});
    this.#goodbyes.add(goodbye);
    void goodbye.then(() => this.#goodbyes.delete(goodbye));
    this.#openMore();
    this.#noteDrained();
  }

  /**
   * Refuses new callers, waits up to `deadlineMs` (default 5,000) for lent connections to come back,
   * then closes everything. Idempotent.
   */
  close(deadlineMs = 5_000): Promise<void> {
    this.#closed ??= this.#closeAll(deadlineMs);
    return this.#closed;
  }

  async #closeAll(deadlineMs: number): Promise<void> {
    this.#cancelSweep?.();
    for (const waiter of this.#waiters) waiter.reject(closedError(waiter.operation));
    this.#waiters.clear();
    for (const pooled of [...this.#idle]) this.destroy(pooled);
    if (this.#all.size + this.#opening > 0) {
      await this.#atMost(deadlineMs, new Promise<void>((resolve) => this.#drained = resolve));
    }
    for (const pooled of [...this.#all]) {
      void pooled.connection.cancel();
      this.destroy(pooled);
    }
    await this.#atMost(GOODBYE_TIMEOUT_MS, Promise.all(this.#goodbyes));
    await this.#driver.close();
  }

  /** Waits, but no longer than the deadline. */
  #atMost(deadlineMs: number, done: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(deadlineMs, resolve);
      void done.then(() => (cancel(), resolve()));
    });
  }

  #noteDrained(): void {
    if (this.#all.size + this.#opening === 0) this.#drained?.();
  }

  /** Tries a connection that idled for long, before the next waiter gets it. */
  async #validate(pooled: PooledConnection): Promise<void> {
    this.#validating++;
    const answered = await settleWithin(
      pooled.connection.execute({ text: "select 1", values: [] }),
      { defaultTimeoutMs: VALIDATION_TIMEOUT_MS, clock: this.#clock },
      () => new Error("no answer"),
    ).then(() => true, () => false);
    this.#validating--;
    if (answered) return this.release(pooled);
    // Others have idled for even longer: what broke this one has met them, too.
    const suspects = this.#idle.filter((other) => other.idleSinceMs <= pooled.idleSinceMs);
    for (const suspect of [pooled, ...suspects]) this.destroy(suspect);
  }

  #enqueue(operation: string): Waiter {
    let settle!: Pick<Waiter, "resolve" | "reject">;
    const promise = new Promise<PooledConnection>((resolve, reject) => {
      settle = { resolve, reject };
    });
    const waiter = { operation, promise, ...settle };
    this.#waiters.add(waiter);
    return waiter;
  }

  /** A waiter that was served at the very moment when it gave up returns what it got. */
  #abandon(waiter: Waiter): void {
    if (this.#waiters.delete(waiter)) return;
    void waiter.promise.then((pooled) => this.release(pooled), () => {});
  }

  /** Opens a connection for every waiter who will not get one that is on its way already. */
  #openMore(): void {
    if (this.#closed) return;
    while (
      this.#opening + this.#validating < this.#waiters.size &&
      this.#all.size + this.#opening < this.#options.max
    ) void this.#open();
  }

  async #open(): Promise<void> {
    this.#opening++;
    let pooled: PooledConnection | undefined;
    try {
      const connection = await this.#driver.connect(() => pooled && this.#forgetBroken(pooled));
      const nowMs = this.#clock.monotonic();
      pooled = { connection, openedAtMs: nowMs, idleSinceMs: nowMs };
      this.#all.add(pooled);
    } catch (error) {
      this.#failNext(error);
    } finally {
      this.#opening--;
    }
    if (!pooled) {
      this.#openMore();
      this.#noteDrained();
      return;
    }
    // Not through `release`: it need not be reusable for its first use.
    const waiter = this.#nextWaiter();
    if (waiter) waiter.resolve(pooled);
    else this.release(pooled);
  }

  #failNext(error: unknown): void {
    const waiter = this.#nextWaiter();
    const operation = waiter?.operation ?? "connect";
    waiter?.reject(toDatabaseError(error, { operation, outcomeIfLost: "not-applied" }));
  }

  #forgetBroken(pooled: PooledConnection): void {
    if (this.#idle.includes(pooled)) this.destroy(pooled);
  }

  #nextWaiter(): Waiter | undefined {
    const [waiter] = this.#waiters;
    if (waiter) this.#waiters.delete(waiter);
    return waiter;
  }

  #sweep(): void {
    const { idleTimeoutMs } = this.#options;
    const nowMs = this.#clock.monotonic();
    const stale = this.#idle.filter((one) => nowMs - one.idleSinceMs >= idleTimeoutMs);
    for (const pooled of stale) this.destroy(pooled);
    const oldest = this.#idle[0];
    this.#cancelSweep = undefined;
    if (oldest) this.#sweepAfter(oldest.idleSinceMs + idleTimeoutMs - nowMs);
  }

  #sweepAfter(delayMs: number): void {
    this.#cancelSweep = this.#clock.after(delayMs, () => this.#sweep(), { background: true });
  }

  #waitError(operation: string, interruption: Interruption): DatabaseError {
    if (interruption.kind === "aborted") return abortedError(operation, interruption.reason);
    const waitedMs = Math.round(interruption.timeoutMs);
    if (this.#opening + this.#validating === 0) return this.#fullError(operation, waitedMs);
    return new DatabaseError(
      `Cannot ${operation}: the server did not accept a connection within ${waitedMs} ms`,
      { code: "unavailable", operation, retryable: true },
    );
  }

  #fullError(operation: string, waitedMs = 0): DatabaseError {
    const { total, idle, waiting } = this.stats;
    return new DatabaseError(
      `Cannot ${operation}: the pool is full, ${
        total - idle
      } of ${this.#options.max} connections ` +
        `are in use and ${waiting} other callers wait, after ${waitedMs} ms`,
      { code: "overloaded", operation, retryable: true },
    );
  }
}
