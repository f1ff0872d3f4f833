import type { CliIo } from "../io.ts";

/** How long a step took. */
export interface StepTime {
  readonly step: string;
  readonly ms: number;
}

/** Runs steps one after the other, shows how far they are to a person who watches, and keeps their times. */
export class Steps {
  /** What each took, so far. */
  readonly times: StepTime[] = [];
  readonly #io: Pick<CliIo, "stderr" | "signal">;

  /** Shows progress on the error stream, so that the output can be piped. */
  constructor(io: Pick<CliIo, "stderr" | "signal">) {
    this.#io = io;
  }

  /** Runs a step; it can say how far it is. When the user has asked to stop, it throws instead, also where it says that. */
  async run<T>(step: string, fn: (progress: (done: string) => void) => Promise<T>): Promise<T> {
    const start = performance.now();
    this.#show(`${step} …`);
    try {
      return await fn((done) => this.#show(`${step} … ${done}`));
    } finally {
      this.times.push({ step, ms: Math.round(performance.now() - start) });
      this.#show("");
    }
  }

  #show(text: string): void {
    const { stderr, signal } = this.#io;
    if (stderr.isTerminal) void stderr.write(`\r\u001b[K${text}`);
    if (text !== "") signal.throwIfAborted();
  }
}
