// A benchmark exchange at work on real results: `deno task demo`, `deno task demo --help`.
import process from "node:process";
import {
  type CacheProvider,
  createPool,
  type DatabasePool,
  EventChannel,
  Infrastructure,
  type InfrastructureParts,
  migrate,
  type StorageProvider,
} from "@benchmark-exchange/infrastructure";
import { seeBoardChange } from "./demo/board_change.ts";
import { HELP, parseCommandLine } from "./demo/command_line.ts";
import { importResults, verifyBest } from "./demo/import_results.ts";
import { checkDataset, readBoards, readRanks, readThroughCache } from "./demo/questions.ts";
import { type DemoReport, formatReport } from "./demo/report.ts";
import { readResultsFile, type ResultsFile } from "./demo/results_file.ts";
import { ensureBenchmarks, ensurePeople, type PublishedBenchmark } from "./demo/setup.ts";
import { Steps } from "./demo/steps.ts";

const EVALPLUS = new URL("./evalplus.jsonl", import.meta.url);

/** With `DATABASE_URL`, the database is a server. */
async function openDatabase(): Promise<DatabasePool | undefined> {
  const url = process.env["DATABASE_URL"];
  if (!url) return undefined;
  const database = await createPool({ url });
  await migrate(database);
  return database;
}

/** With `REDIS_URL`, the cache is a server. */
async function openCache(): Promise<CacheProvider | undefined> {
  const url = process.env["REDIS_URL"];
  if (!url) return undefined;
  // Loaded only here, because the client takes its time to load.
  const { RedisCacheProvider } = await import("@benchmark-exchange/infrastructure/cache/redis");
  return await RedisCacheProvider.connect({ url });
}

/** With `S3_ENDPOINT`, the storage is a server. */
async function openStorage(): Promise<StorageProvider | undefined> {
  if (!process.env["S3_ENDPOINT"]) return undefined;
  const { S3StorageProvider } = await import("@benchmark-exchange/infrastructure/storage/s3");
  return S3StorageProvider.fromEnv();
}

/** What repositories change arrives through the outbox. */
async function countEvents(exchange: Infrastructure): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const channels = [
    EventChannel.USER,
    EventChannel.ORGANIZATION,
    EventChannel.BENCHMARK,
    EventChannel.SUBMISSION,
    EventChannel.VERIFICATION,
  ];
  await exchange.events.subscribeMany(channels, ({ channel, type }) => {
    const name = `${channel} ${type}`;
    counts[name] = (counts[name] ?? 0) + 1;
  });
  return counts;
}

/** Resolves when everything that was changed has been told, or it takes too long. */
async function outboxIsEmpty({ relay }: Infrastructure): Promise<void> {
  const endMs = performance.now() + 10_000;
  while ((await relay.stats()).pending > 0 && performance.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Fills the exchange with people, benchmarks and results. */
async function fill(exchange: Infrastructure, file: ResultsFile, steps: Steps) {
  const people = await steps.run("create people", () => ensurePeople(exchange));
  const benchmarks = await steps.run(
    "publish benchmarks and datasets",
    () => ensureBenchmarks(exchange, people),
  );
  const imported = await steps.run(
    "import submissions",
    (progress) =>
      importResults(exchange, people, benchmarks, file.rows, (done) => {
        if (done % 25 === 0) progress(`${done} of ${file.rows.length}`);
      }),
  );
  const verified = await steps.run(
    "verify the best",
    () => verifyBest(exchange, people, benchmarks),
  );
  const refused = [...file.refused, ...imported.refused].sort((a, b) => a.line - b.line);
  return { source: file.source, benchmarks, imported: { ...imported, refused }, verified };
}

/** Asks the exchange what its users would ask. */
async function ask(
  exchange: Infrastructure,
  benchmarks: ReadonlyMap<string, PublishedBenchmark>,
  steps: Steps,
) {
  const boards = await steps.run("read the boards", () => readBoards(exchange, benchmarks));
  const verifiedBoards = await steps.run(
    "read the verified boards",
    () => readBoards(exchange, benchmarks, "platform_verified"),
  );
  const [published] = benchmarks.values();
  const model = boards.flatMap(({ entries }) => entries)[0]?.model;
  if (!published) throw new Error("no benchmark is published");
  return {
    boards,
    verifiedBoards,
    model,
    ranks: model
      ? await steps.run("rank one model", () => readRanks(exchange, benchmarks, model))
      : [],
    cache: await steps.run("read a board twice", () => readThroughCache(exchange, published)),
    dataset: await steps.run("check a dataset", () => checkDataset(exchange, published)),
    health: await steps.run("check health", () => exchange.health()),
  };
}

async function run(
  exchange: Infrastructure,
  file: ResultsFile,
  steps: Steps,
): Promise<DemoReport> {
  const events = await countEvents(exchange);
  const { benchmarks, ...filled } = await fill(exchange, file, steps);
  const answers = await ask(exchange, benchmarks, steps);
  const [first] = benchmarks.values();
  const people = await ensurePeople(exchange);
  const change = await steps.run(
    "hear of a change of a board",
    async () => first && await seeBoardChange(exchange, people, first),
  );
  await steps.run("wait for the outbox", () => outboxIsEmpty(exchange));
  return { ...filled, ...answers, change, events, steps: steps.times };
}

/** Whoever reads may stop before the end, such as `head`. */
function print(text: string): Promise<void> {
  const { stdout } = process;
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) =>
      !error || "code" in error && error.code === "EPIPE" ? resolve() : reject(error);
    stdout.once("error", done);
    stdout.write(text, done);
  });
}

async function main(): Promise<number> {
  const { json, dataFile, keepDir, help } = parseCommandLine(process.argv.slice(2));
  if (help) {
    await print(HELP);
    return 0;
  }
  const steps = new Steps();
  const file = await steps.run("read the results", () => readResultsFile(dataFile ?? EVALPLUS));
  if (file.rows.length + file.refused.length === 0) throw new Error(`${dataFile} has no results`);
  return await withServers(steps, async (servers) => {
    const exchange = await steps.run(
      "open the exchange",
      () => Infrastructure.embedded({ ...servers, ...keepDir ? { dataDir: keepDir } : {} }),
    );
    try {
      const report = await run(exchange, file, steps);
      await print(json ? `${JSON.stringify(report, null, 2)}\n` : formatReport(report));
      return report.imported.refused.length > 0 ? 2 : report.health.healthy ? 0 : 1;
    } finally {
      await exchange.close();
    }
  });
}

/** Opens what the environment names, and closes it afterwards; the rest stays embedded. */
async function withServers<T>(
  steps: Steps,
  use: (servers: Partial<InfrastructureParts>) => Promise<T>,
): Promise<T> {
  const opened: { close(): Promise<void> }[] = [];
  const open = async <P extends { close(): Promise<void> }>(
    name: string,
    openPart: () => Promise<P | undefined>,
  ): Promise<P | undefined> => {
    const part = await steps.run(`open the ${name}`, openPart);
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

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
