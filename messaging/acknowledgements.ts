import { type Backoff, delay, pauseMs } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import { nextTurn } from "../core/next_turn.ts";
import type { StreamEntry } from "./streams.ts";

/** What {@linkcode Acknowledgements} need. */
export interface AcknowledgementParts {
  /** Acknowledges entries; may be called again with the same ones. */
  readonly send: (entries: readonly StreamEntry[]) => Promise<void>;
  /** Hears of entries that are acknowledged. */
  readonly onDone: (entries: readonly StreamEntry[]) => void;
  /** Measures the pauses. */
  readonly clock: Clock;
}

const BACKOFF: Backoff = { baseMs: 50, maxMs: 2_000 };

/**
 * Acknowledges what is handled: all of one turn of the event loop in one call, because one call for each message
 * costs a third of the throughput. What could not be sent is sent again, until that is stopped.
 */
export class Acknowledgements {
  readonly #parts: AcknowledgementParts;
  readonly #stopped = new AbortController();
  #waiting: StreamEntry[] = [];
  #sending: Promise<void> | undefined;

  /** Creates one with nothing to acknowledge. */
  constructor(parts: AcknowledgementParts) {
    this.#parts = parts;
  }

  /** Acknowledges an entry soon. */
  add(entry: StreamEntry): void {
    this.#waiting.push(entry);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when everything is acknowledged, or it was stopped. */
  async settled(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  /** Sends nothing again. */
  stop(): void {
    this.#stopped.abort();
  }

  async #sendAll(): Promise<void> {
    for (let failures = 0; this.#waiting.length > 0;) {
      await nextTurn();
      const entries = this.#waiting;
      this.#waiting = [];
      try {
        await this.#parts.send(entries);
        this.#parts.onDone(entries);
        failures = 0;
      } catch {
        // Whoever reads tells that the server is away.
        if (this.#stopped.signal.aborted) break;
        this.#waiting = [...entries, ...this.#waiting];
        await this.#pause(++failures);
      }
    }
    this.#sending = undefined;
  }

  async #pause(failures: number): Promise<void> {
    const { clock } = this.#parts;
    await delay(pauseMs(failures, BACKOFF), this.#stopped.signal, clock).catch(() => {});
  }
}
