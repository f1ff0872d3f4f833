import type { Environment } from "../core/environment.ts";
import {
  type CacheProvider,
  createPool,
  type DatabasePool,
  Infrastructure,
  type InfrastructureParts,
  migrate,
  type StorageProvider,
} from "../mod.ts";
import type { Command } from "./command.ts";
import { CommandError, EXIT_USAGE } from "./command_error.ts";
import type { CommandLine } from "./command_line.ts";
import { builtInResults } from "./demo/results.ts";
import { formatReport } from "./demo/report.ts";
import { readResultsFile, type ResultsFile } from "./demo/results_file.ts";
import { runExchange } from "./demo/run_exchange.ts";
import { SCORES, SLUGS } from "./demo/setup.ts";
import { Steps } from "./demo/steps.ts";
import type { CliIo } from "./io.ts";
import { jsonDocument } from "./output.ts";

/** A benchmark exchange at work on real results. */
export const DEMO: Command = {
  help: `A benchmark exchange at work on real results.

  demo [--json] [--data FILE] [--keep DIR]

  --json       one JSON document on standard output, for machines
  --data FILE  other results than those of 30 models of the EvalPlus leaderboard, in lines such as
               {"source":"where they are from"} (may be left out)
               {"provider":"openai","model":"gpt-4","benchmark":"humaneval","score":88.4}
               benchmark: ${SLUGS.join(", ")}
               score: ${SCORES.min} to ${SCORES.max}, or null if the run failed
               refused rows are reported by their line
  --keep DIR   keep database and objects in DIR and go on there the next time

Examples
  demo
  demo --json --keep ./exchange
  demo --data results.jsonl

With DATABASE_URL set, the database is that PostgreSQL server; with REDIS_URL, the cache is that
Redis server; with S3_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the storage is that S3
server.
Ends with 0, with 2 if rows were refused or it is used wrongly, with 1 if anything else failed.
`,
  options: { json: "flag", data: "text", keep: "text" },
  run: runDemo,
};

async function runDemo(line: CommandLine, io: CliIo): Promise<number> {
  const dataDir = line.text("keep");
  const steps = new Steps(io);
  const file = await steps.run("read the results", () => readResults(line.text("data")));
  return await withServers(io.environment, steps, async (servers) => {
    const exchange = await steps.run(
      "open the exchange",
      () => Infrastructure.embedded({ ...servers, ...dataDir !== undefined && { dataDir } }),
    );
    try {
      const report = await runExchange(exchange, file, steps);
      await io.stdout.write(line.has("json") ? jsonDocument(report) : formatReport(report));
      if (report.imported.refused.length > 0) return EXIT_USAGE;
      return report.health.healthy ? 0 : 1;
    } finally {
      await exchange.close();
    }
  });
}

async function readResults(path: string | undefined): Promise<ResultsFile> {
  if (path === undefined) return builtInResults();
  const file = await readResultsFile(path);
  if (file.rows.length + file.refused.length > 0) return file;
  throw new CommandError(`Cannot use ${path}: it has no results`);
}

/** Opens what the environment names, and closes it afterwards; the rest stays embedded. */
async function withServers<T>(
  environment: Environment,
  steps: Steps,
  use: (servers: Partial<InfrastructureParts>) => Promise<T>,
): Promise<T> {
  const opened: { close(): Promise<void> }[] = [];
  const open = async <P extends { close(): Promise<void> }>(
    name: string,
    openPart: (environment: Environment) => Promise<P | undefined>,
  ): Promise<P | undefined> => {
    const part = await steps.run(`open the ${name}`, () => openPart(environment));
    if (part) opened.unshift(part);
    return part;
  };
  try {
    const database = await open("database", openDatabase);
    const cache = await open("cache", openCache);
    const storage = await open("storage", openStorage);
    const servers = { ...database && { database }, ...cache && { cache } };
    return await use({ ...servers, ...storage && { storage } });
  } finally {
    for (const part of opened) await part.close();
  }
}

/** With `DATABASE_URL`, the database is a server. */
async function openDatabase({ DATABASE_URL: url }: Environment): Promise<DatabasePool | undefined> {
  if (!url) return undefined;
  const database = await createPool({ url });
  await migrate(database);
  return database;
}

/** With `REDIS_URL`, the cache is a server. */
async function openCache({ REDIS_URL: url }: Environment): Promise<CacheProvider | undefined> {
  if (!url) return undefined;
  // Loaded only here, because the client takes its time to load.
  const { RedisCacheProvider } = await import("../cache/adapters/redis.ts");
  return await RedisCacheProvider.connect({ url });
}

/** With `S3_ENDPOINT`, the storage is a server. */
async function openStorage(environment: Environment): Promise<StorageProvider | undefined> {
  if (!environment["S3_ENDPOINT"]) return undefined;
  const { S3StorageProvider } = await import("../storage/adapters/s3.ts");
  return S3StorageProvider.fromEnv(environment);
}
