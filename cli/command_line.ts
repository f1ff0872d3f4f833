import { parseArgs } from "node:util";
import type { Command, OptionKind } from "./command.ts";
import { usageError } from "./command_error.ts";

/** Every command has it. */
const HELP = "help";

/** What a person asked a command for. */
export class CommandLine {
  /** What stands beside the options. */
  readonly operands: readonly string[];
  readonly #flags: ReadonlySet<string>;
  readonly #texts: ReadonlyMap<string, string>;

  /** Use {@linkcode parseCommandLine}. */
  constructor(
    flags: ReadonlySet<string>,
    texts: ReadonlyMap<string, string>,
    operands: readonly string[],
  ) {
    this.#flags = flags;
    this.#texts = texts;
    this.operands = operands;
  }

  /** Whether a flag was given. */
  has(flag: string): boolean {
    return this.#flags.has(flag);
  }

  /** What was given for an option, the last time; `undefined` if it was not. */
  text(option: string): string | undefined {
    return this.#texts.get(option);
  }

  /** The same for an integer from `min` to `max`; throws a `CommandError` for anything else. */
  integer(
    option: string,
    { otherwise, min, max }: {
      readonly otherwise: number;
      readonly min: number;
      readonly max: number;
    },
  ): number {
    const text = this.text(option);
    if (text === undefined) return otherwise;
    const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (number >= min && number <= max) return number;
    throw usageError(
      `Cannot use --${option}: it must be an integer from ${min} to ${max}, got ${shownWord(text)}`,
    );
  }
}

/**
 * Reads the arguments of a command. Throws a `CommandError` for an option that is unknown or incomplete, and for an
 * operand where there is none. `-h` stands for `--help`.
 */
export function parseCommandLine(args: readonly string[], command: Command): CommandLine {
  const kinds: Record<string, OptionKind> = { ...command.options, [HELP]: "flag" };
  const options = Object.fromEntries(
    Object.entries(kinds).map(([name, kind]) =>
      [
        name,
        { type: kind === "flag" ? "boolean" : "string", ...(name === HELP && { short: "h" }) },
      ] as const
    ),
  );
  // Not strict, because then each runtime has words of its own for what is wrong, some with the value.
  const settings = { args: [...args], options, strict: false, tokens: true } as const;
  const { tokens, positionals } = parseArgs({ ...settings, allowPositionals: true });
  const flags = new Set<string>();
  const texts = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const value = optionValue(token, kinds);
    if (value === undefined) flags.add(token.name);
    else texts.set(token.name, value);
  }
  if (positionals.length > 0 && command.operands === undefined && !flags.has(HELP)) {
    throw usageError(`Cannot use ${shownWord(positionals[0] ?? "")}: it takes options only`);
  }
  return new CommandLine(flags, texts, positionals);
}

/** Whether it asks for the help text. */
export function isHelp(argument: string): boolean {
  return argument === `--${HELP}` || argument === "-h";
}

/** An argument as errors show it: only a plain word, for anything else could hold a password. */
export function shownWord(argument: string): string {
  return /^-{0,2}[a-z0-9][a-z0-9-]{0,30}$/i.test(argument)
    ? argument
    : `something of ${argument.length} characters`;
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** The text of an option; `undefined` for a flag. */
function optionValue(
  { name, rawName, value, inlineValue }: OptionToken,
  kinds: Readonly<Record<string, OptionKind>>,
): string | undefined {
  if (!Object.hasOwn(kinds, name)) {
    throw usageError(`Cannot use ${shownWord(rawName)}: it is not known`);
  }
  if (kinds[name] === "flag") {
    if (value === undefined) return undefined;
    throw usageError(`Cannot use ${rawName}: it takes no value`);
  }
  if (value && (inlineValue || !value.startsWith("-"))) return value;
  throw usageError(`Cannot use ${rawName}: it needs a value`);
}
