import type { Clock } from "../../core/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until the test moves it.
 *
 * ```ts
 * import { MemoryCacheProvider } from "@benchmark-exchange/infrastructure/cache/memory";
 * import { ManualClock } from "@benchmark-exchange/infrastructure/testing";
 *
 * const clock = new ManualClock();
 * const cache = new MemoryCacheProvider({ clock });
 * await cache.set("a", 1, { ttlMs: 1_000 });
 * clock.advance(1_000);
 * console.log(await cache.get("a")); // undefined
 * await cache.close();
 * ```
 */
export class ManualClock implements Clock {
  readonly #startMs: number;
  readonly #timers = new Set<Timer>();
  #elapsedMs = 0;

  /** Creates a clock that shows `startMs` since the Unix epoch. */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  /** What it shows, in milliseconds since the Unix epoch. */
  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  /** How far it was moved, in milliseconds. */
  monotonic(): number {
    return this.#elapsedMs;
  }

  /** See {@linkcode Clock.after}. */
  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#elapsedMs + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Moves on by `durationMs` and calls what is due on the way, in the order of time. */
  advance(durationMs: number): void {
    const endMs = this.#elapsedMs + durationMs;
    for (let timer = this.#nextDue(endMs); timer; timer = this.#nextDue(endMs)) {
      this.#timers.delete(timer);
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
      timer.callback();
    }
    this.#elapsedMs = endMs;
  }

  /** Moves on by `durationMs` as while the event loop is blocked: what is due on the way is called by the next `advance`. */
  block(durationMs: number): void {
    this.#elapsedMs += durationMs;
  }

  /** How many timers wait. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  #nextDue(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
