import assert from "node:assert/strict";
import { PostgresUserRepository } from "../../../database/repositories/user_repository.ts";
import { newId } from "../../../domain/ids.ts";
import type { DatabaseHarness } from "../database_harness.ts";
import type { SubmissionTest } from "./fixture.ts";

/** Verifying, hiding and deleting. */
export function testChange(
  submissionTest: SubmissionTest,
  { capabilities }: DatabaseHarness,
): void {
  submissionTest(
    "a verification says who, when and why, and can be taken back",
    async (fixture) => {
      const { repository, userId } = fixture;
      const { id } = await fixture.submit("m", 1);
      const verified = await repository.updateVerification(id, {
        level: "audited",
        verifiedBy: userId,
        notes: "run again",
      });
      assert.deepEqual(
        [verified.verification, verified.verifiedBy, verified.verificationNotes, verified.revision],
        ["audited", userId, "run again", 2],
      );
      assert.ok(verified.verifiedAt instanceof Date);
      const back = await repository.updateVerification(id, { level: "unverified" });
      assert.deepEqual([back.verification, back.verifiedBy, back.verifiedAt, back.revision], [
        "unverified",
        undefined,
        undefined,
        3,
      ]);
    },
  );

  submissionTest("a deleted user neither submits nor verifies", async (fixture) => {
    const { pool, repository, userId } = fixture;
    const { id } = await fixture.submit("m", 1);
    await new PostgresUserRepository(pool).delete(userId);
    await assert.rejects(fixture.submit("m", 2), {
      code: "constraint_violated",
      field: "submittedBy",
    });
    await assert.rejects(
      repository.updateVerification(id, { level: "audited", verifiedBy: userId }),
      { code: "constraint_violated", field: "verifiedBy" },
    );
    assert.equal((await repository.getById(id))?.submittedBy, userId);
  });

  submissionTest("an old revision is refused, and both revisions are said", async (fixture) => {
    const { repository } = fixture;
    const { id } = await fixture.submit("m", 1);
    await repository.updateVisibility(id, "private", { expectedRevision: 1 });
    const old = { expectedRevision: 1 };
    const conflict = { code: "conflict", message: /expected revision 1, current revision 2/ };
    await assert.rejects(repository.updateVisibility(id, "public", old), conflict);
    await assert.rejects(repository.updateVerification(id, { level: "audited" }, old), conflict);
    await assert.rejects(repository.delete(id, old), conflict);
    assert.equal((await repository.getById(id))?.visibility, "private");
  });

  submissionTest("a missing or deleted submission cannot be changed", async (fixture) => {
    const { repository } = fixture;
    const { id } = await fixture.submit("m", 1);
    await repository.delete(id);
    for (const gone of [id, newId()]) {
      await assert.rejects(repository.updateVisibility(gone, "public"), { code: "not_found" });
      await assert.rejects(repository.updateVerification(gone, { level: "audited" }), {
        code: "not_found",
      });
      await assert.rejects(repository.delete(gone), { code: "not_found" });
    }
    assert.equal(await repository.getById(id), undefined);
    assert.equal(await repository.count({ benchmarkId: fixture.benchmarkId }), 0);
    assert.equal(
      await repository.existsForModelVersion(fixture.versionId, {
        provider: "provider",
        name: "m",
      }),
      false,
    );
  });

  submissionTest("what cannot be a revision is refused", async ({ repository, submit }) => {
    const { id } = await submit("m", 1);
    for (const expectedRevision of [0, 1.5, NaN, 2 ** 31]) {
      const refused = { code: "invalid_input", field: "expectedRevision" };
      const stale = { expectedRevision };
      await assert.rejects(repository.updateVisibility(id, "private", stale), refused);
      await assert.rejects(repository.delete(id, stale), refused);
    }
  });

  submissionTest("what a submission claims cannot be changed, not even by SQL", async (fixture) => {
    const { id } = await fixture.submit("m", 1, {
      metrics: { latency: 1 },
      results: [{ caseName: "a", score: 0 }],
    });
    const changes = [
      "update submissions set score = 2",
      "update submissions set sort_score = 2",
      "update submissions set model_name = 'better'",
      "update submissions set created_at = now()",
      "update submission_results set score = 1",
      "update submission_metrics set value = 0",
    ];
    for (const change of changes) {
      const refused = fixture.pool.execute(`${change} where $1::uuid is not null`, [id]);
      await assert.rejects(refused, { code: "constraint_violated" }, change);
    }
  });

  submissionTest(
    "a submission deleted by SQL takes its parts and its place with it",
    async (fixture) => {
      const { id } = await fixture.submit("m", 1, {
        metrics: { latency: 1 },
        results: [{ caseName: "a" }],
      });
      await fixture.pool.execute("delete from submissions where id = $1", [id]);
      assert.deepEqual((await fixture.repository.getResults(id)).items, []);
      const { items } = await fixture.repository.getLeaderboard({ versionId: fixture.versionId });
      assert.deepEqual(items, []);
    },
  );

  if (!capabilities.concurrentConnections) return;
  submissionTest("of two updates that saw the same revision, one wins", async (fixture) => {
    const { id } = await fixture.submit("m", 1);
    const outcomes = await Promise.allSettled(
      Array.from(
        { length: 8 },
        () => fixture.repository.updateVisibility(id, "private", { expectedRevision: 1 }),
      ),
    );
    const won = outcomes.filter(({ status }) => status === "fulfilled");
    assert.equal(won.length, 1);
  });
}
