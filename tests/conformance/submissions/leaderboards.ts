import assert from "node:assert/strict";
import { newId } from "../../../domain/ids.ts";
import type { VerificationLevel } from "../../../domain/submission.ts";
import type { DatabaseHarness } from "../database_harness.ts";
import { checkAgainstReference, randomHistory } from "./leaderboard_model.ts";
import { board, lines } from "./board_lines.ts";
import type { SubmissionFixture, SubmissionTest } from "./fixture.ts";

/** The rules of boards, one test each. */
export function testLeaderboards(
  submissionTest: SubmissionTest,
  { capabilities }: DatabaseHarness,
): void {
  submissionTest("a model stands once, with its best submission", async (fixture) => {
    await fixture.submit("a", 1);
    const best = await fixture.submit("a", 3);
    await fixture.submit("a", 2);
    await fixture.submit("b", 2.5);
    assert.deepEqual(await board(fixture), ["1 a 3", "2 b 2.5"]);
    const found = await fixture.repository.getBestForModel(
      { versionId: fixture.versionId },
      { provider: "provider", name: "a" },
    );
    assert.equal(found?.id, best.id);
  });

  submissionTest("provider, name and version together are the model", async (fixture) => {
    await fixture.submit("a", 1);
    await fixture.submit("a", 2, { model: { provider: "other", name: "a" } });
    await fixture.submit("a", 3, { model: { provider: "provider", name: "a", version: "2" } });
    assert.deepEqual(await board(fixture), ["1 a 3", "2 a 2", "3 a 1"]);
  });

  submissionTest("the direction of the metric decides what is best", async (fixture) => {
    const versionId = await fixture.addVersion("2.0.0", { higherIsBetter: false });
    for (const [model, score] of [["a", 5], ["a", 4], ["b", -1], ["c", 0], ["d", -0]] as const) {
      await fixture.submit(model, score, { versionId });
    }
    assert.deepEqual(await board(fixture, versionId), ["1 b -1", "2 c 0", "2 d 0", "4 a 4"]);
  });

  submissionTest(
    "ties share a rank, the earlier submission first, and the next rank is skipped",
    async (fixture) => {
      for (const [model, score] of [["a", 1], ["b", 2], ["c", 2], ["d", 2], ["e", 0]] as const) {
        await fixture.submit(model, score);
      }
      assert.deepEqual(await board(fixture), ["1 b 2", "1 c 2", "1 d 2", "4 a 1", "5 e 0"]);
    },
  );

  submissionTest("of equal scores of a model, the earlier submission stands", async (fixture) => {
    const first = await fixture.submit("a", 1);
    await fixture.submit("a", 1);
    const { items } = await fixture.repository.getLeaderboard({ versionId: fixture.versionId });
    assert.deepEqual(items.map(({ submissionId }) => submissionId), [first.id]);
  });

  submissionTest("failed, private, unlisted and deleted ones never rank", async (fixture) => {
    const { repository } = fixture;
    const failed = { score: undefined, failure: "crashed" };
    await fixture.submit("failed", 1, failed);
    await fixture.submit("private", 9, { visibility: "private" });
    await fixture.submit("unlisted", 8, { visibility: "unlisted" });
    const deleted = await fixture.submit("a", 7);
    const hidden = await fixture.submit("a", 6);
    await fixture.submit("a", 5);
    assert.deepEqual(await board(fixture), ["1 a 7"]);
    await repository.delete(deleted.id);
    assert.deepEqual(await board(fixture), ["1 a 6"]);
    await repository.updateVisibility(hidden.id, "private");
    assert.deepEqual(await board(fixture), ["1 a 5"]);
    await repository.updateVisibility(hidden.id, "public");
    assert.deepEqual(await board(fixture), ["1 a 6"]);
    const nobody = { provider: "provider", name: "private" };
    assert.equal(await repository.getRank({ versionId: fixture.versionId }, nobody), undefined);
    assert.equal(
      await repository.getBestForModel({ versionId: fixture.versionId }, nobody),
      undefined,
    );
  });

  testWrittenBySql(submissionTest);
  testVerifiedBoards(submissionTest);
  testVersions(submissionTest);
  testDeadlines(submissionTest);

  submissionTest("a board is what the reference says, after any history", async (fixture) => {
    for (let seed = 1; seed <= 4; seed++) {
      const versionId = await fixture.addVersion(`3.${seed}.0`, { higherIsBetter: seed % 2 === 0 });
      const model = await randomHistory(fixture, versionId, seed, 60);
      await checkAgainstReference(fixture, versionId, seed % 2 === 0, model);
    }
  });

  if (!capabilities.concurrentConnections) return;
  submissionTest("a board is right after sixteen writers at once", async (fixture) => {
    const histories = Array.from(
      { length: 16 },
      (_, seed) => randomHistory(fixture, fixture.versionId, seed + 100, 15),
    );
    const model = (await Promise.all(histories)).flat();
    await checkAgainstReference(fixture, fixture.versionId, true, model);
  });
}

