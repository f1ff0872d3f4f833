import type { CommandLine } from "./command_line.ts";
import type { CliIo } from "./io.ts";

/** What an option takes: nothing, or a text. */
export type OptionKind = "flag" | "text";

/** A command that does something. */
export interface Command {
  /** Shown by `--help`; has examples, and the exit codes. */
  readonly help: string;
  /** Its options besides `--help`, by their names. */
  readonly options: Readonly<Record<string, OptionKind>>;
  /** What it takes besides options, such as `ID`; nothing if left out. */
  readonly operands?: string;
  /** Does it, and resolves with the exit code. */
  run(line: CommandLine, io: CliIo): Promise<number>;
}

/** A command that is followed by the name of another one. */
export interface CommandGroup {
  /** Shown by `--help`; has examples. */
  readonly help: string;
  /** The others by their names; loaded only when they are asked for, so that the rest starts fast. */
  readonly commands: Readonly<
    Record<string, () => Command | CommandGroup | Promise<Command | CommandGroup>>
  >;
}
