import { ValidationError } from "../../core/errors.ts";
import { memberPath } from "../../core/shown_value.ts";
import { checkFinite, checkText, type TextLimits } from "../../core/validation.ts";
import type { CaseResult } from "../../domain/submission.ts";
import { columnTextFlaw } from "../../domain/fields.ts";

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
