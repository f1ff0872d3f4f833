import { SCORES, SLUGS } from "./setup.ts";

/** What a person asked the demo for. */
export interface CommandLine {
  /** Print one JSON document instead of tables. */
  readonly json: boolean;
  /** The results to import, instead of the EvalPlus leaderboard. */
  readonly dataFile: string | undefined;
  /** Where to keep everything. */
  readonly keepDir: string | undefined;
  /** Print the help text only. */
  readonly help: boolean;
}

/** Shown by `--help`. */
export const HELP = `A benchmark exchange at work on real results.

  deno task demo [--json] [--data FILE] [--keep DIR]

  --json       one JSON document on standard output, for machines
  --data FILE  other results: JSON lines such as
               {"source":"where they are from"} (may be left out)
               {"provider":"openai","model":"gpt-4","benchmark":"humaneval","score":88.4}
               benchmark: ${SLUGS.join(", ")}
               score: ${SCORES.min} to ${SCORES.max}, or null if the run failed
               refused rows are reported by their line
  --keep DIR   keep database and objects in DIR and go on there the next time

With DATABASE_URL set, the database is that PostgreSQL server; with REDIS_URL, the cache is that
Redis server; with S3_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the storage is that S3
server.
Ends with 0, with 2 if rows were refused, with 1 if anything else failed.
`;

/** Reads the arguments; throws for one that is unknown or incomplete. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const values = { json: false, dataFile: undefined, keepDir: undefined, help: false } as {
    -readonly [K in keyof CommandLine]: CommandLine[K];
  };
  for (let i = 0; i < args.length; i++) {
    const argument = args[i];
    if (argument === "--json") values.json = true;
    else if (argument === "--help" || argument === "-h") values.help = true;
    else if (argument === "--data") values.dataFile = valueAfter(args, i++);
    else if (argument === "--keep") values.keepDir = valueAfter(args, i++);
    else throw new Error(`Unknown argument ${argument}; see --help`);
  }
  return values;
}

function valueAfter(args: readonly string[], index: number): string {
  const value = args[index + 1];
  if (!value || value.startsWith("--")) {
    throw new Error(`${args[index]} needs a value; see --help`);
  }
  return value;
}
