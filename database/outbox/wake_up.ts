import type { Clock } from "../../core/clock.ts";

/** Lets one loop wait until there is something to do, or some time has passed. */
export class WakeUp {
  readonly #clock: Clock;
  #wake: (() => void) | undefined;
  #missed = false;

  /** Nobody waits yet. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the wait, or the next one if nobody waits: nothing is missed between two waits. */
  wake(): void {
    if (this.#wake) this.#wake();
    else this.#missed = true;
  }

  /** Wakes later; does not keep the process alive. */
  wakeAfter(delayMs: number): void {
    this.#clock.after(delayMs, () => this.wake(), { background: true });
  }

  /** Resolves at a call of {@linkcode WakeUp.wake}, and after `maxMs` at the latest. Does not keep the process alive. */
  wait(maxMs: number): Promise<void> {
    const missed = this.#missed;
    this.#missed = false;
    if (missed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        resolve();
      };
      const cancel = this.#clock.after(maxMs, this.#wake, { background: true });
    });
  }
}
