import assert from "node:assert/strict";
import { PostgresSubmissionRepository } from "../../../database/repositories/submission_repository.ts";
import { newId } from "../../../domain/ids.ts";
import type { CaseResult, NewSubmission } from "../../../domain/submission.ts";
import type { SubmissionTest } from "./fixture.ts";

/** Creating and reading submissions. */
export function testCreate(submissionTest: SubmissionTest): void {
  testRoundTrip(submissionTest);
  testManyResults(submissionTest);
  testEveryShape(submissionTest);

  submissionTest("a failed submission has a reason and no score", async ({ repository, ...f }) => {
    const created = await repository.create({
      versionId: f.versionId,
      model: { provider: "p", name: "failed" },
      submittedBy: f.userId,
      failure: "out of memory",
    });
    assert.deepEqual([created.status, created.score, created.failure], [
      "failed",
      undefined,
      "out of memory",
    ]);
  });

  submissionTest("a missing submission is undefined", async ({ repository }) => {
    assert.equal(await repository.getById(newId()), undefined);
    assert.deepEqual((await repository.getResults(newId())).items, []);
  });

  testRefusals(submissionTest);
}

/** A submission with a value for everything. */
const COMPLETE: Omit<NewSubmission, "versionId" | "submittedBy"> = {
  model: { provider: "openai", name: "gpt-4", version: "2024-05-13", official: true },
  verifiedProvider: true,
  score: 88.4,
  confidenceInterval: { low: 87, high: 89.5, level: 0.95 },
  metrics: { "pass@1": 88.4, latency: -0.5 },
  execution: { temperature: 0, nested: { list: [1, "two", null] } },
  visibility: "unlisted",
};

const RESULTS = [
  { caseName: "a", passed: true, score: 1, durationMs: 12.5, output: 'x"\\,{}\n' },
  { caseName: "b", passed: undefined, score: undefined, durationMs: undefined, output: undefined },
];

function testRoundTrip(submissionTest: SubmissionTest): void {
  submissionTest("everything that was given comes back", async (fixture) => {
    const { repository, userId, versionId, benchmarkId } = fixture;
    const id = newId();
    const given = { ...structuredClone(COMPLETE), id, versionId, submittedBy: userId };
    const created = await repository.create({ ...given, results: RESULTS });
    assert.deepEqual(await repository.getById(id), created);
    for (const [name, value] of Object.entries({ ...given, benchmarkId, status: "completed" })) {
      assert.deepEqual((created as unknown as Record<string, unknown>)[name], value, name);
    }
    assert.deepEqual([created.verification, created.revision], ["unverified", 1]);
    assert.deepEqual((await repository.getResults(id)).items, RESULTS);
  });
}

function testManyResults(submissionTest: SubmissionTest): void {
  submissionTest(
    "10,000 results are stored in one call and paged in their order",
    async (fixture) => {
      const count = 10_000;
      const results = Array.from({ length: count }, (_, index) => ({
        caseName: `case ${index}`,
        passed: index % 4 !== 0,
      }));
      const { id } = await fixture.submit("large", 1, { results });
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await fixture.repository.getResults(id, {
          limit: 1_000,
          withTotal: true,
          ...cursor ? { cursor } : {},
        });
        assert.equal(page.total, count);
        names.push(...page.items.map(({ caseName }) => caseName));
        cursor = page.nextCursor;
      } while (cursor);
      assert.deepEqual(names, results.map(({ caseName }) => caseName));
      const failed = await fixture.repository.getResults(id, {
        passed: false,
        limit: 1,
        withTotal: true,
      });
      assert.equal(failed.total, count / 4);
    },
  );
}

function testEveryShape(submissionTest: SubmissionTest): void {
  submissionTest("results of every shape come back, however many there are", async (fixture) => {
    // More than go in the first statement, and in the first of those after it.
    const count = 6_000;
    const given = Array.from({ length: count }, (_, index) => shapedResult(index));
    const { id } = await fixture.submit("shapes", 1, { results: given });
    const found: CaseResult[] = [];
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await fixture.repository.getResults(id, {
        limit: 1_000,
        ...cursor ? { cursor } : {},
      });
      found.push(...page.items);
      cursor = page.nextCursor;
    }
    assert.deepEqual(found, given.map((one) => ({ ...NO_VALUES, ...one })));
  });
}

const NO_VALUES = { passed: undefined, score: undefined, durationMs: undefined, output: undefined };

function shapedResult(index: number): CaseResult {
  const values = [
    { passed: index % 2 === 0 },
    { score: [-1.5, 0.1, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE][index % 5] },
    { durationMs: index / 7 },
    {
      output: ["", 'x"\\,{}\n\t', "größer \u{1F600}", "NULL", "\\N", "y".repeat(3_000)][index % 6],
    },
  ];
  const chosen = values.filter((_, bit) => (index >> bit) & 1);
  return Object.assign({ caseName: `ä "${index}"` }, ...chosen);
}

const LONE_SURROGATE = "a\ud800";

