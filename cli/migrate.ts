import { migrate, type MigrationStatus, migrationStatus } from "../database/migrator.ts";
import { verify } from "../database/verify.ts";
import type { Command, CommandGroup } from "./command.ts";
import { EXIT_WRONG } from "./command_error.ts";
import type { CommandLine } from "./command_line.ts";
import type { CliIo } from "./io.ts";
import { jsonDocument, paintFor, printable } from "./output.ts";
import { withDatabase } from "./with_database.ts";

const UP: Command = {
  help: `Brings the schema of the database in DATABASE_URL up to date.

  migrate up [--json]

  --json  one JSON document: {"applied":[{"name":"0001_people","durationMs":12}]}

Each migration is applied whole or not at all, and once, also when two processes do it at the same
time. Nothing is changed if an applied migration was edited or is unknown to this version.

Examples
  migrate up
  migrate up --json

Ends with 0, with 1 if it failed, with 2 if it is used wrongly.
`,
  options: { json: "flag" },
  run: up,
};

const STATUS: Command = {
  help: `Tells which migrations of the database in DATABASE_URL are applied, changing nothing.

  migrate status [--json]

  --json  one JSON document: {"applied":[…],"pending":["0007_outbox"],"problems":[]}

Examples
  migrate status
  migrate status && ./start-service

Ends with 0 if all are applied, with 1 if one is pending or was changed, or if it failed, with 2 if
it is used wrongly.
`,
  options: { json: "flag" },
  run: status,
};

const VERIFY: Command = {
  help: `Has the database in DATABASE_URL parse every statement of the library, running none.

  migrate verify [--json]

  --json  one JSON document: {"statements":80,"problems":[]}

Examples
  migrate verify

Ends with 0 if they all fit the schema, with 1 if one does not, or if it failed, with 2 if it is
used wrongly.
`,
  options: { json: "flag" },
  run: verifySchema,
};

/** The schema of the database. */
export const MIGRATE: CommandGroup = {
  help: `The schema of the database in DATABASE_URL.

  migrate up      brings it up to date
  migrate status  tells what is applied; ends with 1 if something is pending or was changed
  migrate verify  tries every statement of the library against it; ends with 1 if one does not fit

Examples
  migrate up
  migrate status --json

--help behind one of them tells the rest.
`,
  commands: { up: () => UP, status: () => STATUS, verify: () => VERIFY },
};

async function up(line: CommandLine, io: CliIo): Promise<number> {
  const asJson = line.has("json");
  const applied: { readonly name: string; readonly durationMs: number }[] = [];
  const lines: Promise<void>[] = [];
  await withDatabase(io, (pool) =>
    migrate(pool, {
      signal: io.signal,
      onApplied: ({ name, durationMs: ms }) => {
        const durationMs = Math.round(ms);
        applied.push({ name, durationMs });
        if (!asJson) lines.push(io.stdout.write(`applied ${name} in ${durationMs} ms\n`));
      },
    }));
  await Promise.all(lines);
  if (asJson) await io.stdout.write(jsonDocument({ applied }));
  else if (applied.length === 0) await io.stdout.write("The schema is up to date\n");
  return 0;
}

async function status(line: CommandLine, io: CliIo): Promise<number> {
  const found = await withDatabase(io, (pool) => migrationStatus(pool, { signal: io.signal }));
  await io.stdout.write(line.has("json") ? jsonDocument(found) : formatStatus(found, io));
  return found.pending.length + found.problems.length === 0 ? 0 : EXIT_WRONG;
}

function formatStatus({ applied, pending, problems }: MigrationStatus, io: CliIo): string {
  const paint = paintFor(io);
  const lines = [
    ...applied.map(({ name, appliedAt }) =>
      `${paint("good", "applied")}  ${printable(name)}  ${appliedAt.toISOString()}`
    ),
    ...pending.map((name) => `${paint("warning", "pending")}  ${name}`),
    ...problems.map((problem) => `${paint("bad", "problem")}  ${printable(problem)}`),
    ...pending.length > 0 && problems.length === 0
      ? ["", "migrate up applies what is pending"]
      : [],
  ];
  return `${lines.join("\n")}\n`;
}

async function verifySchema(line: CommandLine, io: CliIo): Promise<number> {
  const report = await withDatabase(io, (pool) => verify(pool, { signal: io.signal }));
  const { statements, problems } = report;
  const paint = paintFor(io);
  const lines = problems.map((problem) => `${paint("bad", "problem")}  ${printable(problem)}\n`);
  const summary = problems.length === 0
    ? `All ${statements} statements fit the schema\n`
    : `\n${problems.length} problems in ${statements} statements; see migrate status\n`;
  await io.stdout.write(line.has("json") ? jsonDocument(report) : [...lines, summary].join(""));
  return problems.length === 0 ? 0 : EXIT_WRONG;
}
