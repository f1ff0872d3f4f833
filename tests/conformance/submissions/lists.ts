import assert from "node:assert/strict";
import type { DatabasePool } from "../../../database/database_pool.ts";
import { newId } from "../../../domain/ids.ts";
import type { Submission } from "../../../domain/submission.ts";
import type { SubmissionListOptions } from "../../../database/repositories/submission_list.ts";
import type { SubmissionFixture, SubmissionTest } from "./fixture.ts";

/** Listing and counting. */
export function testLists(submissionTest: SubmissionTest): void {
  testFilters(submissionTest);

  submissionTest(
    "an unknown filter, sort or cursor is refused",
    async ({ repository, ...fixture }) => {
      const unknown = { benchmarkID: fixture.benchmarkId } as SubmissionListOptions;
      await assert.rejects(repository.list(unknown), { code: "invalid_input" });
      await assert.rejects(repository.list({ sort: "score; drop table users" as "newest" }), {
        field: "sort",
      });
      await assert.rejects(repository.list({ limit: 0 }), { field: "limit" });
      await assert.rejects(repository.list({ cursor: "made up" }), { field: "cursor" });
    },
  );

  testPages(submissionTest);
}

/** Filters that match the submission that `testFilters` wants, and no other. */
const MATCHING: readonly SubmissionListOptions[] = [
  { modelProvider: "wanted" },
  { modelName: "wanted" },
  { modelVersion: "wanted" },
  { official: true },
  { status: "failed" },
  { verification: "platform_verified" },
  { minVerification: "community_verified" },
  { visibility: "private" },
];

function testFilters(submissionTest: SubmissionTest): void {
  submissionTest("every filter filters, alone and together with the others", async (fixture) => {
    const { pool, repository, userId, benchmarkId, versionId } = fixture;
    const organizationId = await addOrganization(pool, userId);
    const wanted = await repository.create({
      versionId,
      model: { provider: "wanted", name: "wanted", version: "wanted", official: true },
      submittedBy: userId,
      organizationId,
      failure: "no score",
      visibility: "private",
    });
    await repository.updateVerification(wanted.id, { level: "platform_verified" });
    const other = await fixture.submit("other", 1);
    const all: SubmissionListOptions = Object.assign({}, ...MATCHING);
    for (
      const filter of [...MATCHING, all, { organizationId }, { createdBefore: other.createdAt }]
    ) {
      const page = await repository.list({ benchmarkId, ...filter });
      assert.deepEqual(ids(page.items), [wanted.id], JSON.stringify(filter));
      assert.equal(await repository.count({ benchmarkId, ...filter }), 1);
    }
    const later = await repository.list({ benchmarkId, createdFrom: other.createdAt });
    assert.deepEqual(ids(later.items), [other.id]);
    for (const name of ["versionId", "submittedBy", "organizationId"]) {
      assert.equal(await repository.count({ benchmarkId, [name]: newId() }), 0, name);
    }
    assert.equal((await repository.getForBenchmark(benchmarkId)).items.length, 2);
    assert.equal((await repository.getByUser(userId)).items.length, 2);
    assert.equal((await repository.getByUser(newId())).items.length, 0);
  });
}

async function addOrganization(pool: DatabasePool, userId: string): Promise<string> {
  const id = newId();
  await pool.execute(
    `insert into organizations (id, slug, name, type, created_by)
    values ($1, $2, 'An organization', 'enterprise', $3)`,
    [id, id, userId],
  );
  return id;
}

function testPages(submissionTest: SubmissionTest): void {
  submissionTest(
    "pages neither skip nor repeat, also at equal times and under inserts",
    async (fixture) => {
      const { repository, benchmarkId, pool } = fixture;
      await insertAtOneInstant(fixture, 25);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await repository.list({ benchmarkId, limit: 4, ...cursor ? { cursor } : {} });
        seen.push(...ids(page.items));
        cursor = page.nextCursor;
        await fixture.submit(`newer ${seen.length}`, 1);
      } while (cursor);
      const { rows } = await pool.execute(
        `select id from submissions where benchmark_id = $1 and model_name like 'same%'
      order by created_at desc, id desc`,
        [benchmarkId],
      );
      assert.deepEqual(seen, rows.map((row) => row["id"]));
    },
  );

  submissionTest("a cursor works for its own list only", async (fixture) => {
    const { repository, benchmarkId } = fixture;
    await insertAtOneInstant(fixture, 3);
    const { nextCursor = "" } = await repository.list({ benchmarkId, limit: 1 });
    const [payload = "", signature = ""] = nextCursor.split(".");
    const forged = btoa(JSON.stringify(["2999-01-01", newId()]));
    const tampered = [
      repository.list({ limit: 1, cursor: nextCursor }),
      repository.list({ benchmarkId, limit: 1, sort: "oldest", cursor: nextCursor }),
      repository.list({ benchmarkId, limit: 1, cursor: `${forged}.${signature}` }),
      repository.list({ benchmarkId, limit: 1, cursor: payload }),
      repository.getLeaderboard({ benchmarkId }, { cursor: nextCursor }),
    ];
    for (const attempt of tampered) await assert.rejects(attempt, { field: "cursor" });
    assert.equal(
      (await repository.list({ benchmarkId, limit: 1, cursor: nextCursor })).items.length,
      1,
    );
  });
}

function ids(submissions: readonly Submission[]): string[] {
  return submissions.map(({ id }) => id);
}

/** By SQL, because two calls never have the same time to the microsecond. */
async function insertAtOneInstant(fixture: SubmissionFixture, count: number): Promise<void> {
  const { pool, versionId, benchmarkId, userId } = fixture;
  for (let i = 0; i < count; i++) {
    await pool.execute(
      `insert into submissions (id, version_id, benchmark_id, model_provider, model_name,
        submitted_by, status, score, created_at)
      values ($1, $2, $3, 'p', $4, $5, 'completed', 1,
        timestamptz '2026-01-01 00:00:00.123456+00' + $6::integer * interval '1 microsecond')`,
      [newId(), versionId, benchmarkId, `same ${i}`, userId, Math.floor(i / 5)],
    );
  }
}
