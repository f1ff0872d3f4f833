import { ConfigurationError, InfrastructureError, ValidationError } from "../core/errors.ts";

/** Something went wrong while it ran, or what was found is not as it should be. */
export const EXIT_WRONG = 1;
/** The command, its options or its variables are wrong. */
export const EXIT_USAGE = 2;
/** Stopped by Ctrl-C, as shells tell it. */
export const EXIT_STOPPED = 130;

/** Ends a command. Its message is printed, so it must hold no secret. */
export class CommandError extends Error {
  /** The name of this class. */
  override readonly name: string = "CommandError";
  /** What the process ends with. */
  readonly exitCode: number;

  /** Creates the error. */
  constructor(message: string, exitCode: number = EXIT_WRONG) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Returns an error about how the command line was used. */
export function usageError(message: string): CommandError {
  return new CommandError(message, EXIT_USAGE);
}

/** What a process that failed with this error ends with. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  const isUsage = error instanceof ConfigurationError || error instanceof ValidationError;
  return isUsage ? EXIT_USAGE : EXIT_WRONG;
}

/**
 * What can be printed of an error. Those of this package hold no secret; of any other one, which may be a client's,
 * only its kind is told, and where it came from.
 */
export function errorText(error: unknown): string {
  if (error instanceof CommandError || error instanceof InfrastructureError) return error.message;
  if (!(error instanceof Error)) return "Cannot go on: something that is no error was thrown";
  // The stack begins with the message.
  const stack = (error.stack ?? "").replace(error.message, "").split("\n");
  const places = stack.filter((line) => /^\s+at .+:\d+:\d+\)?$/.test(line));
  return [`Cannot go on: an unexpected ${error.constructor.name}`, ...places].join("\n");
}