function manyMetrics(count: number): [name: string, value: number][] {
  return Array.from({ length: count }, (_, index) => [`metric ${index}`, index]);
}

/** What is refused, and the field that the error names. */
const REFUSED: readonly [field: string, change: Record<string, unknown>][] = [
  ["submission.score", { score: NaN }],
  ["submission.score", { score: Infinity }],
  ["submission.score", { score: -Infinity }],
  ["submission.score", { score: "1" }],
  ["submission.score", { score: undefined }],
  ["submission.score", { failure: "and a score" }],
  ["submission.metrics.x", { metrics: { x: NaN } }],
  ["submission.metrics.x", { metrics: { x: "1" } }],
  ["submission.metrics", { metrics: [1] }],
  ["submission.metrics.__proto__", { metrics: JSON.parse('{"a":1,"__proto__":2}') }],
  ["submission.metrics", { metrics: Object.fromEntries(manyMetrics(1_001)) }],
  ["submission.confidenceInterval", { confidenceInterval: { low: 2, high: 1, level: 0.9 } }],
  ["submission.confidenceInterval.level", { confidenceInterval: { low: 1, high: 2, level: 1 } }],
  ["submission.model.name", { model: { provider: "p", name: "" } }],
  ["submission.model.name", { model: { provider: "p", name: "a\0b" } }],
  ["submission.model.name", { model: { provider: "p", name: "a\u001fb" } }],
  ["submission.model.name", { model: { provider: "p", name: LONE_SURROGATE } }],
  ["submission.model.provider", { model: { provider: "p".repeat(201), name: "m" } }],
  ["submission.versionId", { versionId: "1; drop table users" }],
  ["submission.submittedBy", { submittedBy: "nobody" }],
  ["submission.visibility", { visibility: "secret" }],
  ["submission", { unknown: 1 }],
  ["results[1].caseName", { results: [{ caseName: "a" }, { caseName: "a" }] }],
  ["results[0].caseName", { results: [{ caseName: "a\0" }] }],
  ["results[0].score", { results: [{ caseName: "a", score: NaN }] }],
  ["results[0].durationMs", { results: [{ caseName: "a", durationMs: -1 }] }],
  ["results[0].passed", { results: [{ caseName: "a", passed: "yes" }] }],
  ["results[0].output", { results: [{ caseName: "a", output: LONE_SURROGATE }] }],
  ["results[0].extra", { results: [{ caseName: "a", extra: 1 }] }],
];

function testRefusals(submissionTest: SubmissionTest): void {
  submissionTest("bad input is refused, names its field and changes nothing", async (fixture) => {
    for (const [field, change] of REFUSED) {
      await assert.rejects(
        fixture.submit("refused", 1, change as Partial<NewSubmission>),
        { code: "invalid_input", field },
        JSON.stringify(change),
      );
    }
    const { benchmarkId, repository } = fixture;
    assert.equal(await repository.count({ benchmarkId }), 0);
  });

  submissionTest("a score outside the range of the metric is refused", async (fixture) => {
    const versionId = await fixture.addVersion("2.0.0", {
      higherIsBetter: true,
      range: { min: 0, max: 100 },
    });
    for (const score of [-0.1, 100.1]) {
      await assert.rejects(fixture.submit("m", score, { versionId }), {
        code: "constraint_violated",
        field: "score",
      });
    }
    for (const score of [0, 100]) await fixture.submit("m", score, { versionId });
    assert.equal(await fixture.repository.count({ versionId }), 2);
  });

  submissionTest("what it refers to must exist, and an id is taken once", async (fixture) => {
    await assert.rejects(fixture.submit("m", 1, { versionId: newId() }), { code: "not_found" });
    await assert.rejects(fixture.submit("m", 1, { submittedBy: newId() }), {
      code: "constraint_violated",
      field: "submittedBy",
    });
    await assert.rejects(fixture.submit("m", 1, { organizationId: newId() }), {
      code: "constraint_violated",
      field: "organizationId",
    });
    const { id } = await fixture.submit("m", 1);
    await assert.rejects(fixture.submit("m", 1, { id }), { code: "already_exists", field: "id" });
  });

  submissionTest("in a transaction that is rolled back, nothing is stored", async (fixture) => {
    const results = Array.from({ length: 6_000 }, (_, i) => ({ caseName: `c${i}` }));
    await assert.rejects(
      fixture.pool.transaction(async (transaction) => {
        const repository = new PostgresSubmissionRepository(transaction);
        await repository.create({
          versionId: fixture.versionId,
          model: { provider: "p", name: "m" },
          submittedBy: fixture.userId,
          score: 1,
          results,
        });
        throw new Error("changed my mind");
      }),
      { message: "changed my mind" },
    );
    assert.equal(await fixture.repository.count({ benchmarkId: fixture.benchmarkId }), 0);
    assert.equal(
      (await fixture.repository.getLeaderboard({ versionId: fixture.versionId })).items.length,
      0,
    );
  });
}
