import { type RawBuilder, sql } from "kysely";
import type {
  Benchmark,
  BenchmarkCategory,
  BenchmarkStatus,
  NewBenchmark,
} from "../../domain/benchmark.ts";
import { newId } from "../../domain/ids.ts";
import { arrayLiteral } from "../array_literal.ts";
import { insertEvent } from "../outbox/insert_event.ts";
import { type RowOf, type Statement, statement, type StatementInfo } from "../statement.ts";
import {
  insertVersion,
  toVersionParameters,
  VERSION_COLUMNS,
  versionColumns,
  type VersionParameters,
  type VersionRow,
} from "./benchmark_version_statements.ts";
import { insertTestCases, type TestCaseColumns } from "./test_cases.ts";

/** What a `Benchmark` is made of. */
export const BENCHMARK_COLUMNS = {
  id: "uuid",
  slug: "text",
  name: "text",
  description: "text",
  category: "text",
  status: "text",
  license: "text?",
  citation: "text?",
  tags: "text[]",
  maintainers: "uuid[]",
  latest_version: "jsonb",
  created_by: "uuid",
  created_at: "timestamptz",
  updated_at: "timestamptz",
  revision: "int4",
} as const;

/** A benchmark as the database has it. */
export type BenchmarkRow = RowOf<typeof BENCHMARK_COLUMNS>;

/** The same in SQL, for a benchmark called `b`. */
export const BENCHMARK: RawBuilder<BenchmarkRow> = sql`
  b.id, b.slug, b.name, b.description, b.category, b.status, b.license, b.citation, b.tags,
  array(
    select m.user_id from benchmark_maintainers m where m.benchmark_id = b.id order by m.user_id
  ) as maintainers,
  (
    select jsonb_build_object('id', v.id, 'version', v.version) from benchmark_versions v
    where v.benchmark_id = b.id order by v.precedence desc limit 1
  ) as latest_version,
  b.created_by, b.created_at, b.updated_at, b.revision`;

/** What the events of benchmarks have in common. */
export const BENCHMARK_EVENT = { aggregate: "benchmark", id: sql`id`, from: sql`b` } as const;

/** The parameters of {@linkcode createBenchmark}. */
export interface CreateBenchmarkInput extends VersionParameters, TestCaseColumns {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly description: string;
  readonly category: string;
  readonly license: string | undefined;
  readonly citation: string | undefined;
  /** An array literal, as all that is plural here. */
  readonly benchmarkTags: string;
  readonly maintainers: string;
  readonly events: boolean;
}

/** The parameters for a benchmark, but for its test cases; throws a {@linkcode ValidationError} for bad JSON. */
export function toBenchmarkParameters(
  field: string,
  benchmark: NewBenchmark,
  events: boolean,
): Omit<CreateBenchmarkInput, keyof TestCaseColumns> {
  return {
    ...toVersionParameters(`${field}.version`, benchmark.version),
    id: benchmark.id ?? newId(),
    slug: benchmark.slug,
    name: benchmark.name,
    description: benchmark.description ?? "",
    category: benchmark.category,
    license: benchmark.license,
    citation: benchmark.citation,
    benchmarkTags: arrayLiteral(benchmark.tags ?? []),
    maintainers: arrayLiteral(benchmark.maintainers ?? []),
    createdBy: benchmark.createdBy,
    events,
  };
}

/** Creates the benchmark with its first version, and returns it. */
export const createBenchmark: Statement<CreateBenchmarkInput, BenchmarkRow> = statement(
  "create benchmark",
  BENCHMARK_COLUMNS,
  // What a statement inserts is not in the tables yet when it returns. So what is inserted goes by
  // the name of its table here, and BENCHMARK finds it.
  (_, p: CreateBenchmarkInput) =>
    sql<BenchmarkRow>`
      with b as (
        insert into benchmarks
          (id, slug, name, description, category, license, citation, tags, created_by)
        values (
          ${p.id}, ${p.slug}, ${p.name}, ${p.description}, ${p.category}, ${p.license},
          ${p.citation}, ${p.benchmarkTags}::text::text[], ${p.createdBy}
        ) returning *
      ), benchmark_maintainers as (
        insert into benchmark_maintainers (benchmark_id, user_id)
        select b.id, unnest(${p.maintainers}::text::uuid[]) from b returning *
      ), benchmark_versions as (
        ${insertVersion("b", p)} returning *
      ), test_cases as (
        ${insertTestCases("benchmark_versions", p)}
      ), event as (${
      insertEvent({
        ...BENCHMARK_EVENT,
        type: "Created",
        members: { benchmarkId: sql`id`, name: sql`name`, createdBy: sql`created_by` },
        enabled: p.events,
      })
    }) select ${BENCHMARK} from b`,
);

/** Returns the benchmark, or nothing. */
export const getBenchmarkById: Statement<{ id: string }, BenchmarkRow> = statement(
  "get benchmark by id",
  BENCHMARK_COLUMNS,
  (_, p: { id: string }) =>
    sql<BenchmarkRow>`select ${BENCHMARK} from benchmarks b where b.id = ${p.id}`,
);

