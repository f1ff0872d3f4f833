import assert from "node:assert/strict";
import { board } from "./board_lines.ts";
import type { SubmissionFixture, SubmissionTest } from "./fixture.ts";

/** Boards page by page. */
export function testLeaderboardPages(submissionTest: SubmissionTest): void {
  testPages(submissionTest);
  testTies(submissionTest);
}

function testPages(submissionTest: SubmissionTest): void {
  submissionTest(
    "pages join to the whole board with the same ranks, whatever their size",
    async (fixture) => {
      const scores = [5, 5, 5, 4, 4, 3, 3, 3, 3, 2, 1, 1, 0, 0, 0, 0, 0];
      for (const [index, score] of scores.entries()) await fixture.submit(`m${index}`, score);
      const whole = await board(fixture);
      assert.deepEqual(
        whole.map((line) => Number(line.split(" ")[0])),
        [1, 1, 1, 4, 4, 6, 6, 6, 6, 10, 11, 11, 13, 13, 13, 13, 13],
      );
      for (const limit of [1, 2, 3, 4, 5, 16, 17]) {
        assert.deepEqual(
          await board(fixture, fixture.versionId, limit),
          whole,
          `pages of ${limit}`,
        );
      }
      const page = await fixture.repository.getLeaderboard(
        { versionId: fixture.versionId },
        { limit: 1, withTotal: true },
      );
      assert.equal(page.total, scores.length);
      for (const line of whole) {
        const [rank, name = ""] = line.split(" ");
        const entry = await fixture.repository.getRank(
          { versionId: fixture.versionId },
          { provider: "provider", name },
        );
        assert.equal(entry?.rank, Number(rank), line);
      }
    },
  );
}

function testTies(submissionTest: SubmissionTest): void {
  submissionTest("pages split ties of one millisecond by the microsecond", async (fixture) => {
    await submitWithinMillisecond(fixture, 5);
    const expected = ["1 m1 1", "1 m2 1", "1 m3 1", "1 m4 1", "1 m5 1"];
    for (const limit of [1, 2, 100]) {
      assert.deepEqual(await board(fixture, fixture.versionId, limit), expected);
    }
  });
}

/** Equal scores of one millisecond, the later microsecond with the smaller id. */
async function submitWithinMillisecond(
  { pool, versionId, benchmarkId, userId }: SubmissionFixture,
  count: number,
): Promise<void> {
  await pool.execute(
    `insert into submissions (id, version_id, benchmark_id, model_provider, model_name,
      submitted_by, status, score, created_at)
    select ('00000000-0000-4000-8000-' || lpad((1000 - n)::text, 12, '0'))::uuid, $1, $2,
      'provider', 'm' || n, $3, 'completed', 1,
      timestamptz '2026-11-25 12:00:00Z' + n * interval '1 microsecond'
    from generate_series(1, $4::integer) as n`,
    [versionId, benchmarkId, userId, count],
  );
}
