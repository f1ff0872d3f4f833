/**
 * Lets at most so many run at once; the others wait in line.
 *
 * ```ts
 * import { Bulkhead } from "@benchmark-exchange/infrastructure/core";
 *
 * const places = new Bulkhead(2); // two graders at once
 * const graded: string[] = [];
 * async function grade(submission: string): Promise<void> {
 *   const leave = await places.enter(AbortSignal.timeout(5_000));
 *   try {
 *     graded.push(submission);
 *   } finally {
 *     leave();
 *   }
 * }
 * await Promise.all(["a", "b", "c"].map(grade));
 * console.log(graded, places.waiting); // [ "a", "b", "c" ] 0
 * ```
 */
export class Bulkhead {
  #free: number;
  readonly #waiting = new Set<() => void>();

  /** Creates one with `size` places. */
  constructor(size: number) {
    this.#free = size;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves with a place; call what it gives, once, to leave. Rejects with the signal's reason as soon as
   * that aborts; who waited then has left the line.
   */
  enter(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const abort = (): void => {
        this.#waiting.delete(admit);
        reject(signal.reason);
      };
      const admit = (): void => {
        signal.removeEventListener("abort", abort);
        resolve(this.#leaving());
      };
      if (this.#free > 0) {
        this.#free--;
        return admit();
      }
      this.#waiting.add(admit);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Hands the place to the next in line, the first time it is called. */
  #leaving(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const [next] = this.#waiting;
      if (next === undefined) {
        this.#free++;
        return;
      }
      this.#waiting.delete(next);
      next();
    };
  }
}
