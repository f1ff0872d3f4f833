import assert from "node:assert/strict";
import { PostgresSubmissionRepository } from "../../../database/repositories/submission_repository.ts";
import { type SubmissionEvent, submissionEventSchema } from "../../../domain/events.ts";
import { newId } from "../../../domain/ids.ts";
import { assertRolledBack, countEvents, eventsOf } from "../outbox_rows.ts";
import type { SubmissionFixture, SubmissionTest } from "./fixture.ts";

function events({ pool }: SubmissionFixture, id: string): Promise<SubmissionEvent[]> {
  return eventsOf(pool, submissionEventSchema, "submission", id);
}

/** What changes of submissions leave in the outbox. */
export function testEvents(test: SubmissionTest): void {
  test("a submission and its verifications write their events, in order", async (fixture) => {
    const { repository, benchmarkId, userId } = fixture;
    const { id: submissionId } = await fixture.submit("m", 0.1, { metrics: { f1: 0.3 } });
    await repository.updateVerification(submissionId, { level: "audited", verifiedBy: userId });
    await repository.updateVerification(submissionId, { level: "unverified" });
    assert.deepEqual(await events(fixture, submissionId), [
      {
        type: "Created",
        submissionId,
        benchmarkId,
        version: "1.0.0",
        model: { provider: "provider", name: "m", version: "" },
        submittedBy: userId,
        aggregateScore: 0.1,
      },
      {
        type: "VerificationCompleted",
        submissionId,
        benchmarkId,
        oldLevel: "unverified",
        newLevel: "audited",
        verifiedBy: userId,
      },
      {
        type: "VerificationCompleted",
        submissionId,
        benchmarkId,
        oldLevel: "audited",
        newLevel: "unverified",
      },
    ]);
  });

  test("hiding and deleting a submission write their events, for its board changes", async (fixture) => {
    const { repository, benchmarkId } = fixture;
    const { id: submissionId } = await fixture.submit("m", 1);
    await repository.updateVisibility(submissionId, "private");
    await repository.updateVisibility(submissionId, "private");
    await repository.delete(submissionId);
    assert.deepEqual((await events(fixture, submissionId)).slice(1), [
      {
        type: "VisibilityChanged",
        submissionId,
        benchmarkId,
        oldVisibility: "public",
        newVisibility: "private",
      },
      { type: "Deleted", submissionId, benchmarkId },
    ]);
  });

  test("the score of an event is exact, and null for a failed run", async (fixture) => {
    const { repository, userId, versionId } = fixture;
    const scores = [0.1 + 0.2, 1e-7, 1.7976931348623157e308, 5e-324, -0, 123456789.123456789];
    for (const score of scores) {
      const [event] = await events(fixture, (await fixture.submit("m", score)).id);
      assert.equal(event?.type === "Created" && event.aggregateScore, score + 0);
    }
    const failed = await repository.create({
      versionId,
      model: { provider: "p", name: "m" },
      submittedBy: userId,
      failure: "out of memory",
    });
    const [event] = await events(fixture, failed.id);
    assert.equal(event?.type === "Created" && event.aggregateScore, null);
  });

  test("one event tells of a submission with results in several statements", async (fixture) => {
    const results = Array.from({ length: 12_000 }, (_, i) => ({ caseName: `case ${i}` }));
    const { id } = await fixture.submit("m", 1, { results });
    assert.deepEqual((await events(fixture, id)).map(({ type }) => type), ["Created"]);
  });

  test("a refused or rolled back submission writes no event", async (fixture) => {
    const { repository, pool } = fixture;
    const submission = await fixture.submit("m", 1);
    const before = await countEvents(pool);
    await assert.rejects(fixture.submit("m", 1, { id: submission.id }), { code: "already_exists" });
    await assert.rejects(fixture.submit("m", 1, { versionId: newId() }), { code: "not_found" });
    const outdated = { expectedRevision: 7 };
    const call = repository.updateVerification(submission.id, { level: "audited" }, outdated);
    await assert.rejects(call, { code: "conflict" });
    await repository.updateVisibility(submission.id, "public");
    assert.equal(await countEvents(pool), before);
    await assertRolledBack(pool, async (transaction) => {
      const { versionId, userId: submittedBy } = fixture;
      const model = { provider: "p", name: "m" };
      const submissions = new PostgresSubmissionRepository(transaction);
      await submissions.create({ versionId, model, submittedBy, score: 1 });
    });
  });

  test("submissions whose repository writes no events leave none", async (fixture) => {
    const { pool, versionId, userId: submittedBy } = fixture;
    const repository = new PostgresSubmissionRepository(pool, { events: false });
    const before = await countEvents(pool);
    const model = { provider: "p", name: "m" };
    const { id } = await repository.create({ versionId, model, submittedBy, score: 1 });
    await repository.updateVerification(id, { level: "audited", verifiedBy: submittedBy });
    await repository.updateVisibility(id, "private");
    await repository.delete(id);
    assert.equal(await countEvents(pool), before);
  });
}
