import type { Clock } from "../../core/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

<<<<<<< HEAD
/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  #timers: Timer[] = [];

  /** Creates a clock whose wall time starts at `startMs`. Default: 2026-01-01. */
=======
/** A clock that stands still until the test moves it. */
export class ManualClock implements Clock {
  readonly #startMs: number;
  readonly #timers = new Set<Timer>();
  #elapsedMs = 0;

  /** Creates a clock that shows `startMs` since the Unix epoch. */
>>>>>>> messaging
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#startMs = startMs;
  }

<<<<<<< HEAD
  /** The wall time. */
=======
  /** What it shows, in milliseconds since the Unix epoch. */
>>>>>>> messaging
  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

<<<<<<< HEAD
  /** The milliseconds since the clock was created. */
=======
  /** How far it was moved, in milliseconds. */
>>>>>>> messaging
  monotonic(): number {
    return this.#elapsedMs;
  }

<<<<<<< HEAD
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
=======
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
>>>>>>> messaging
    }
    this.#elapsedMs = endMs;
  }

<<<<<<< HEAD
  #nextUntil(endMs: number): Timer | undefined {
    return this.#timers
      .filter((timer) => timer.dueMs <= endMs)
      .reduce<Timer | undefined>(
        (first, timer) => first && first.dueMs <= timer.dueMs ? first : timer,
        undefined,
      );
=======
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
>>>>>>> messaging
  }
}
