import { ValidationError } from "../../core/errors.ts";
import { checkFinite, checkText } from "../../core/validation.ts";
import type { CaseResult } from "../../domain/submission.ts";
import { arrayLiteral } from "../array_literal.ts";
import type { ResultArrays } from "./submission_statements.ts";

/**
 * How many results go in one statement. It bounds the memory of a large submission, and lets the next
 * statement be written while the server works on this one.
 */
export const RESULTS_PER_STATEMENT = 2_500;

const FIELDS = new Set(["caseName", "passed", "score", "durationMs", "output"]);

/**
 * Checks every result, by hand because there can be 100,000. Throws a {@linkcode ValidationError} that names the
 * index and the field, such as `results[17].score`.
 */
export function checkCaseResults(results: readonly CaseResult[]): void {
  const names = new Set<string>();
  results.forEach((result, index) => {
    const path = `results[${index}]`;
    if (typeof result !== "object" || result === null) {
      throw new ValidationError(path, "it must be an object");
    }
    for (const key of Object.keys(result)) {
      if (!FIELDS.has(key)) throw new ValidationError(`${path}.${key}`, "it is not a known field");
    }
    checkText(`${path}.caseName`, result.caseName, { maxLength: 200 });
    if (names.has(result.caseName)) {
      throw new ValidationError(`${path}.caseName`, "another result has the same name");
    }
    names.add(result.caseName);
    checkValues(path, result);
  });
}

function checkValues(path: string, { passed, score, durationMs, output }: CaseResult): void {
  if (passed !== undefined && typeof passed !== "boolean") {
    throw new ValidationError(`${path}.passed`, "it must be a boolean");
  }
  if (score !== undefined) checkFinite(`${path}.score`, score);
  if (durationMs !== undefined && checkFinite(`${path}.durationMs`, durationMs) < 0) {
    throw new ValidationError(`${path}.durationMs`, "it must be at least 0");
  }
  if (output !== undefined) {
    checkText(`${path}.output`, output, { minLength: 0, maxLength: 1_000_000 });
  }
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
