import type { Clock } from "../../core/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  #timers: Timer[] = [];

  /** Creates a clock whose wall time starts at `startMs`. Default: 2026-01-01. */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

  /** The wall time. */
  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  /** The milliseconds since the clock was created. */
  monotonic(): number {
    return this.#elapsedMs;
  }

  /** Remembers the timer until {@linkcode ManualClock.advance} reaches it. */
  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueMs: this.#elapsedMs + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves the time; every timer that gets due fires at its own time, in the order of time. */
  advance(ms: number): void {
    const endMs = this.#elapsedMs + ms;
    for (let timer = this.#nextUntil(endMs); timer; timer = this.#nextUntil(endMs)) {
      const due = timer;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#elapsedMs = Math.max(this.#elapsedMs, due.dueMs);
      due.callback();
    }
    this.#elapsedMs = endMs;
  }

  #nextUntil(endMs: number): Timer | undefined {
    return this.#timers
      .filter((timer) => timer.dueMs <= endMs)
      .reduce<Timer | undefined>(
        (first, timer) => first && first.dueMs <= timer.dueMs ? first : timer,
        undefined,
      );
  }
}
