import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkCaseResults,
  resultArrays,
  resultArraysLater,
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
    ["results[1].unknown", { caseName: "a", unknown: 1 }],
    ["results[1].<key of 3 characters>", { caseName: "a", "a\nb": 1 }],
  ];
  for (const [field, result] of cases) {
    const results = [{ caseName: "first" }, result] as CaseResult[];
    assert.throws(() => checkCaseResults(results), { code: "invalid_input", field });
  }
});

test("the arrays hold one part of the results, and nothing beyond the end", async () => {
  const results = Array.from({ length: RESULTS_PER_STATEMENT + 2 }, (_, i): CaseResult => ({
    caseName: `c${i}`,
    passed: true,
    score: i,
  }));
  const last = {
    offset: RESULTS_PER_STATEMENT,
    caseNames: `{"c${RESULTS_PER_STATEMENT}","c${RESULTS_PER_STATEMENT + 1}"}`,
    passed: "{true,true}",
    scores: `{${RESULTS_PER_STATEMENT},${RESULTS_PER_STATEMENT + 1}}`,
    durations: "{NULL,NULL}",
    outputs: "{NULL,NULL}",
  };
  assert.deepEqual(resultArrays(results, RESULTS_PER_STATEMENT), last);
  assert.deepEqual(await resultArraysLater(results, RESULTS_PER_STATEMENT), last);
  assert.equal(await resultArraysLater(results, 2 * RESULTS_PER_STATEMENT), undefined);
  assert.equal(resultArrays([], 0).caseNames, "{}");
});
