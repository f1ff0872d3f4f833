import type { Command, CommandGroup } from "./command.ts";
import { errorText, EXIT_STOPPED, EXIT_USAGE, exitCodeOf, usageError } from "./command_error.ts";
import { isHelp, parseCommandLine, shownWord } from "./command_line.ts";
import type { CliIo } from "./io.ts";
import { VERSION } from "./version.ts";

const ROOT: CommandGroup = {
  help: `Works on the servers of a benchmark exchange.

  migrate up|status|verify          the schema of the database
  doctor                            checks every configured server, and says what to fix
  events tail|dead-letters|redrive  events as they happen, and those that could not be handled
  demo                              a benchmark exchange at work on real results

Examples
  export DATABASE_URL=postgres://user:password@127.0.0.1:5432/exchange
  deno run -A jsr:@benchmark-exchange/infrastructure/cli doctor
  deno run -A jsr:@benchmark-exchange/infrastructure/cli migrate up

--help behind a command tells its options; --version prints the version of the package.

Servers are named by variables: DATABASE_URL, REDIS_URL, NATS_URL, RABBITMQ_URL, and for S3
S3_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. There are no
options for them, because every user of a machine can read the passwords on a command line. Colors
are for terminals, and off with NO_COLOR.

Ends with 0 if all is well, 1 if something is wrong, 2 if it is used wrongly, 130 after Ctrl-C.
`,
  commands: {
    migrate: async () => (await import("./migrate.ts")).MIGRATE,
    doctor: async () => (await import("./doctor.ts")).DOCTOR,
    events: async () => (await import("./events.ts")).EVENTS,
    demo: async () => (await import("./demo.ts")).DEMO,
  },
};

/**
 * Runs a command and resolves with the exit code; never rejects. Leaves the process alone.
 *
 * Ends with 0 if all is well, 1 if something is wrong, 2 if it is used wrongly, 130 when `io.signal` stopped it; `events
 * tail`, which has no other end, then ends with 0.
 */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const names: string[] = [];
  try {
    return await dispatch(args, io, names);
  } catch (error) {
    if (io.signal.aborted) return EXIT_STOPPED;
    const code = exitCodeOf(error);
    const hint = code === EXIT_USAGE ? `; see ${[...names, "--help"].join(" ")}` : "";
    await io.stderr.write(`${names[0] ?? "cli"}: ${errorText(error)}${hint}\n`);
    return code;
  }
}

/** Follows the names to their command. */
async function dispatch(args: readonly string[], io: CliIo, names: string[]): Promise<number> {
  let node: Command | CommandGroup = ROOT;
  let rest = args;
  while ("commands" in node) {
    const [name, ...others]: readonly string[] = rest;
    if (name === undefined) {
      await io.stderr.write(node.help);
      return EXIT_USAGE;
    }
    if (isHelp(name)) return await show(node.help, io);
    if (name === "--version" && node === ROOT) return await show(`${VERSION}\n`, io);
    if (!Object.hasOwn(node.commands, name)) {
      const known = Object.keys(node.commands).join(", ");
      throw usageError(`Cannot run ${shownWord(name)}: the commands are ${known}`);
    }
    node = await node.commands[name]!();
    names.push(name);
    rest = others;
  }
  const line = parseCommandLine(rest, node);
  return line.has("help") ? await show(node.help, io) : await node.run(line, io);
}

async function show(text: string, { stdout }: CliIo): Promise<number> {
  await stdout.write(text);
  return 0;
}
