import { type RawBuilder, sql } from "kysely";
import { insertEvent } from "../outbox/insert_event.ts";
import { type Statement, statement, type StatementInfo } from "../statement.ts";
import {
  SUBMISSION_COLUMNS,
  SUBMISSION_TABLE_COLUMNS,
  type SubmissionRow,
} from "./submission_rows.ts";

/** Results of test cases as array literals, one element for each result. */
export interface ResultArrays {
  /** How many results of the submission come before these. */
  readonly offset: number;
  /** `text[]` */
  readonly caseNames: string;
  /** `boolean[]` */
  readonly passed: string;
  /** `float8[]` */
  readonly scores: string;
  /** `float8[]` */
  readonly durations: string;
  /** `text[]` */
  readonly outputs: string;
}

/** What {@linkcode createSubmission} takes. */
export interface SubmissionInput extends ResultArrays {
  /** Columns of the table, as the schema has them. */
  readonly id: string;
  readonly versionId: string;
  readonly provider: string;
  readonly name: string;
  readonly version: string;
  readonly official: boolean;
  readonly submittedBy: string;
  readonly organizationId: string | undefined;
  readonly verifiedProvider: boolean;
  readonly status: string;
  readonly score: number | undefined;
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly level: number | undefined;
  readonly failure: string | undefined;
  readonly execution: string;
  readonly visibility: string;
  /** `text[]` */
  readonly metricNames: string;
  /** `float8[]` */
  readonly metricValues: string;
  readonly events: boolean;
}

/** The metrics of a submission called `s`. */
export const SUBMISSION_METRICS: RawBuilder<unknown> = sql`(
  select coalesce(jsonb_object_agg(m.name, m.value), '{}') from submission_metrics m
  where m.submission_id = s.id
)`;

/** What the events of submissions have in common. */
export const SUBMISSION_EVENT = { aggregate: "submission", id: sql`s.id` } as const;

/** Members that their events have in common. */
export const SUBMISSION_MEMBERS = {
  submissionId: sql`s.id`,
  benchmarkId: sql`s.benchmark_id`,
} as const;

/** The columns of a submission called `s`. */
export const TABLE_COLUMNS: RawBuilder<unknown> = sql.join(
  SUBMISSION_TABLE_COLUMNS.map((column) => sql.ref(`s.${column}`)),
);

/** What a `Submission` is made of. */
export const COLUMNS = { ...SUBMISSION_COLUMNS, metrics: "jsonb" } as const;

function resultsOf(p: ResultArrays): RawBuilder<unknown> {
  return sql`unnest(
    ${p.caseNames}::text::text[], ${p.passed}::text::boolean[], ${p.scores}::text::float8[],
    ${p.durations}::text::float8[], ${p.outputs}::text::text[]
  ) with ordinality as r (case_name, passed, score, duration_ms, output, number)`;
}

function insertSubmission(p: SubmissionInput): RawBuilder<unknown> {
  return sql`insert into submissions (
    id, version_id, benchmark_id, model_provider, model_name, model_version, model_official,
    submitted_by, organization_id, verified_provider, status, score, interval_low, interval_high,
    interval_level, failure, execution, visibility
  )
  select ${p.id}::uuid, v.id, v.benchmark_id, ${p.provider}, ${p.name}, ${p.version},
    ${p.official}::boolean, ${p.submittedBy}::uuid, ${p.organizationId}::uuid,
    ${p.verifiedProvider}::boolean, ${p.status}, ${p.score}::float8, ${p.low}::float8,
    ${p.high}::float8, ${p.level}::float8, ${p.failure}, ${p.execution}::text::jsonb,
    ${p.visibility}
  from benchmark_versions v where v.id = ${p.versionId}::uuid
  returning *`;
}

