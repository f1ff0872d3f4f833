import { setImmediate as nextTurn } from "node:timers/promises";
import { ValidationError } from "../../core/errors.ts";
import { checkFinite, checkText, memberPath, type TextLimits } from "../../core/validation.ts";
import type { CaseResult } from "../../domain/submission.ts";
import { arrayLiteral } from "../array_literal.ts";
import type { ResultArrays } from "./submission_statements.ts";

/** How many results go in one statement: it bounds the memory that a large submission takes. */
export const RESULTS_PER_STATEMENT = 1_000;

const CASE_NAME_LIMITS: TextLimits = { maxLength: 200 };

const OUTPUT_LIMITS: TextLimits = { minLength: 0, maxLength: 1_000_000 };

const FIELDS = new Set(["caseName", "passed", "score", "durationMs", "output"]);

/**
 * Checks every result, by hand because there can be 100,000. Throws a {@linkcode ValidationError} that names the
 * index and the field, such as `results[17].score`.
 */
export function checkCaseResults(results: readonly CaseResult[]): void {
  const names = new Set<string>();
  results.forEach((result, index) => {
    try {
      checkCaseResult(result);
      if (names.has(result.caseName)) {
        throw new ValidationError("caseName", "another result has the same name");
      }
      names.add(result.caseName);
    } catch (error) {
      // Only here: 100,000 paths that nobody reads take longer than the checks.
      if (!(error instanceof ValidationError)) throw error;
      const member = error.field === "" ? "" : `.${error.field}`;
      throw new ValidationError(`results[${index}]${member}`, error.reason);
    }
  });
}

function checkCaseResult(result: CaseResult): void {
  if (typeof result !== "object" || result === null) {
    throw new ValidationError("", "it must be an object");
  }
  for (const key of Object.keys(result)) {
    if (!FIELDS.has(key)) {
      throw new ValidationError(memberPath("", key), "it is not a known field");
    }
  }
  const { caseName, passed, score, durationMs, output } = result;
  checkText("caseName", caseName, CASE_NAME_LIMITS);
  if (passed !== undefined && typeof passed !== "boolean") {
    throw new ValidationError("passed", "it must be a boolean");
  }
  if (score !== undefined) checkFinite("score", score);
  if (durationMs !== undefined && checkFinite("durationMs", durationMs) < 0) {
    throw new ValidationError("durationMs", "it must be at least 0");
  }
  if (output !== undefined) checkText("output", output, OUTPUT_LIMITS);
}

/** The arrays for one statement, from result `offset` on. */
export function resultArrays(results: readonly CaseResult[], offset: number): ResultArrays {
  const chunk = results.slice(offset, offset + RESULTS_PER_STATEMENT);
  return {
    offset,
    caseNames: arrayLiteral(chunk.map(({ caseName }) => caseName)),
    passed: arrayLiteral(chunk.map(({ passed }) => passed)),
    scores: arrayLiteral(chunk.map(({ score }) => score)),
    durations: arrayLiteral(chunk.map(({ durationMs }) => durationMs)),
    outputs: arrayLiteral(chunk.map(({ output }) => output)),
  };
}

/**
 * The same after a turn of the event loop, or nothing beyond the last result: a statement that was
 * just started goes out first, and the server works on it while this one is written.
 */
export async function resultArraysLater(
  results: readonly CaseResult[],
  offset: number,
): Promise<ResultArrays | undefined> {
  await nextTurn();
  return offset < results.length ? resultArrays(results, offset) : undefined;
}