/** Returns the benchmark, or nothing. */
export const getBenchmarkBySlug: Statement<{ slug: string }, BenchmarkRow> = statement(
  "get benchmark by slug",
  BENCHMARK_COLUMNS,
  (_, p: { slug: string }) =>
    sql<BenchmarkRow>`select ${BENCHMARK} from benchmarks b where b.slug = ${p.slug}`,
);

/** Returns a row if the slug is taken. */
export const findSlug: Statement<{ slug: string }, { id: string }> = statement(
  "find benchmark slug",
  { id: "uuid" },
  (db, p: { slug: string }) => db.selectFrom("benchmarks").select("id").where("slug", "=", p.slug),
);

/** Which benchmark an update is about, and at which revision; `null` for any. */
export interface BenchmarkTarget {
  readonly id: string;
  readonly expectedRevision: number | null;
}

/** The parameters of {@linkcode updateBenchmarkStatus}. */
export interface UpdateBenchmarkStatusInput extends BenchmarkTarget {
  readonly status: BenchmarkStatus;
  /** An array literal: the statuses that the change can start from. */
  readonly from: string;
  readonly changedBy: string | undefined;
  readonly reason: string | undefined;
  readonly successorId: string | undefined;
  readonly events: boolean;
}

/** Returns the benchmark, or nothing if it is missing, has another revision or none of the statuses. */
export const updateBenchmarkStatus: Statement<UpdateBenchmarkStatusInput, BenchmarkRow> = statement(
  "update benchmark status",
  BENCHMARK_COLUMNS,
  (_, p: UpdateBenchmarkStatusInput) =>
    // The row is locked before it is changed, to see what it was.
    sql<BenchmarkRow>`
      with old as (
        select b.id as old_id, b.status as old_status from benchmarks b
        where ${isTarget(p)} and b.status = any(${p.from}::text::text[]) for no key update
      ), b as (
        update benchmarks as b
        set revision = b.revision + 1, updated_at = now(), status = ${p.status}::text
        from old where b.id = old_id returning b.*, old_status
      ), event as (${
      insertEvent({
        ...BENCHMARK_EVENT,
        type: "StatusChanged",
        members: { benchmarkId: sql`id`, oldStatus: sql`old_status`, newStatus: sql`status` },
        optional: { changedBy: sql`${p.changedBy}::text`, reason: sql`${p.reason}::text` },
        enabled: p.events,
      })
    }), deprecation as (${
      insertEvent({
        ...BENCHMARK_EVENT,
        type: "Deprecated",
        members: { benchmarkId: sql`id`, reason: sql`coalesce(${p.reason}::text, '')` },
        optional: {
          successorId: sql`${p.successorId}::text`,
          deprecatedBy: sql`${p.changedBy}::text`,
        },
        // It needs the row of the other one, and so comes second.
        from: sql`b, event`,
        where: sql`status = 'deprecated'`,
        enabled: p.events,
      })
    }) select ${BENCHMARK} from b`,
);

/** The parameters of {@linkcode publishVersion}. */
export interface PublishVersionInput extends BenchmarkTarget, VersionParameters, TestCaseColumns {
  /** Of all batches. */
  readonly testCaseCount: number;
  readonly events: boolean;
}

/** Returns the new version, or nothing if the benchmark is missing, archived or has another revision. */
export const publishVersion: Statement<PublishVersionInput, VersionRow> = statement(
  "publish benchmark version",
  VERSION_COLUMNS,
  (_, p: PublishVersionInput) =>
    sql<VersionRow>`
      with b as (
        update benchmarks as b set revision = b.revision + 1, updated_at = now()
        where ${isTarget(p)} and b.status <> 'archived' returning b.id
      ), v as (
        ${insertVersion("b", p)} returning *
      ), test_cases as (
        ${insertTestCases("v", p)}
      ), event as (${
      insertEvent({
        ...BENCHMARK_EVENT,
        id: sql`benchmark_id`,
        type: "Updated",
        members: {
          benchmarkId: sql`benchmark_id`,
          version: sql`version`,
          changelog: sql`changelog`,
          updatedBy: sql`created_by`,
        },
        from: sql`v`,
        enabled: p.events,
      })
    }) select ${versionColumns(sql`${p.testCaseCount}::int4`)} from v`,
);

/** Every statement of this file, for `verify`. */
export const BENCHMARK_STATEMENTS: readonly StatementInfo[] = [
  createBenchmark,
  getBenchmarkById,
  getBenchmarkBySlug,
  findSlug,
  updateBenchmarkStatus,
  publishVersion,
];

/** The benchmark of a row. */
export function toBenchmark(row: BenchmarkRow): Benchmark {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    description: row.description,
    category: row.category as BenchmarkCategory,
    status: row.status as BenchmarkStatus,
    license: row.license ?? undefined,
    citation: row.citation ?? undefined,
    tags: row.tags,
    maintainers: row.maintainers,
    latestVersion: row.latest_version as Benchmark["latestVersion"],
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision: row.revision,
  };
}

/** What a statement about a benchmark called `b` is about. */
export function isTarget(p: BenchmarkTarget): RawBuilder<unknown> {
  return sql`b.id = ${p.id} and coalesce(b.revision = ${p.expectedRevision}::int4, true)`;
}
