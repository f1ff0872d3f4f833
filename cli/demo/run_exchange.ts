import { EventChannel, type Infrastructure } from "../../mod.ts";
import { CommandError } from "../command_error.ts";
import { seeBoardChange } from "./board_change.ts";
import { importResults, verifyBest } from "./import_results.ts";
import { checkDataset, readBoards, readRanks, readThroughCache } from "./questions.ts";
import type { DemoReport } from "./report.ts";
import type { ResultsFile } from "./results_file.ts";
import { ensureBenchmarks, ensurePeople, type PublishedBenchmark } from "./setup.ts";
import type { Steps } from "./steps.ts";

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
  if (!published) throw new CommandError("Cannot ask for boards: no benchmark is published");
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

/** Has an exchange do all that it can, and returns what was seen. */
export async function runExchange(
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