function testWrittenBySql(submissionTest: SubmissionTest): void {
  submissionTest("a submission written by SQL ranks as any other", async (fixture) => {
    const versionId = await fixture.addVersion("2.0.0", { higherIsBetter: false });
    const insert = (name: string, score: string, more: Record<string, string> = {}) =>
      fixture.pool.execute(
        `insert into submissions (id, version_id, benchmark_id, model_provider, model_name,
          submitted_by, status, score, visibility, deleted_at, sort_score)
        values ($1, $2, $3, 'provider', $4, $5, 'completed', $6::float8, $7, $8, 1000)`,
        [
          ...[newId(), versionId, fixture.benchmarkId, name, fixture.userId, score],
          ...[more["visibility"] ?? "public", more["deletedAt"] ?? null],
        ],
      );
    await insert("two", "2");
    await insert("zero", "0");
    await insert("negative zero", "-0");
    await insert("private", "1", { visibility: "private" });
    await insert("deleted", "1", { deletedAt: "2026-01-02T03:04:05Z" });
    assert.deepEqual(await board(fixture, versionId), [
      ...["1 zero 0", "1 negative zero 0", "3 two 2"],
    ]);
  });
}

function testVerifiedBoards(submissionTest: SubmissionTest): void {
  submissionTest(
    "a board of verified results has the best verified one of each model",
    async (fixture) => {
      const { repository } = fixture;
      await fixture.submit("a", 9);
      const lower = await fixture.submit("a", 5);
      const b = await fixture.submit("b", 6);
      await repository.updateVerification(lower.id, { level: "platform_verified" });
      await repository.updateVerification(b.id, { level: "community_verified" });
      assert.deepEqual(await board(fixture), ["1 a 9", "2 b 6"]);
      assert.deepEqual(await verified(fixture, "community_verified"), ["1 b 6", "2 a 5"]);
      assert.deepEqual(await verified(fixture, "platform_verified"), ["1 a 5"]);
      assert.deepEqual(await verified(fixture, "audited"), []);
      await repository.updateVerification(lower.id, { level: "unverified" });
      assert.deepEqual(await verified(fixture, "community_verified"), ["1 b 6"]);
      const best = await repository.getBestForModel(
        { versionId: fixture.versionId },
        { provider: "provider", name: "b" },
        { minVerification: "community_verified" },
      );
      assert.equal(best?.id, b.id);
    },
  );

  submissionTest("what names no board is refused", async ({ repository, versionId }) => {
    for (const board of [null, undefined, "board", {}, { benchmarkId: undefined }]) {
      await assert.rejects(repository.getLeaderboard(board as never), { code: "invalid_input" });
      const model = { provider: "provider", name: "a" };
      await assert.rejects(repository.getRank(board as never, model), { code: "invalid_input" });
    }
    const { items } = await repository.getLeaderboard(
      { versionId, benchmarkId: undefined } as never,
    );
    assert.deepEqual(items, []);
  });

  submissionTest("an unknown level is refused", async ({ repository, versionId }) => {
    const minVerification = "trust me" as VerificationLevel;
    await assert.rejects(repository.getLeaderboard({ versionId }, { minVerification }), {
      field: "minVerification",
    });
  });
}

function testDeadlines(submissionTest: SubmissionTest): void {
  submissionTest("a board ends by the caller's signal and deadline", async (fixture) => {
    const { repository, benchmarkId } = fixture;
    const signal = AbortSignal.abort();
    await assert.rejects(repository.getLeaderboard({ benchmarkId }, { signal }), {
      code: "aborted",
    });
    await assert.rejects(repository.getLeaderboard({ benchmarkId }, { timeoutMs: 0 }), {
      field: "timeoutMs",
    });
  });
}

function testVersions(submissionTest: SubmissionTest): void {
  submissionTest(
    "a board is that of one version, by default the latest by precedence",
    async (fixture) => {
      const { repository, benchmarkId } = fixture;
      const latest = await fixture.addVersion("2.0.0");
      await fixture.addVersion("1.0.1");
      await fixture.addVersion("2.0.0-rc.1");
      await fixture.submit("old", 9);
      await fixture.submit("new", 1, { versionId: latest });
      const names = async (version?: string): Promise<string[]> => {
        const page = await repository.getLeaderboard({ benchmarkId, version });
        return page.items.map(({ model }) => model.name);
      };
      assert.deepEqual(await names(), ["new"]);
      assert.deepEqual(await names("1.0.0"), ["old"]);
      assert.deepEqual(await names("1.0.1"), []);
      await assert.rejects(names("9.9.9"), { code: "not_found" });
      await assert.rejects(repository.getLeaderboard({ benchmarkId: newId() }), {
        code: "not_found",
      });
    },
  );
}

async function verified(
  { repository, versionId }: SubmissionFixture,
  minVerification: VerificationLevel,
): Promise<string[]> {
  return lines((await repository.getLeaderboard({ versionId }, { minVerification })).items);
}
