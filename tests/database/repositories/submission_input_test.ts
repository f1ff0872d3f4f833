import assert from "node:assert/strict";
import { test } from "node:test";
import { toSubmissionInput } from "../../../database/repositories/submission_input.ts";

const SUBMISSION = {
  versionId: "00000000-0000-7000-8000-000000000001",
  model: { provider: "p", name: "m" },
  submittedBy: "00000000-0000-7000-8000-000000000002",
};

/** No results. */
const NONE = { from: 0, to: 0 };

test("a score makes it completed, its absence failed", () => {
  assert.equal(toSubmissionInput({ ...SUBMISSION, score: 0 }, NONE).status, "completed");
  assert.equal(toSubmissionInput({ ...SUBMISSION, failure: "why" }, NONE).status, "failed");
});

test("what is not given has its default, and each submission its own id", () => {
  const first = toSubmissionInput({ ...SUBMISSION, score: 1 }, NONE);
  assert.deepEqual(
    [first.version, first.official, first.visibility, first.execution, first.metricNames],
    ["", false, "public", "{}", "{}"],
  );
  assert.notEqual(first.id, toSubmissionInput({ ...SUBMISSION, score: 1 }, NONE).id);
});

test("what JSON would change is refused by its path", () => {
  const execution = { nested: { temperature: NaN } };
  assert.throws(() => toSubmissionInput({ ...SUBMISSION, score: 1, execution }, NONE), {
    field: "submission.execution.nested.temperature",
  });
});
