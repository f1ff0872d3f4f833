import { CacheKey, type Infrastructure, type LeaderboardEntry, readDataset } from "../../mod.ts";
import { CommandError } from "../command_error.ts";
import type { PublishedBenchmark } from "./setup.ts";

/** The best of one benchmark. */
export interface BoardReport {
  readonly benchmark: string;
  /** How many models rank. */
  readonly models: number;
  readonly entries: readonly LeaderboardEntry[];
}

/** Where one model stands. */
export interface RankReport {
  readonly benchmark: string;
  /** `undefined`: it does not rank. */
  readonly rank: number | undefined;
  readonly score: number | undefined;
}

/** A board that was read twice. */
export interface CacheReport {
  readonly benchmark: string;
  readonly firstReadMs: number;
  readonly secondReadMs: number;
  /** How often the database was asked: once, if the second read came from the cache. */
  readonly databaseReads: number;
}

/** A dataset that was downloaded again. */
export interface DatasetReport {
  readonly key: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The top ten of every benchmark, or of the results that were verified at least so far. */
export async function readBoards(
  exchange: Infrastructure,
  benchmarks: ReadonlyMap<string, PublishedBenchmark>,
  minVerification: LeaderboardEntry["verification"] = "unverified",
): Promise<BoardReport[]> {
  const boards: BoardReport[] = [];
  for (const { benchmark } of benchmarks.values()) {
    const page = await exchange.submissions.getLeaderboard(
      { benchmarkId: benchmark.id },
      { limit: 10, minVerification, withTotal: true },
    );
    boards.push({ benchmark: benchmark.name, models: page.total ?? 0, entries: page.items });
  }
  return boards;
}

/** Where a model stands on every board. */
export async function readRanks(
  exchange: Infrastructure,
  benchmarks: ReadonlyMap<string, PublishedBenchmark>,
  model: LeaderboardEntry["model"],
): Promise<RankReport[]> {
  const ranks: RankReport[] = [];
  for (const { benchmark } of benchmarks.values()) {
    const entry = await exchange.submissions.getRank({ benchmarkId: benchmark.id }, model);
    ranks.push({ benchmark: benchmark.name, rank: entry?.rank, score: entry?.score });
  }
  return ranks;
}

/** Reads a board twice through the cache. */
export async function readThroughCache(
  exchange: Infrastructure,
  { benchmark }: PublishedBenchmark,
): Promise<CacheReport> {
  let databaseReads = 0;
  // A cache on a server may have the board from before the import, under the key of the board itself.
  const key = `${CacheKey.leaderboard(benchmark.id)}:${crypto.randomUUID()}`;
  const read = () =>
    exchange.cache.getOrSet(key, async () => {
      databaseReads++;
      return (await exchange.submissions.getLeaderboard({ benchmarkId: benchmark.id })).items;
    }, { ttlMs: 60_000 });
  const start = performance.now();
  await read();
  const between = performance.now();
  await read();
  return {
    benchmark: benchmark.name,
    firstReadMs: between - start,
    secondReadMs: performance.now() - between,
    databaseReads,
  };
}

/** Downloads a dataset and checks it against the SHA-256 that the database has; throws if it differs. */
export async function checkDataset(
  exchange: Infrastructure,
  { benchmark }: PublishedBenchmark,
): Promise<DatasetReport> {
  const version = await exchange.benchmarks.getVersion(
    benchmark.id,
    benchmark.latestVersion.version,
  );
  const dataset = version?.datasets[0];
  if (!dataset) throw new CommandError(`Cannot check a dataset: ${benchmark.name} has none`);
  const bytes = await readDataset(exchange.storage, dataset);
  return { key: dataset.key, bytes: bytes.length, sha256: dataset.sha256 };
}
