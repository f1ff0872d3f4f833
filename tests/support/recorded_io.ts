import type { Environment } from "../../core/environment.ts";
import type { CliIo, CliOutput } from "../../cli/io.ts";

/** An output that keeps what was written. */
export class RecordedOutput implements CliOutput {
  /** As it was written. */
  readonly pieces: string[] = [];
  readonly isTerminal: boolean;
  readonly #onWrite: () => void;

  /** Creates one; `onWrite` hears of each piece. */
  constructor(isTerminal: boolean, onWrite: () => void) {
    this.isTerminal = isTerminal;
    this.#onWrite = onWrite;
  }

  /** All that was written. */
  get text(): string {
    return this.pieces.join("");
  }

  write(text: string): Promise<void> {
    this.pieces.push(text);
    this.#onWrite();
    return Promise.resolve();
  }
}

/** What a command writes to and reads from in a test. */
export interface RecordedIo extends CliIo {
  readonly stdout: RecordedOutput;
  readonly stderr: RecordedOutput;
}

/** The world of a command in a test: no variables, no terminal, and nobody who stops it, unless told otherwise. */
export function recordedIo(options: {
  readonly environment?: Environment;
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
  readonly onWrite?: () => void;
} = {}): RecordedIo {
  const { environment = {}, isTerminal = false, signal, onWrite = () => {} } = options;
  return {
    environment,
    stdout: new RecordedOutput(isTerminal, onWrite),
    stderr: new RecordedOutput(isTerminal, onWrite),
    signal: signal ?? new AbortController().signal,
  };
}
