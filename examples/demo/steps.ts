import process from "node:process";

/** How long a step took. */
export interface StepTime {
  readonly step: string;
  readonly ms: number;
}

/** Runs steps one after the other, shows how far they are to a person who watches, and keeps their times. */
export class Steps {
  readonly times: StepTime[] = [];
  readonly #watched: boolean = process.stderr.isTTY === true;

  /** Runs a step; it can say how far it is. */
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

  /** On the error stream, so that the output can be piped; nothing if nobody watches. */
  #show(text: string): void {
    if (this.#watched) process.stderr.write(`\r\u001b[K${text}`);
  }
}
