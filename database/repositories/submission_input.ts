import { newId } from "../../domain/ids.ts";
import type { NewSubmission } from "../../domain/submission.ts";
import { arrayLiteral } from "../array_literal.ts";
import { resultArrays, type ResultPart } from "./result_parts.ts";
import { encodeStored } from "./stored_json.ts";
import type { SubmissionInput } from "./submission_statements.ts";

/** The parameters of a checked submission, with the part of its results that goes in the first statement. */
export function toSubmissionInput(
  submission: NewSubmission,
  first: ResultPart,
): Omit<SubmissionInput, "events"> {
  const { model, confidenceInterval: interval, metrics = {}, results = [] } = submission;
  return {
    ...resultArrays(results, first),
    id: submission.id ?? newId(),
    versionId: submission.versionId,
    provider: model.provider,
    name: model.name,
    version: model.version ?? "",
    official: model.official ?? false,
    submittedBy: submission.submittedBy,
    organizationId: submission.organizationId,
    verifiedProvider: submission.verifiedProvider ?? false,
    status: submission.score === undefined ? "failed" : "completed",
    score: submission.score,
    low: interval?.low,
    high: interval?.high,
    level: interval?.level,
    failure: submission.failure,
    execution: encodeStored("submission.execution", submission.execution ?? {}),
    visibility: submission.visibility ?? "public",
    metricNames: arrayLiteral(Object.keys(metrics)),
    metricValues: arrayLiteral(Object.values(metrics)),
  };
}
