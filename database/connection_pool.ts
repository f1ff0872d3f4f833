import { type Clock, systemClock } from "../core/clock.ts";
import { type Interruption, settleWithin } from "../core/call_options.ts";
import { DatabaseError } from "../core/errors.ts";
import { toDatabaseError } from "./database_error.ts";
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

interface Waiter {
  resolve(pooled: PooledConnection): void;
  reject(error: Error): void;
  settled: boolean;
}

/** How long `select 1` may take on a connection that idled. */
const VALIDATION_TIMEOUT_MS = 1_000;

/** Connections that are opened on demand, lent to one caller at a time and reused, newest first. */
export class ConnectionPool {
  readonly #driver: DatabaseDriver;
  readonly #options: Required<ConnectionPoolOptions>;
  readonly #clock: Clock;
  readonly #idle: PooledConnection[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #all = new Set<PooledConnection>();
  #opening = 0;
  #closed: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #cancelSweep: (() => void) | undefined;

  /** Creates a pool that opens nothing yet. */
  constructor(driver: DatabaseDriver, options: ConnectionPoolOptions, clock: Clock = systemClock) {
    this.#driver = driver;
    this.#clock = clock;
    this.#options = {
      max: Math.min(options.max ?? 10, driver.maxConnections),
      maxWaiting: options.maxWaiting ?? 1_000,
      acquireTimeoutMs: options.acquireTimeoutMs ?? 5_000,
      idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
      maxLifetimeMs: options.maxLifetimeMs ?? 1_800_000,
      validateAfterIdleMs: options.validateAfterIdleMs ?? 10_000,
    };
  }

  /** How the pool stands now. */
  get stats(): PoolStats {
    return {
      total: this.#all.size,
      idle: this.#idle.length,
      waiting: this.#waiters.filter((waiter) => !waiter.settled).length,
    };
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
   * Rejects with `overloaded` if the pool is full for longer than the acquire timeout, with why
   * the server could not be reached otherwise, and with `closed` after {@linkcode close}.
   */
  async acquire(operation: string, signal?: AbortSignal): Promise<PooledConnection> {
    if (this.#closed) throw closedError(operation);
    const idle = this.acquireIdle() ??
      (this.#idle.length > 0 ? await this.#validIdle() : undefined);
    if (idle) return idle;
    if (
      this.#waiters.length >= this.#options.maxWaiting &&
      this.stats.waiting >= this.#options.maxWaiting
    ) throw this.#fullError(operation);
    const waiter = this.#enqueue(operation);
    try {
      return await settleWithin(
        waiter.promise,
        { signal, defaultTimeoutMs: this.#options.acquireTimeoutMs, clock: this.#clock },
        (interruption) => this.#waitError(operation, interruption),
      );
    } finally {
      waiter.settled = true;
    }
  }

  /** Takes a connection back. */
  release(pooled: PooledConnection): void {
    const ageMs = this.#clock.monotonic() - pooled.openedAtMs;
    if (!pooled.connection.reusable || this.#closed || ageMs > this.#options.maxLifetimeMs) {
      return this.destroy(pooled);
    }
    const waiter = this.#nextWaiter();
    if (waiter) return this.#hand(pooled, waiter);
    pooled.idleSinceMs = this.#clock.monotonic();
    this.#idle.push(pooled);
    this.#cancelSweep ??= this.#clock.after(this.#options.idleTimeoutMs, () => this.#sweep());
  }

  /** Closes a connection whose state is unknown instead of taking it back. */
  destroy(pooled: PooledConnection): void {
    if (!this.#all.delete(pooled)) return;
    const index = this.#idle.indexOf(pooled);
    if (index >= 0) this.#idle.splice(index, 1);
    void pooled.connection.close();
    if (this.#all.size === 0 && this.#opening === 0) this.#drained?.();
    this.#openFor(this.#waiters.find((waiter) => !waiter.settled));
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
    for (const waiter of this.#waiters.splice(0)) waiter.reject(closedError("acquire"));
    const closing = this.#idle.splice(0).map((pooled) => {
      this.#all.delete(pooled);
      return pooled.connection.close();
    });
    await Promise.all(closing);
    if (this.#all.size + this.#opening > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(deadlineMs, resolve);
        this.#drained = () => (cancel(), resolve());
      });
    }
    await Promise.all([...this.#all].map((pooled) => pooled.connection.close()));
    this.#all.clear();
    await this.#driver.close();
  }

  /** Tries connections that idled for long, and drops those that do not answer. */
  async #validIdle(): Promise<PooledConnection | undefined> {
    for (let pooled = this.#idle.pop(); pooled; pooled = this.#idle.pop()) {
      try {
        await settleWithin(
          pooled.connection.execute({ text: "select 1", values: [] }),
          { defaultTimeoutMs: VALIDATION_TIMEOUT_MS, clock: this.#clock },
          () => new Error("no answer"),
        );
        return pooled;
      } catch {
        this.destroy(pooled);
      }
    }
    return undefined;
  }

  #enqueue(operation: string): Waiter & { readonly promise: Promise<PooledConnection> } {
    let settle!: Pick<Waiter, "resolve" | "reject">;
    const promise = new Promise<PooledConnection>((resolve, reject) => {
      settle = { resolve, reject };
    });
    // An abandoned waiter can still be rejected by its connection attempt.
    promise.catch(() => {});
    const waiter = { promise, settled: false, ...settle };
    this.#waiters.push(waiter);
    this.#openFor(waiter, operation);
    return waiter;
  }

  #openFor(waiter: Waiter | undefined, operation = "connect"): void {
    if (!waiter || this.#closed || this.#all.size + this.#opening >= this.#options.max) return;
    this.#opening++;
    void this.#open()
      .then((pooled) => this.release(pooled))
      .catch((error) => {
        waiter.settled = true;
        waiter.reject(toDatabaseError(error, { operation, outcomeIfLost: "not-applied" }));
      })
      .finally(() => {
        if (this.#closed && this.#all.size + this.#opening === 0) this.#drained?.();
      });
  }

  async #open(): Promise<PooledConnection> {
    let pooled: PooledConnection | undefined;
    try {
      const connection = await this.#driver.connect(() => pooled && this.#forgetBroken(pooled));
      const nowMs = this.#clock.monotonic();
      pooled = { connection, openedAtMs: nowMs, idleSinceMs: nowMs };
      this.#all.add(pooled);
      return pooled;
    } finally {
      this.#opening--;
    }
  }

  #forgetBroken(pooled: PooledConnection): void {
    if (this.#idle.includes(pooled)) this.destroy(pooled);
  }

  #nextWaiter(): Waiter | undefined {
    while (this.#waiters.length > 0) {
      const waiter = this.#waiters.shift();
      if (waiter && !waiter.settled) return waiter;
    }
    return undefined;
  }

  #hand(pooled: PooledConnection, waiter: Waiter): void {
    waiter.settled = true;
    waiter.resolve(pooled);
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonic();
    const stale = this.#idle.filter((one) =>
      nowMs - one.idleSinceMs >= this.#options.idleTimeoutMs
    );
    for (const pooled of stale) this.destroy(pooled);
    this.#cancelSweep = this.#idle.length === 0
      ? undefined
      : this.#clock.after(this.#options.idleTimeoutMs, () => this.#sweep());
  }

  #waitError(operation: string, interruption: Interruption): DatabaseError {
    if (interruption.kind === "aborted") {
      return new DatabaseError(`Cannot ${operation}: aborted while waiting for a connection`, {
        code: "aborted",
        operation,
        cause: interruption.reason,
      });
    }
    if (this.#opening === 0) return this.#fullError(operation, interruption.timeoutMs);
    return new DatabaseError(
      `Cannot ${operation}: the server did not accept a connection within ${interruption.timeoutMs} ms`,
      { code: "unavailable", operation, retryable: true },
    );
  }

  #fullError(operation: string, waitedMs = 0): DatabaseError {
    const { total, idle, waiting } = this.stats;
    return new DatabaseError(
      `Cannot ${operation}: the pool is full, ${
        total - idle
      } of ${this.#options.max} connections ` +
        `are in use and ${waiting} callers wait, after ${waitedMs} ms`,
      { code: "overloaded", operation, retryable: true },
    );
  }
}

function closedError(operation: string): DatabaseError {
  return new DatabaseError(`Cannot ${operation}: the pool is closed`, {
    code: "closed",
    operation,
  });
}
