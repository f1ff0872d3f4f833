// What the benchmarks of events publish, and how much of it at once.
import { Buffer } from "node:buffer";

/** An event whose JSON has 195 bytes. */
export const PAYLOAD = {
  type: "LeaderboardPositionChanged",
  submissionId: "01936d3e-5a7b-7c1d-9e2f-3a4b5c6d7e8f",
  benchmarkId: "01936d3e-5a7b-7c1d-9e2f-3a4b5c6d7e90",
  model: { provider: "openai", name: "gpt", version: "4o" },
  rank: 3,
} as const;

/** How many messages are under way to the server at the same time. */
export const WINDOW = 256;

/** Sends `count` messages, at most `WINDOW` at a time. */
export async function sendAll(count: number, send: () => Promise<unknown>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await send();
  };
  await Promise.all(Array.from({ length: WINDOW }, worker));
}

/** Resolves when it was called so many times. */
export class Countdown {
  #left = 0;
  #done = (): void => {};

  /** Resolves after `count` calls of `one`. */
  of(count: number): Promise<void> {
    this.#left = count;
    return new Promise((resolve) => this.#done = resolve);
  }

  /** Counts one. */
  readonly one = (): void => {
    if (--this.#left === 0) this.#done();
  };
}

/** The size of the payload, in bytes. */
export const PAYLOAD_BYTES = Buffer.byteLength(JSON.stringify(PAYLOAD));
