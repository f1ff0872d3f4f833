import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkCaseResults,
  resultArrays,
  resultArraysLater,
  resultParts,
  RESULTS_PER_STATEMENT,
} from "../../../database/repositories/case_results.ts";
import type { CaseResult } from "../../../domain/submission.ts";

test("a refused result is named by its index and field", () => {
  const cases: [string, unknown][] = [
    ["results[1]", null],
    ["results[1].caseName", {}],
    ["results[1].caseName", { caseName: "first" }],
    ["results[1].score", { caseName: "a", score: -Infinity }],
    ["results[1].durationMs", { caseName: "a", durationMs: -0.1 }],
    ["results[1].passed", { caseName: "a", passed: 1 }],
    ["results[1].output", { caseName: "a", output: "\ud800" }],
    ["results[1].output", { caseName: "a", output: "\ufeffa" }],
    ["results[1].unknown", { caseName: "a", unknown: 1 }],
    ["results[1].<key of 3 characters>", { caseName: "a", "a\nb": 1 }],
  ];
  for (const [field, result] of cases) {
    const results = [{ caseName: "first" }, result] as CaseResult[];
    assert.throws(() => checkCaseResults(results), { code: "invalid_input", field });
  }
});

test("the parts cover all results in order, and the first of many is small", () => {
  assert.deepEqual(resultParts(0), [{ from: 0, to: 0 }]);
  assert.deepEqual(resultParts(RESULTS_PER_STATEMENT), [{ from: 0, to: RESULTS_PER_STATEMENT }]);
  for (const count of [RESULTS_PER_STATEMENT + 1, 10_000, 100_000]) {
    const parts = resultParts(count);
    assert.ok(parts[0].to < RESULTS_PER_STATEMENT);
    parts.forEach(({ from, to }, index) => {
      assert.equal(from, parts[index - 1]?.to ?? 0);
      assert.ok(to > from && to - from <= RESULTS_PER_STATEMENT);
    });
    assert.equal(parts.at(-1)?.to, count);
  }
});

test("the arrays hold one part of the results", async () => {
  const results: CaseResult[] = [0, 1, 2, 3].map((score) => ({ caseName: `c${score}`, score }));
  const part = { from: 1, to: 3 };
  const arrays = {
    offset: 1,
    caseNames: '{"c1","c2"}',
    passed: "{NULL,NULL}",
    scores: "{1,2}",
    durations: "{NULL,NULL}",
    outputs: "{NULL,NULL}",
  };
  assert.deepEqual(resultArrays(results, part), arrays);
  assert.deepEqual(await resultArraysLater(results, part), arrays);
  assert.equal(resultArrays([], { from: 0, to: 0 }).caseNames, "{}");
});
