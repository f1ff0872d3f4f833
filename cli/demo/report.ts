import type { HealthReport } from "../../mod.ts";
import type { BoardChangeReport } from "./board_change.ts";
import type { ImportReport } from "./import_results.ts";
import type { BoardReport, CacheReport, DatasetReport, RankReport } from "./questions.ts";
import type { StepTime } from "./steps.ts";

/** Everything that the demo found out. */
export interface DemoReport {
  readonly source: string | undefined;
  readonly imported: ImportReport;
  readonly verified: number;
  readonly boards: readonly BoardReport[];
  readonly verifiedBoards: readonly BoardReport[];
  /** The best of the first board that has one; `undefined` if no model ranks. */
  readonly model: { readonly provider: string; readonly name: string } | undefined;
  readonly ranks: readonly RankReport[];
  readonly cache: CacheReport;
  /** How a change of a board arrived; `undefined` if there was none to make. */
  readonly change: BoardChangeReport | undefined;
  /** How many events a subscriber received, by channel and type. */
  readonly events: Readonly<Record<string, number>>;
  readonly dataset: DatasetReport;
  readonly health: HealthReport;
  readonly steps: readonly StepTime[];
}

/** The report as text for a person. */
export function formatReport(report: DemoReport): string {
  const { imported, verified, cache, dataset } = report;
  const sections = [
    `Results: ${report.source ?? "no source given"}`,
    `  ${imported.completed} submissions with a score, ${imported.failed} without, ` +
    `${imported.alreadyThere} already there, ${imported.refused.length} refused; ${verified} verified`,
    ...imported.refused.map(({ line, reason }) => `  line ${line} refused: ${reason}`),
    ...report.boards.map((board) => formatBoard(board, "best public result of each model")),
    ...report.verifiedBoards.slice(0, 1)
      .map((board) => formatBoard(board, "verified by the platform or audited")),
    `\nRanks of ${report.model?.name ?? "the best: no model ranks"}`,
    ...report.ranks.map(formatRank),
    `\nCache: the board of ${cache.benchmark} was read twice, ` +
    `${cache.databaseReads === 1 ? "once" : `${cache.databaseReads} times`} from the database`,
    `  first read ${cache.firstReadMs.toFixed(2)} ms, second ${cache.secondReadMs.toFixed(2)} ms`,
    ...formatChange(report.change),
    "\nEvents that a subscriber received, from the outbox",
    ...Object.entries(report.events).map(([name, count]) => `  ${pad(count, 5)}  ${name}`),
    `\nDataset ${dataset.key}: ${dataset.bytes} bytes downloaded, SHA-256 as recorded`,
    `  ${dataset.sha256}`,
    `\nHealth: ${report.health.healthy ? "every part works" : "something does not work"}`,
    ...report.health.parts.map(({ name, healthy, latencyMs, error }) =>
      `  ${name.padEnd(10)} ${healthy ? "healthy" : `unhealthy: ${error}`}, ${latencyMs} ms`
    ),
    "\nWhat each step took",
    ...report.steps.map(({ step, ms }) => `  ${pad(ms, 6)} ms  ${step}`),
  ];
  return `${sections.join("\n")}\n`;
}

function formatChange(change: BoardChangeReport | undefined): string[] {
  if (!change) return [];
  const { benchmark, model, oldLevel, newLevel, arrivedMs, levelInCache } = change;
  return [
    `\nA change of the board of ${benchmark}: ${model} was ${oldLevel}, is ${newLevel}`,
    `  heard of from the outbox after ${
      arrivedMs.toFixed(2)
    } ms; then the cached board says ${levelInCache}`,
  ];
}

function formatBoard({ benchmark, models, entries }: BoardReport, what: string): string {
  const lines = entries.map(({ rank, score, model, verification }) => {
    const mark = verification === "unverified" ? "" : `  (${verification.replace("_", " ")})`;
    return `  ${pad(rank, 3)}  ${pad(score.toFixed(1), 5)}  ${model.name}${mark}`;
  });
  return [`\n${benchmark}: ${what}, ${models} ${models === 1 ? "model" : "models"}`, ...lines].join(
    "\n",
  );
}

function formatRank({ benchmark, rank, score }: RankReport): string {
  const place = rank === undefined ? "does not rank" : `${pad(rank, 3)}  ${score?.toFixed(1)}`;
  return `  ${benchmark.padEnd(12)} ${place}`;
}

function pad(value: number | string, width: number): string {
  return String(value).padStart(width);
}
