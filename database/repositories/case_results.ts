import { setImmediate as nextTurn } from "node:timers/promises";
import { ValidationError } from "../../core/errors.ts";
import { memberPath } from "../../core/shown_value.ts";
import { checkFinite, checkText, type TextLimits } from "../../core/validation.ts";
import type { CaseResult } from "../../domain/submission.ts";
import { columnTextFlaw } from "../../domain/fields.ts";
import { arrayLiteral } from "../array_literal.ts";
import type { ResultArrays } from "./submission_statements.ts";

/** How many results go in one statement: it bounds the memory that a large submission takes. */
export const RESULTS_PER_STATEMENT = 2_500;

/** How many go in the first one if there are more: the server starts while the others are written. */
const FIRST_RESULTS = 500;

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
  checkColumnText("caseName", caseName, CASE_NAME_LIMITS);
  if (passed !== undefined && typeof passed !== "boolean") {
    throw new ValidationError("passed", "it must be a boolean");
  }
  if (score !== undefined) checkFinite("score", score);
  if (durationMs !== undefined && checkFinite("durationMs", durationMs) < 0) {
    throw new ValidationError("durationMs", "it must be at least 0");
  }
  if (output !== undefined) checkColumnText("output", output, OUTPUT_LIMITS);
}

function checkColumnText(field: string, value: unknown, limits: TextLimits): void {
  const flaw = columnTextFlaw(checkText(field, value, limits));
  if (flaw) throw new ValidationError(field, `it ${flaw}`);
}

/** Consecutive results: the index of the first, and the one after the last. */
export interface ResultPart {
  /** The index of the first. */
  readonly from: number;
  /** The index after the last. */
  readonly to: number;
}

/** What goes in each statement; one empty part without results. */
export function resultParts(count: number): [ResultPart, ...ResultPart[]] {
  const first = { from: 0, to: count <= RESULTS_PER_STATEMENT ? count : FIRST_RESULTS };
  const rest: ResultPart[] = [];
  for (let from = first.to; from < count; from += RESULTS_PER_STATEMENT) {
    rest.push({ from, to: Math.min(from + RESULTS_PER_STATEMENT, count) });
  }
  return [first, ...rest];
}

/** The arrays for one statement. */
export function resultArrays(results: readonly CaseResult[], part: ResultPart): ResultArrays {
  const chunk = results.slice(part.from, part.to);
  return {
    offset: part.from,
    caseNames: arrayLiteral(chunk.map(({ caseName }) => caseName)),
    passed: arrayLiteral(chunk.map(({ passed }) => passed)),
    scores: arrayLiteral(chunk.map(({ score }) => score)),
    durations: arrayLiteral(chunk.map(({ durationMs }) => durationMs)),
    outputs: arrayLiteral(chunk.map(({ output }) => output)),
  };
}

/**
 * The same after a turn of the event loop: a statement that was just started goes out first, and the
 * server works on it while this one is written.
 */
export async function resultArraysLater(
  results: readonly CaseResult[],
  part: ResultPart,
): Promise<ResultArrays> {
  await nextTurn();
  return resultArrays(results, part);
}
