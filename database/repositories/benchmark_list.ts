import { type RawBuilder, type SelectQueryBuilder, sql } from "kysely";
import { z } from "zod";
import type { CallOptions } from "../../core/call_options.ts";
import type { PageRequest } from "../../core/page.ts";
import { parseInput } from "../../core/validation.ts";
import { type BenchmarkFilter, benchmarkFilterSchema } from "../../domain/benchmark.ts";
import { searchField } from "../../domain/fields.ts";
import { arrayLiteral } from "../array_literal.ts";
import type { KeysetList, SortKey } from "../keyset.ts";
import { queryBuilder } from "../query_builder.ts";
import type { StatementInfo } from "../statement.ts";
import { BENCHMARK, BENCHMARK_COLUMNS, type BenchmarkRow } from "./benchmark_statements.ts";
import { parseFilter } from "./list_filter.ts";
import { listStatements } from "./list_statement.ts";

/** How a list of benchmarks is sorted. Benchmarks with the same value follow in the order of their ids. */
export interface BenchmarkSort {
  /** Default: `createdAt`. Names sort as the collation of the database says. */
  readonly sortBy?: "createdAt" | "updatedAt" | "name" | undefined;
  /** Whether the greatest comes first. Default: `true` for times, `false` for names. */
  readonly descending?: boolean | undefined;
}

/** Which benchmarks to search, and which page of what is found. */
export interface BenchmarkSearchOptions
  extends Omit<BenchmarkFilter, "text">, PageRequest, CallOptions {}

/** Which benchmarks to list, in which order, and which page of them. */
export interface BenchmarkListOptions
  extends BenchmarkFilter, BenchmarkSort, PageRequest, CallOptions {}

/** The table of a list of benchmarks. */
export interface BenchmarkTables {
  /** Every benchmark. */
  b: BenchmarkRow & { rank: number };
}

/** A list of benchmarks. */
export type BenchmarkList = KeysetList<BenchmarkTables, "b", BenchmarkRow>;

const SORT_KEYS = {
  createdAt: { column: "b.created_at", type: "timestamptz" },
  updatedAt: { column: "b.updated_at", type: "timestamptz" },
  name: { column: "b.name", type: "text" },
  rank: { column: "b.rank", type: "float8" },
  id: { column: "b.id", type: "uuid" },
} as const satisfies Record<string, SortKey>;

const sortSchema: z.ZodType<BenchmarkSort> = z.object({
  sortBy: z.enum(["createdAt", "updatedAt", "name"]).optional(),
  descending: z.boolean().optional(),
});

const COLUMN_NAMES = Object.keys(BENCHMARK_COLUMNS) as (keyof BenchmarkRow)[];

/** The benchmarks that match. Throws a {@linkcode ValidationError} for a bad filter or sort. */
export function benchmarkList(options: BenchmarkListOptions): BenchmarkList {
  const operation = "list benchmarks";
  const { sortBy: _1, descending: _2, ...rest } = options;
  const filter = parseFilter(benchmarkFilterSchema, rest, operation);
  const sort = parseInput(sortSchema, options, "", operation);
  const { sortBy = "createdAt", descending = sortBy !== "name" } = sort;
  return {
    operation,
    columns: BENCHMARK_COLUMNS,
    identity: ["benchmarks", filter, sortBy, descending],
    query: matching(filter, sql`0`),
    sort: [SORT_KEYS[sortBy], SORT_KEYS.id],
    descending,
  };
}

/** The benchmarks that match, best first. Throws a {@linkcode ValidationError} for a bad text or filter. */
export function benchmarkSearch(text: string, options: BenchmarkSearchOptions = {}): BenchmarkList {
  const operation = "search benchmarks";
  parseInput(searchField, text, "text", operation);
  const filter = parseFilter(benchmarkFilterSchema, { ...options, text }, operation);
  return {
    operation,
    columns: BENCHMARK_COLUMNS,
    identity: ["benchmark search", filter],
    query: matching(filter, sql`ts_rank(b.search_document, ${words(text)})`),
    sort: [SORT_KEYS.rank, SORT_KEYS.id],
    descending: true,
  };
}

const EVERY_FILTER: Required<BenchmarkFilter> = {
  category: "accuracy",
  status: "active",
  author: "00000000-0000-0000-0000-000000000000",
  maintainer: "00000000-0000-0000-0000-000000000000",
  tags: ["a"],
  text: "a",
};

/** Every statement of this file, for `verify`. */
export const BENCHMARK_LIST_STATEMENTS: readonly StatementInfo[] = [
  ...(["createdAt", "updatedAt", "name"] as const).flatMap((sortBy) =>
    listStatements(() => benchmarkList({ ...EVERY_FILTER, sortBy }))
  ),
  ...listStatements(() => benchmarkSearch("a", EVERY_FILTER)),
];

function matching(
  filter: BenchmarkFilter,
  rank: RawBuilder<unknown>,
): SelectQueryBuilder<BenchmarkTables, "b", BenchmarkRow> {
  const benchmarks = sql<BenchmarkTables["b"]>`(
    select ${BENCHMARK}, b.search_document, (${rank})::float8 as rank from benchmarks b
  )`;
  return queryBuilder.selectFrom(benchmarks.as("b")).select(COLUMN_NAMES)
    .where(sql<boolean>`${sql.join(conditions(filter), sql` and `)}`);
}

function conditions(
  { category, status, author, maintainer, tags = [], text }: BenchmarkFilter,
): RawBuilder<unknown>[] {
  const found = [status === undefined ? sql`b.status <> 'archived'` : sql`b.status = ${status}`];
  if (category !== undefined) found.push(sql`b.category = ${category}`);
  if (author !== undefined) found.push(sql`b.created_by = ${author}`);
  if (maintainer !== undefined) {
    found.push(sql`exists (
      select from benchmark_maintainers m where m.benchmark_id = b.id and m.user_id = ${maintainer}
    )`);
  }
  if (tags.length > 0) found.push(sql`b.tags @> ${arrayLiteral(tags)}::text::text[]`);
  if (text !== undefined) found.push(sql`b.search_document @@ ${words(text)}`);
  return found;
}

/** Takes any text without an error: what is not a word or an operator is left out. */
function words(text: string): RawBuilder<unknown> {
  return sql`websearch_to_tsquery('pg_catalog.english', ${text}::text)`;
}
