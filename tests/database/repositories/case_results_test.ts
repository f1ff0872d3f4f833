import assert from "node:assert/strict";
import { test } from "node:test";
import { checkCaseResults } from "../../../database/repositories/case_results.ts";
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
