import { settleWithin } from "../core/call_options.ts";

/** How long to wait at a {@linkcode Turnstile}. */
export interface TurnstileWait {
  /** In milliseconds; 0 for not at all. */
  readonly leftMs: number;
  /** Ends the waiting at once. */
  readonly signal: AbortSignal;
}

/** Lets those who come for the same name through one by one, in the order in which they came. */
export class Turnstile {
  readonly #last = new Map<string, Promise<void>>();

  /** How many names somebody is at. */
  get size(): number {
    return this.#last.size;
  }

  /**
   * Resolves when it is the caller's turn, with a function that ends the turn; with `undefined` if it was not within
   * `leftMs` or before the signal fired.
   */
  async enter(name: string, { leftMs, signal }: TurnstileWait): Promise<(() => void) | undefined> {
    const before = this.#last.get(name);
    let end: () => void = () => {};
    const turn = new Promise<void>((resolve) => end = resolve);
    const last = Promise.all([before, turn]).then(() => {
      if (this.#last.get(name) === last) this.#last.delete(name);
    });
    this.#last.set(name, last);
    if (!before) return end;
    if (leftMs > 0 && await isInTime(before, { leftMs, signal })) return end;
    end();
    return undefined;
  }
}

function isInTime(turn: Promise<void>, { leftMs, signal }: TurnstileWait): Promise<boolean> {
  const wait = { defaultTimeoutMs: leftMs, signal };
  return settleWithin(turn, wait, () => new Error("not yet")).then(() => true, () => false);
}
