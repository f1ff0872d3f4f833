/** Calls that have not settled, for who has to wait for them. */
export class RunningCalls {
  readonly #calls = new Set<Promise<unknown>>();

  /** Counts a call among them until it has settled, and returns it. */
  track<T>(call: Promise<T>): Promise<T> {
    const end = (): void => void this.#calls.delete(call);
    this.#calls.add(call);
    call.then(end, end);
    return call;
  }

  /** Resolves when those that run now have settled, however they do. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#calls);
  }
}
