import {
  DatabaseError,
  type Infrastructure,
  InfrastructureError,
  type Submission,
  type VerificationLevel,
} from "../../mod.ts";
import type { RefusedRow, ResultRow } from "./results_file.ts";
import { type People, type PublishedBenchmark, SCORES } from "./setup.ts";

/** What became of the rows. */
export interface ImportReport {
  /** Submissions with a score. */
  readonly completed: number;
  /** Submissions without one. */
  readonly failed: number;
  /** Rows whose submission was there from an earlier run. */
  readonly alreadyThere: number;
  /** Rows that were refused. */
  readonly refused: readonly RefusedRow[];
}

/** Makes a submission of each row. A refused row changes nothing and does not stop the others. */
export async function importResults(
  exchange: Infrastructure,
  people: People,
  benchmarks: ReadonlyMap<string, PublishedBenchmark>,
  rows: readonly ResultRow[],
  onProgress: (done: number) => void,
): Promise<ImportReport> {
  const counts = { completed: 0, failed: 0, alreadyThere: 0 };
  const refused: RefusedRow[] = [];
  for (const [index, row] of rows.entries()) {
    onProgress(index);
    const published = benchmarks.get(row.benchmark);
    if (!published) {
      // Quoted, because a file of somebody else's must not write control characters to a terminal.
      const name = JSON.stringify(row.benchmark.slice(0, 100));
      refused.push({ line: row.line, reason: `there is no benchmark ${name}` });
      continue;
    }
    try {
      counts[await importRow(exchange, people, published, row)]++;
    } catch (error) {
      if (!isAboutTheRow(error)) throw error;
      refused.push({ line: row.line, reason: refusal(error, row) });
    }
  }
  return { ...counts, refused };
}

function isAboutTheRow(error: unknown): error is InfrastructureError {
  return error instanceof InfrastructureError &&
    (error.code === "invalid_input" || error.code === "constraint_violated");
}

function refusal(error: InfrastructureError, { score }: ResultRow): string {
  if (!(error instanceof DatabaseError) || error.field !== "score") return error.message;
  return `score must be from ${SCORES.min} to ${SCORES.max}, got ${score}`;
}

async function importRow(
  exchange: Infrastructure,
  { submitter, organization }: People,
  { benchmark }: PublishedBenchmark,
  row: ResultRow,
): Promise<"completed" | "failed" | "alreadyThere"> {
  const model = { provider: row.provider, name: row.model };
  const versionId = benchmark.latestVersion.id;
  if (await exchange.submissions.existsForModelVersion(versionId, model)) return "alreadyThere";
  const { status } = await exchange.submissions.create({
    versionId,
    model,
    submittedBy: submitter.id,
    organizationId: organization.id,
    ...row.score === null ? { failure: "the source has no result" } : { score: row.score },
  });
  return status;
}

/** The levels that the best three of each board get. */
const LEVELS: readonly VerificationLevel[] = ["audited", "platform_verified", "community_verified"];

/**
 * Verifies the best three of each board, at different levels; returns how many were changed. What an
 * earlier run has verified stays as it is, also when a better model has come.
 */
export async function verifyBest(
  exchange: Infrastructure,
  { reviewer }: People,
  benchmarks: ReadonlyMap<string, PublishedBenchmark>,
): Promise<number> {
  let changed = 0;
  for (const { benchmark } of benchmarks.values()) {
    const board = await exchange.submissions.getLeaderboard(
      { benchmarkId: benchmark.id },
      { limit: LEVELS.length },
    );
    for (const [index, level] of LEVELS.entries()) {
      const entry = board.items[index];
      if (entry?.verification !== "unverified") continue;
      const submission = await exchange.submissions.getById(entry.submissionId);
      if (!submission) continue;
      await verifyOne(exchange, submission, level, reviewer.id);
      changed++;
    }
  }
  return changed;
}

async function verifyOne(
  exchange: Infrastructure,
  submission: Submission,
  level: VerificationLevel,
  reviewerId: string,
): Promise<void> {
  await exchange.submissions.updateVerification(
    submission.id,
    { level, verifiedBy: reviewerId, notes: "Run again by the demo's reviewer" },
    { expectedRevision: submission.revision },
  );
}
