import assert from "node:assert/strict";
import type { DatabasePool } from "../../../database/database_pool.ts";
import {
  type LeaderboardEntry,
  type Submission,
  VERIFICATION_LEVELS,
  VISIBILITIES,
} from "../../../domain/submission.ts";
import type { SubmissionFixture } from "./fixture.ts";

/** Numbers that look random and are the same for the same seed (mulberry32, public domain). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Submits, verifies, hides and deletes at random; returns the submissions that are left. */
export async function randomHistory(
  { repository, submit }: SubmissionFixture,
  versionId: string,
  seed: number,
  steps: number,
): Promise<Submission[]> {
  const random = seededRandom(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const left = new Map<string, Submission>();
  for (let step = 0; step < steps; step++) {
    const target = random() < 0.5 ? pick([...left.values()]) : undefined;
    if (!target) {
      const score = pick([-1e300, -2.5, -1, 0, 0.1, 0.5, 0.75, 1, 3, 1e-300, 1e300]);
      const submission = await submit(`model ${Math.floor(random() * 6)}`, score, {
        versionId,
        visibility: random() < 0.8 ? "public" : pick(VISIBILITIES),
      });
      left.set(submission.id, submission);
    } else if (random() < 0.2) {
      await repository.delete(target.id);
      left.delete(target.id);
    } else if (random() < 0.5) {
      left.set(target.id, await repository.updateVisibility(target.id, pick(VISIBILITIES)));
    } else {
      const level = pick(VERIFICATION_LEVELS);
      left.set(target.id, await repository.updateVerification(target.id, { level }));
    }
  }
  return [...left.values()];
}

/** Compares every board of a version, and every rank, with what a simple program makes of all submissions. */
export async function checkAgainstReference(
  { repository, pool }: SubmissionFixture,
  versionId: string,
  higherIsBetter: boolean,
  submissions: readonly Submission[],
): Promise<void> {
  const times = await readTimes(pool, versionId);
  for (const [level, minVerification] of VERIFICATION_LEVELS.entries()) {
    const expected = reference(submissions, times, higherIsBetter, level);
    const { items, total } = await repository.getLeaderboard(
      { versionId },
      { minVerification, withTotal: true },
    );
    const summary = ({ rank, submissionId, score }: LeaderboardEntry) => ({
      rank,
      submissionId,
      score,
    });
    assert.deepEqual(items.map(summary), expected, minVerification);
    assert.equal(total, expected.length);
    for (const entry of items) {
      const found = await repository.getRank({ versionId }, entry.model, { minVerification });
      assert.deepEqual(found, entry);
    }
  }
}

/** Times of submission in microseconds, which a date does not have. */
async function readTimes(
  pool: DatabasePool,
  versionId: string,
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.execute(
    `select id, (extract(epoch from created_at) * 1000000)::bigint as time from submissions
    where version_id = $1`,
    [versionId],
  );
  return new Map(rows.map((row) => [String(row["id"]), Number(row["time"])]));
}

function reference(
  submissions: readonly Submission[],
  times: ReadonlyMap<string, number>,
  higherIsBetter: boolean,
  level: number,
): Pick<LeaderboardEntry, "rank" | "submissionId" | "score">[] {
  const value = ({ score = NaN }: Submission): number => higherIsBetter ? score : -score;
  const order = (a: Submission, b: Submission): number =>
    value(b) - value(a) || (times.get(a.id) ?? NaN) - (times.get(b.id) ?? NaN) ||
    (a.id < b.id ? -1 : 1);
  const best = new Map<string, Submission>();
  const rankable = submissions.filter((one) =>
    one.visibility === "public" && VERIFICATION_LEVELS.indexOf(one.verification) >= level
  );
  for (const submission of [...rankable].sort(order)) {
    if (!best.has(submission.model.name)) best.set(submission.model.name, submission);
  }
  const sorted = [...best.values()].sort(order);
  return sorted.map((submission) => ({
    rank: 1 + sorted.filter((other) => value(other) > value(submission)).length,
    submissionId: submission.id,
    score: submission.score ?? NaN,
  }));
}
