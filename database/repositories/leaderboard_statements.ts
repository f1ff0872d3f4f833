import { type RawBuilder, sql } from "kysely";
import { type RowOf, type Statement, statement, type StatementInfo } from "../statement.ts";

/** The columns of a line of a board. */
export const ENTRY_COLUMNS = {
  submission_id: "uuid",
  model_provider: "text",
  model_name: "text",
  model_version: "text",
  model_official: "bool",
  score: "float8",
  verification: "text",
  // As text it has all its digits, which a cursor needs.
  submitted_at: "text",
} as const;

/** A line of a board, without its rank. */
export type EntryRow = RowOf<typeof ENTRY_COLUMNS>;

/** One board: a version, and the least level of verification. */
export interface BoardInput {
  /** The version of the benchmark. */
  readonly versionId: string;
  /** 0 to 3, as `verification_level` in the schema counts. */
  readonly level: number;
}

/** A place on a board, in its order. */
interface PlaceInput extends BoardInput {
  readonly limit: number;
  readonly score: number;
  readonly submittedAt: string;
  readonly submissionId: string;
}

/** A model on a board. */
export interface ModelInput extends BoardInput {
  /** The three that identify a model. */
  readonly provider: string;
  readonly name: string;
  readonly version: string;
}

const columns = sql.join(
  Object.keys(ENTRY_COLUMNS).map((column) =>
    column === "submitted_at" ? sql`e.submitted_at::text as submitted_at` : sql.ref(`e.${column}`)
  ),
);

const ORDER = sql`order by e.bucket desc, e.sort_score desc, e.submitted_at, e.submission_id`;

/** The first lines of a board. */
export const readBoardTop: Statement<BoardInput & { limit: number }, EntryRow> = statement(
  "read leaderboard",
  ENTRY_COLUMNS,
  (_, p: BoardInput & { limit: number }) =>
    sql<EntryRow>`select ${columns} from leaderboard_entries e
    where e.version_id = ${p.versionId}::uuid and e.level = ${p.level}::smallint
    ${ORDER} limit ${p.limit}::integer`,
);

const AFTER_COLUMNS = { ...ENTRY_COLUMNS, above: "int8", passed: "int8" } as const;

/** A line of a later page, with the entries above the score of the cursor and up to its place. */
export type AfterRow = RowOf<typeof AFTER_COLUMNS>;

/** The lines after a place, and how many entries come before them. */
export const readBoardAfter: Statement<PlaceInput, AfterRow> = statement(
  "read leaderboard page",
  AFTER_COLUMNS,
  (_, p: PlaceInput) =>
    sql<AfterRow>`with place as (
      select leaderboard_bucket(s.sort_score) as bucket, s.sort_score,
        ${p.submittedAt}::text::timestamptz as submitted_at, ${p.submissionId}::text::uuid as id
      from (
        select case when v.higher_is_better then ${p.score}::float8 else -${p.score}::float8 end
          + 0.0 as sort_score
        from benchmark_versions v where v.id = ${p.versionId}::uuid
      ) as s
    ), above as (
      select ${entriesAbove(p, sql`place.bucket`, sql`place.sort_score`)} as entries from place
    ), ties as (
      select count(*) as entries from leaderboard_entries e, place
      where e.version_id = ${p.versionId}::uuid and e.level = ${p.level}::smallint
        and e.bucket = place.bucket and e.sort_score = place.sort_score
        and (e.submitted_at, e.submission_id) <= (place.submitted_at, place.id)
    )
    select ${columns}, above.entries as above,
      above.entries + ties.entries as passed
    from leaderboard_entries e, place, above, ties
    where e.version_id = ${p.versionId}::uuid and e.level = ${p.level}::smallint
      and (e.bucket, e.sort_score) <= (place.bucket, place.sort_score)
      and ((e.bucket, e.sort_score) < (place.bucket, place.sort_score)
        or (e.submitted_at, e.submission_id) > (place.submitted_at, place.id))
    ${ORDER} limit ${p.limit}::integer`,
);

const RANK_COLUMNS = { ...ENTRY_COLUMNS, rank: "int8" } as const;

/** A line of a board with its rank. */
export type RankRow = RowOf<typeof RANK_COLUMNS>;

/** The line of one model. */
export const readRank: Statement<ModelInput, RankRow> = statement(
  "read rank",
  RANK_COLUMNS,
  (_, p: ModelInput) =>
    sql<RankRow>`select ${columns},
      1 + ${entriesAbove(p, sql`e.bucket`, sql`e.sort_score`)} as rank
    from leaderboard_entries e where ${isModel(p)}`,
);

const TOTAL_COLUMNS = { total: "int8" } as const;

/** How many models a board has. */
export const countBoard: Statement<BoardInput, RowOf<typeof TOTAL_COLUMNS>> = statement(
  "count leaderboard",
  TOTAL_COLUMNS,
  (_, p: BoardInput) =>
    sql<{ total: number }>`select coalesce(sum(b.models), 0)::bigint as total
    from leaderboard_buckets b
    where b.version_id = ${p.versionId}::uuid and b.level = ${p.level}::smallint`,
);

/** The submission with which a model stands on a board. */
export const findBestSubmission: Statement<ModelInput, { submission_id: string }> = statement(
  "find best submission of model",
  { submission_id: "uuid" },
  (_, p: ModelInput) =>
    sql<{ submission_id: string }>`select e.submission_id from leaderboard_entries e
    where ${isModel(p)}`,
);

const VERSION_COLUMNS = { id: "uuid" } as const;

/** A version of a benchmark by its number, or the latest. */
export const findVersion: Statement<
  { benchmarkId: string; version: string | undefined },
  RowOf<typeof VERSION_COLUMNS>
> = statement(
  "find version of benchmark",
  VERSION_COLUMNS,
  (_, p: { benchmarkId: string; version: string | undefined }) =>
    sql<{ id: string }>`select v.id from benchmark_versions v
    where v.benchmark_id = ${p.benchmarkId}::uuid
      and v.version = coalesce(${p.version}::text, v.version)
    order by v.precedence desc limit 1`,
);

/** The whole buckets above, from their counts, and the part of one bucket, from its entries. */
function entriesAbove(
  p: BoardInput,
  bucket: RawBuilder<unknown>,
  sortScore: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return sql`(coalesce((
    select sum(b.models) from leaderboard_buckets b
    where b.version_id = ${p.versionId}::uuid and b.level = ${p.level}::smallint
      and b.bucket > ${bucket}
  ), 0) + (
    select count(*) from leaderboard_entries o
    where o.version_id = ${p.versionId}::uuid and o.level = ${p.level}::smallint
      and o.bucket = ${bucket} and o.sort_score > ${sortScore}
  ))::bigint`;
}

/** "is not distinct from" leaves the planner only the index by model, whatever its statistics say. */
function isModel(p: ModelInput): RawBuilder<unknown> {
  return sql`e.model_key = model_key(${p.provider}, ${p.name}, ${p.version})
    and (e.version_id, e.level) is not distinct from (${p.versionId}::uuid, ${p.level}::smallint)`;
}

/** For `verify`. */
export const LEADERBOARD_STATEMENTS: readonly StatementInfo[] = [
  readBoardTop,
  readBoardAfter,
  readRank,
  countBoard,
  findBestSubmission,
  findVersion,
];
