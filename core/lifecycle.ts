/**
 * The things that an owner opened, closed in reverse order. What `AsyncDisposableStack` does, which
 * Node 22 does not have yet.
 *
 * ```ts
 * import { Lifecycle } from "@benchmark-exchange/infrastructure/core";
 * import { MemoryCacheProvider } from "@benchmark-exchange/infrastructure/cache/memory";
 * import { MemoryEventBus } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const opened = new Lifecycle();
 * const cache = new MemoryCacheProvider();
 * opened.onClose(() => cache.close());
 * const events = new MemoryEventBus();
 * opened.onClose(() => events.close());
 * await opened.close(); // the events first, then the cache
 * ```
 */
export class Lifecycle implements AsyncDisposable {
  #closers: (() => Promise<void> | void)[] = [];
  #closing: Promise<void> | undefined;

  /** Remembers how to close something; call it right after opening. What comes after `close` is not closed. */
  onClose(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /**
   * Closes everything, also when some of it fails; then rejects with the first failure. Idempotent:
   * every call gets the same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  /** The same as {@linkcode Lifecycle.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.reverse()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