function submissionCreated(p: SubmissionInput): RawBuilder<unknown> {
  return insertEvent({
    ...SUBMISSION_EVENT,
    type: "Created",
    members: {
      submissionId: sql`s.id`,
      benchmarkId: sql`s.benchmark_id`,
      version: sql`v.version`,
      model: sql`jsonb_build_object(
        'provider', s.model_provider, 'name', s.model_name, 'version', s.model_version
      )`,
      submittedBy: sql`s.submitted_by`,
      aggregateScore: sql`s.score`,
    },
    from: sql`s join benchmark_versions v on v.id = s.version_id`,
    enabled: p.events,
  });
}

/** A submission alone: the statement that a board waits for. */
export const createSubmission: Statement<SubmissionInput, Omit<SubmissionRow, "metrics">> =
  statement(
    "create submission",
    SUBMISSION_COLUMNS,
    (_, p: SubmissionInput) =>
      sql`with s as (${insertSubmission(p)}), event as (${submissionCreated(p)})
      select ${TABLE_COLUMNS} from s`,
  );

/** A submission with metrics and the first of its results. */
export const createSubmissionWithResults: Statement<
  SubmissionInput,
  Omit<SubmissionRow, "metrics">
> = statement(
  "create submission with results",
  SUBMISSION_COLUMNS,
  (_, p: SubmissionInput) =>
    sql`with s as (${insertSubmission(p)}), new_metrics as (
      insert into submission_metrics (submission_id, name, value)
      select s.id, m.name, m.value
      from s, unnest(${p.metricNames}::text::text[], ${p.metricValues}::text::float8[])
        as m (name, value)
    ), new_results as (
      insert into submission_results
        (submission_id, position, case_name, passed, score, duration_ms, output)
      select s.id, ${p.offset}::integer + r.number, r.case_name, r.passed, r.score, r.duration_ms,
        r.output
      from s, ${resultsOf(p)}
    ), event as (${submissionCreated(p)})
    select ${TABLE_COLUMNS} from s`,
);

/** More results of a submission. */
export const addResults: Statement<ResultArrays & { submissionId: string }, object> = statement(
  "add results of submission",
  {},
  (_, p: ResultArrays & { submissionId: string }) =>
    sql<object>`insert into submission_results
      (submission_id, position, case_name, passed, score, duration_ms, output)
    select ${p.submissionId}::uuid, ${p.offset}::integer + r.number, r.case_name, r.passed, r.score,
      r.duration_ms, r.output
    from ${resultsOf(p)}`,
);

/** One submission. */
export const getSubmission: Statement<{ id: string }, SubmissionRow> = statement(
  "get submission",
  COLUMNS,
  (_, p: { id: string }) =>
    sql<SubmissionRow>`select ${TABLE_COLUMNS}, ${SUBMISSION_METRICS} as metrics from submissions s
      where s.id = ${p.id}::uuid and s.deleted_at is null`,
);

/** The revision of a submission, for conflicts. */
export const getSubmissionRevision: Statement<{ id: string }, { revision: number }> = statement(
  "get revision of submission",
  { revision: "int4" },
  (db, p: { id: string }) =>
    db.selectFrom("submissions").select("revision").where("id", "=", p.id)
      .where("deleted_at", "is", null),
);

/** Whether a model has a submission on a version. */
export const submissionExists: Statement<ModelOnVersion, { found: boolean }> = statement(
  "look for submission",
  { found: "bool" },
  (_, p: ModelOnVersion) =>
    sql<{ found: boolean }>`select exists (
      select from submissions s where s.version_id = ${p.versionId}::uuid
        and s.model_key = model_key(${p.provider}, ${p.name}, ${p.version})
        and s.deleted_at is null
    ) as found`,
);

interface ModelOnVersion {
  readonly versionId: string;
  readonly provider: string;
  readonly name: string;
  readonly version: string;
}

/** For `verify`. */
export const SUBMISSION_STATEMENTS: readonly StatementInfo[] = [
  createSubmission,
  createSubmissionWithResults,
  addResults,
  getSubmission,
  getSubmissionRevision,
  submissionExists,
];
