import { CacheError } from "../core/errors.ts";
import { closedError } from "./call_rules.ts";

/** How to run a call of {@linkcode ClosableCalls}. */
export interface ClosableCall {
  /** The public call that it is for. */
  readonly operation: string;
  /** The caller's signal. */
  readonly signal?: AbortSignal | undefined;
}

/** Calls of something that stays open, which end nevertheless when their own caller closes. */
export class ClosableCalls {
  readonly #running = new Set<AbortController>();
  #closed = false;

  /**
   * Settles as `call` does. The signal that it gets aborts as the caller's does, and on
   * {@linkcode ClosableCalls.close}: if it rejects with code `aborted` then, this rejects with code `closed`.
   */
  async run<T>(
    { operation, signal }: ClosableCall,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) throw closedError(operation);
    // Not `AbortSignal.any`, which some runtimes do not free as long as one of its sources lives.
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    this.#running.add(controller);
    try {
      return await call(controller.signal);
    } catch (error) {
      const isClosed = this.#closed && error instanceof CacheError && error.code === "aborted";
      throw isClosed ? closedError(operation) : error;
    } finally {
      this.#running.delete(controller);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Ends all that run; those that come are refused. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#running) controller.abort();
  }
}
