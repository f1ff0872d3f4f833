import { type SelectQueryBuilder, sql } from "kysely";
import { z } from "zod";
import type { CallOptions } from "../../core/call_options.ts";
import type { PageRequest } from "../../core/page.ts";
import { parseInput } from "../../core/validation.ts";
import { idField, textField } from "../../domain/fields.ts";
import {
  VERIFICATION_LEVELS,
  type VerificationLevel,
  VISIBILITIES,
  type Visibility,
} from "../../domain/submission.ts";
import type { KeysetList } from "../keyset.ts";
import { queryBuilder } from "../query_builder.ts";
import type { Schema } from "../schema.ts";
import type { StatementInfo } from "../statement.ts";
import { listStatements } from "./list_statement.ts";
import { SUBMISSION_COLUMNS, SUBMISSION_TABLE_COLUMNS } from "./submission_rows.ts";

/** Which submissions to list; those that match all that is given. Deleted ones never do. */
export interface SubmissionFilter {
  /** Of any version of this benchmark. */
  readonly benchmarkId?: string | undefined;
  /** Of this version. */
  readonly versionId?: string | undefined;
  /** Submitted by this user. */
  readonly submittedBy?: string | undefined;
  /** Submitted for this organization. */
  readonly organizationId?: string | undefined;
  /** The provider of the model. */
  readonly modelProvider?: string | undefined;
  /** The name of the model. */
  readonly modelName?: string | undefined;
  /** The version of the model. */
  readonly modelVersion?: string | undefined;
  /** Whether the model's provider submitted it. */
  readonly official?: boolean | undefined;
  /** Whether it has a score. */
  readonly status?: "completed" | "failed" | undefined;
  /** Verified exactly so far. */
  readonly verification?: VerificationLevel | undefined;
  /** Verified at least so far. */
  readonly minVerification?: VerificationLevel | undefined;
  /** Who sees it. */
  readonly visibility?: Visibility | undefined;
  /** Submitted at this time or later. */
  readonly createdFrom?: Date | undefined;
  /** Submitted before this time. */
  readonly createdBefore?: Date | undefined;
}

/** A page of a list of submissions. */
export interface SubmissionListOptions extends SubmissionFilter, PageRequest, CallOptions {
  /** By time of submission. Default: `newest` first. */
  readonly sort?: "newest" | "oldest" | undefined;
}

/** What every client can write as a date of PostgreSQL: the years 1 to 9999. */
const timeField: z.ZodType<Date> = z.date()
  .min(new Date("0001-01-01T00:00:00Z"), "it must be in the years 1 to 9999")
  .max(new Date("9999-12-31T23:59:59.999Z"), "it must be in the years 1 to 9999");

const filterSchema: z.ZodType<SubmissionFilter> = z.strictObject({
  benchmarkId: idField.optional(),
  versionId: idField.optional(),
  submittedBy: idField.optional(),
  organizationId: idField.optional(),
  modelProvider: textField(1, 200).optional(),
  modelName: textField(1, 200).optional(),
  modelVersion: textField(0, 200).optional(),
  official: z.boolean().optional(),
  status: z.enum(["completed", "failed"]).optional(),
  verification: z.enum(VERIFICATION_LEVELS).optional(),
  minVerification: z.enum(VERIFICATION_LEVELS).optional(),
  visibility: z.enum(VISIBILITIES).optional(),
  createdFrom: timeField.optional(),
  createdBefore: timeField.optional(),
});

const LIST_COLUMNS = { ...SUBMISSION_COLUMNS, metrics: "jsonb" } as const;

const sortSchema: z.ZodType<"newest" | "oldest"> = z.enum(["newest", "oldest"]);

type ListQuery = SelectQueryBuilder<Schema, "submissions", object>;

/** The submissions that match, in a sorted list; throws a {@linkcode ValidationError} for an unknown filter. */
export function submissionList(
  options: SubmissionListOptions,
): KeysetList<Schema, "submissions", object> {
  const { cursor: _1, limit: _2, withTotal: _3, signal: _4, timeoutMs: _5, sort, ...filter } =
    options;
  const direction = parseInput(sortSchema, sort ?? "newest", "sort");
  const checked = parseInput(filterSchema, filter, "filter");
  return {
    operation: "list submissions",
    columns: LIST_COLUMNS,
    identity: ["submissions", direction, checked],
    query: applyFilter(selectSubmissions(), checked),
    sort: [{ column: "submissions.created_at", type: "timestamptz" }, {
      column: "submissions.id",
      type: "uuid",
    }],
    descending: direction === "newest",
  };
}

function selectSubmissions(): ListQuery {
  return queryBuilder.selectFrom("submissions")
    .select(SUBMISSION_TABLE_COLUMNS)
    .select(
      sql<unknown>`(
        select coalesce(jsonb_object_agg(m.name, m.value), '{}') from submission_metrics m
        where m.submission_id = submissions.id
      )`.as("metrics"),
    )
    .where("submissions.deleted_at", "is", null) as unknown as ListQuery;
}

/** The columns that a filter of the same meaning compares for equality. */
const EQUAL = {
  benchmarkId: "submissions.benchmark_id",
  versionId: "submissions.version_id",
  submittedBy: "submissions.submitted_by",
  organizationId: "submissions.organization_id",
  modelProvider: "submissions.model_provider",
  modelName: "submissions.model_name",
  modelVersion: "submissions.model_version",
  official: "submissions.model_official",
  status: "submissions.status",
  verification: "submissions.verification",
  visibility: "submissions.visibility",
} as const;

function applyFilter(query: ListQuery, filter: SubmissionFilter): ListQuery {
  for (const name of Object.keys(EQUAL) as (keyof typeof EQUAL)[]) {
    const value = filter[name];
    if (value !== undefined) query = query.where(EQUAL[name], "=", value);
  }
  const { minVerification, createdFrom, createdBefore } = filter;
  if (minVerification !== undefined) {
    const enough = VERIFICATION_LEVELS.slice(VERIFICATION_LEVELS.indexOf(minVerification));
    query = query.where("submissions.verification", "in", enough);
  }
  if (createdFrom) query = query.where("submissions.created_at", ">=", createdFrom);
  if (createdBefore) query = query.where("submissions.created_at", "<", createdBefore);
  return query;
}

const ID = "00000000-0000-7000-8000-000000000000";

/** Every statement of this file, for `verify`. */
export const SUBMISSION_LIST_STATEMENTS: readonly StatementInfo[] = [
  ...listStatements(
    () =>
      submissionList({
        benchmarkId: ID,
        versionId: ID,
        submittedBy: ID,
        organizationId: ID,
        modelProvider: "a",
        modelName: "a",
        modelVersion: "a",
        official: true,
        status: "completed",
        verification: "audited",
        minVerification: "audited",
        visibility: "public",
        createdFrom: new Date(0),
        createdBefore: new Date(0),
      }),
  ),
];
