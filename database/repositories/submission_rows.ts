import type { JsonValue } from "../../core/json.ts";
import type {
  CaseResult,
  Submission,
  VerificationLevel,
  Visibility,
} from "../../domain/submission.ts";
import type { RowOf } from "../statement.ts";

/** The columns of a submission, with its metrics folded into one. */
export const SUBMISSION_COLUMNS = {
  id: "uuid",
  version_id: "uuid",
  benchmark_id: "uuid",
  model_provider: "text",
  model_name: "text",
  model_version: "text",
  model_official: "bool",
  submitted_by: "uuid",
  organization_id: "uuid?",
  verified_provider: "bool",
  status: "text",
  score: "float8?",
  interval_low: "float8?",
  interval_high: "float8?",
  interval_level: "float8?",
  failure: "text?",
  execution: "jsonb",
  verification: "text",
  verified_by: "uuid?",
  verified_at: "timestamptz?",
  verification_notes: "text?",
  visibility: "text",
  created_at: "timestamptz",
  updated_at: "timestamptz",
  revision: "int4",
} as const;

/** A submission as the database returns it. */
export type SubmissionRow = RowOf<typeof SUBMISSION_COLUMNS> & { metrics: unknown };

/** The names of the columns that are in the table itself. */
export const SUBMISSION_TABLE_COLUMNS = Object.keys(
  SUBMISSION_COLUMNS,
) as (keyof typeof SUBMISSION_COLUMNS)[];

/** Makes the submission of a row. */
export function toSubmission(row: SubmissionRow): Submission {
  const { interval_low: low, interval_high: high, interval_level: level } = row;
  return {
    id: row.id,
    benchmarkId: row.benchmark_id,
    versionId: row.version_id,
    model: {
      provider: row.model_provider,
      name: row.model_name,
      version: row.model_version,
      official: row.model_official,
    },
    submittedBy: row.submitted_by,
    organizationId: row.organization_id ?? undefined,
    verifiedProvider: row.verified_provider,
    status: row.status as Submission["status"],
    score: row.score ?? undefined,
    confidenceInterval: low === null || high === null || level === null
      ? undefined
      : { low, high, level },
    metrics: row.metrics as Record<string, number>,
    failure: row.failure ?? undefined,
    execution: row.execution as Record<string, JsonValue>,
    verification: row.verification as VerificationLevel,
    verifiedBy: row.verified_by ?? undefined,
    verifiedAt: row.verified_at ?? undefined,
    verificationNotes: row.verification_notes ?? undefined,
    visibility: row.visibility as Visibility,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision: row.revision,
  };
}

/** The columns of the result of a test case. */
export const RESULT_COLUMNS = {
  case_name: "text",
  passed: "bool?",
  score: "float8?",
  duration_ms: "float8?",
  output: "text?",
} as const;

/** Makes the result of a row. */
export function toCaseResult(row: RowOf<typeof RESULT_COLUMNS>): CaseResult {
  return {
    caseName: row.case_name,
    passed: row.passed ?? undefined,
    score: row.score ?? undefined,
    durationMs: row.duration_ms ?? undefined,
    output: row.output ?? undefined,
  };
}
