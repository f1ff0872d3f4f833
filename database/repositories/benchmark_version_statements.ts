import { type RawBuilder, sql } from "kysely";
import { z } from "zod";
import type {
  BenchmarkVersion,
  DatasetReference,
  EvaluationCriteria,
  Metric,
  NewBenchmarkVersion,
} from "../../domain/benchmark.ts";
import { jsonObjectField } from "../../domain/fields.ts";
import { newId } from "../../domain/ids.ts";
import { versionPrecedence } from "../../domain/version.ts";
import type { KeysetList } from "../keyset.ts";
import { queryBuilder } from "../query_builder.ts";
import { type RowOf, type Statement, statement, type StatementInfo } from "../statement.ts";
import { listStatements } from "./list_statement.ts";
import { encodeStored, parseStored } from "./stored_json.ts";

/** What a `BenchmarkVersion` is made of. */
export const VERSION_COLUMNS = {
  id: "uuid",
  benchmark_id: "uuid",
  version: "text",
  changelog: "text",
  evaluation: "jsonb",
  execution: "jsonb",
  datasets: "jsonb",
  test_case_count: "int4",
  created_by: "uuid",
  created_at: "timestamptz",
} as const;

const COLUMN_NAMES = Object.keys(VERSION_COLUMNS) as (keyof typeof VERSION_COLUMNS)[];

/** A version as the database has it. */
export type VersionRow = RowOf<typeof VERSION_COLUMNS>;

/** The same in SQL, for a version called `v`. */
export function versionColumns(testCaseCount: RawBuilder<unknown>): RawBuilder<VersionRow> {
  return sql`
    v.id, v.benchmark_id, v.version, v.changelog, v.evaluation, v.execution, v.datasets,
    ${testCaseCount} as test_case_count, v.created_by, v.created_at`;
}

/** Positions have no gaps, and the last one is at the end of an index. */
const VERSION: RawBuilder<VersionRow> = versionColumns(
  sql`coalesce((select max(c.position) from test_cases c where c.version_id = v.id), 0)`,
);

/** The parameters that insert a version. */
export interface VersionParameters {
  readonly versionId: string;
  readonly version: string;
  readonly precedence: string;
  readonly changelog: string;
  /** JSON, as the next two. */
  readonly evaluation: string;
  readonly execution: string;
  readonly datasets: string;
  readonly createdBy: string;
}

/** The parameters for a version, but for who publishes it; throws a {@linkcode ValidationError} for bad JSON. */
export function toVersionParameters(
  field: string,
  { id, version, changelog, evaluation, execution, datasets }: NewBenchmarkVersion,
): Omit<VersionParameters, "createdBy"> {
  return {
    versionId: id ?? newId(),
    version,
    precedence: versionPrecedence(version),
    changelog: changelog ?? "",
    evaluation: encodeStored(`${field}.evaluation`, evaluation),
    execution: encodeStored(`${field}.execution`, execution ?? {}),
    datasets: encodeStored(`${field}.datasets`, datasets ?? []),
  };
}

/** Inserts a version for each benchmark in the table expression `benchmarks`, which has zero or one. */
export function insertVersion(benchmarks: string, p: VersionParameters): RawBuilder<object> {
  return sql`
    insert into benchmark_versions
      (id, benchmark_id, version, precedence, changelog, evaluation, execution, datasets, created_by)
    select ${p.versionId}::uuid, benchmark.id, ${p.version}, ${p.precedence}, ${p.changelog},
      ${p.evaluation}::text::jsonb, ${p.execution}::text::jsonb, ${p.datasets}::text::jsonb,
      ${p.createdBy}::uuid
    from ${sql.table(benchmarks)} as benchmark`;
}

/** Returns the version, or nothing. */
export const getVersionById: Statement<{ id: string }, VersionRow> = statement(
  "get benchmark version by id",
  VERSION_COLUMNS,
  (_, p: { id: string }) =>
    sql<VersionRow>`select ${VERSION} from benchmark_versions v where v.id = ${p.id}`,
);

/** The parameters of {@linkcode getVersion}. */
export interface GetVersionInput {
  readonly benchmarkId: string;
  readonly version: string;
  readonly precedence: string;
}

/** Returns the version, or nothing. */
export const getVersion: Statement<GetVersionInput, VersionRow> = statement(
  "get benchmark version",
  VERSION_COLUMNS,
  // The precedence is what the index has.
  (_, p: GetVersionInput) =>
    sql<VersionRow>`
      select ${VERSION} from benchmark_versions v
      where v.benchmark_id = ${p.benchmarkId} and v.precedence = ${p.precedence}
        and v.version = ${p.version}`,
);

/** Returns the version of the highest precedence, or nothing if the benchmark is missing. */
export const getLatestVersion: Statement<{ benchmarkId: string }, VersionRow> = statement(
  "get latest benchmark version",
  VERSION_COLUMNS,
  (_, p: { benchmarkId: string }) =>
    sql<VersionRow>`
      select ${VERSION} from benchmark_versions v
      where v.benchmark_id = ${p.benchmarkId} order by v.precedence desc limit 1`,
);

/** The tables of a {@linkcode versionList}. */
export interface VersionTables {
  /** Every version. */
  v: VersionRow & { precedence: string };
}

/** The versions of a benchmark, highest precedence first. */
export function versionList(benchmarkId: string): KeysetList<VersionTables, "v", VersionRow> {
  return {
    operation: "list benchmark versions",
    columns: VERSION_COLUMNS,
    identity: ["benchmark versions", benchmarkId],
    query: queryBuilder
      .selectFrom(
        sql<VersionTables["v"]>`(select ${VERSION}, v.precedence from benchmark_versions v)`.as(
          "v",
        ),
      )
      .where("benchmark_id", "=", benchmarkId).select(COLUMN_NAMES),
    sort: [{ column: "v.precedence", type: "text" }],
    descending: true,
  };
}

/** Every statement of this file, for `verify`. */
export const VERSION_STATEMENTS: readonly StatementInfo[] = [
  getVersionById,
  getVersion,
  getLatestVersion,
  ...listStatements(() => versionList("")),
];

const metric: z.ZodType<Metric> = z.object({
  name: z.string(),
  type: z.string(),
  unit: z.string().optional(),
  higherIsBetter: z.boolean(),
  range: z.object({ min: z.number().optional(), max: z.number().optional() }).optional(),
});

const evaluation: z.ZodType<EvaluationCriteria> = z.object({
  primaryMetric: metric,
  secondaryMetrics: z.array(metric).optional(),
  aggregation: z.string().optional(),
  normalization: z.string().optional(),
});

const datasets: z.ZodType<readonly DatasetReference[]> = z.array(z.object({
  name: z.string(),
  bucket: z.string(),
  key: z.string(),
  sha256: z.string(),
  size: z.number(),
}));

/** The version of a row. */
export function toVersion(row: VersionRow): BenchmarkVersion {
  return {
    id: row.id,
    benchmarkId: row.benchmark_id,
    version: row.version,
    changelog: row.changelog,
    evaluation: parseStored(evaluation, row.evaluation, "evaluation of benchmark version"),
    execution: parseStored(jsonObjectField, row.execution, "execution of benchmark version"),
    datasets: parseStored(datasets, row.datasets, "datasets of benchmark version"),
    testCaseCount: row.test_case_count,
    createdBy: row.created_by,
    createdAt: row.created_at,
  };
}
