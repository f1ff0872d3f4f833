import process from "node:process";

/** How long a step took. */
export interface StepTime {
  readonly step: string;
  readonly ms: number;
}

/** Where progress is shown, if a person watches it. */
export interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Runs steps one after the other, shows how far they are to a person who watches, and keeps their times. */
export class Steps {
  readonly times: StepTime[] = [];
  readonly #screen: Screen;

  /** The error stream by default, so that the output can be piped. */
  constructor(screen: Screen = process.stderr) {
    this.#screen = screen;
  }

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

  #show(text: string): void {
    if (this.#screen.isTTY) this.#screen.write(`\r\u001b[K${text}`);
  }
}
