import type { Environment } from "../core/environment.ts";

/** Where text goes. */
export interface CliOutput {
  /** Whether a person watches it. */
  readonly isTerminal: boolean;
  /** Writes text; resolves when it was taken. Never rejects because a reader such as `head` has gone. */
  write(text: string): Promise<void>;
}

/** Everything that a command has of the outside world, besides servers and files. */
export interface CliIo {
  /** The variables that name servers, and `NO_COLOR`. */
  readonly environment: Environment;
  /** For results. */
  readonly stdout: CliOutput;
  /** For errors and progress. */
  readonly stderr: CliOutput;
  /** Aborts when the user asks to stop, or nobody reads the results any more. */
  readonly signal: AbortSignal;
}
