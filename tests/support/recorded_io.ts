import type { Environment } from "../../core/environment.ts";
import type { CliIo, CliOutput } from "../../cli/io.ts";
import { runCli } from "../../cli/run_cli.ts";

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

/** What is different from no variables, no terminal, and nobody who stops the command. */
export interface RecordedIoOptions {
  readonly environment?: Environment;
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
  /** Hears of everything that is written. */
  readonly onWrite?: () => void;
}

/** How a command ended, and what it wrote. */
export interface CommandOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in this process. */
export async function runRecorded(
  args: readonly string[],
  options: RecordedIoOptions = {},
): Promise<CommandOutcome> {
  const io = recordedIo(options);
  const code = await runCli(args, io);
  return { code, stdout: io.stdout.text, stderr: io.stderr.text };
}

/** The world of a command in a test. */
export function recordedIo(options: RecordedIoOptions = {}): RecordedIo {
  const { environment = {}, isTerminal = false, signal, onWrite = () => {} } = options;
  return {
    environment,
    stdout: new RecordedOutput(isTerminal, onWrite),
    stderr: new RecordedOutput(isTerminal, onWrite),
    signal: signal ?? new AbortController().signal,
  };
}
