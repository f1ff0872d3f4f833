import { type RawBuilder, sql } from "kysely";
import { type RowOf, type Statement, statement, type StatementInfo } from "../statement.ts";

/** A line of a board, without its rank: what `leaderboard_entry` in the schema makes. */
export type StoredEntry = readonly [
  submissionId: string,
  provider: string,
  name: string,
  version: string,
  official: boolean,
  score: number,
  verification: string,
  submittedAtMicroseconds: number,
];

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
  /** Microseconds since 1970. */
  readonly submittedAt: number;
  readonly submissionId: string;
}

/** The most entries that a page has. */
export const MAX_PAGE = 1_000;

/** A model on a board. */
export interface ModelInput extends BoardInput {
  /** The three that identify a model. */
  readonly provider: string;
  readonly name: string;
  readonly version: string;
}

const PAGE_COLUMNS = { entries: "json" } as const;

/** A page of a board: its lines as one value, which is decoded at once. */
export type PageRow = RowOf<typeof PAGE_COLUMNS>;

/** The first lines of a board. */
export const readBoardTop: Statement<BoardInput & { limit: number }, PageRow> = statement(
  "read leaderboard",
  PAGE_COLUMNS,
  (_, p: BoardInput & { limit: number }) => {
    const lines = sql`leaderboard_entries e where ${isOnBoard("e", p)}`;
    return sql<PageRow>`select ${page(lines, p.limit)} as entries`;
  },
);

const AFTER_COLUMNS = { ...PAGE_COLUMNS, above: "int8", ties: "int8" } as const;

/** A later page; how many entries are above the score of its cursor, and how many have it, up to the cursor. */
export type AfterRow = RowOf<typeof AFTER_COLUMNS>;

/** The lines after a place, and how many entries come before them. */
export const readBoardAfter: Statement<PlaceInput, AfterRow> = statement(
  "read leaderboard page",
  AFTER_COLUMNS,
  // Each place is a subquery of its own: joined, it would not bound the scan of an index.
  (_, p: PlaceInput) => {
    const score = sql`(select bucket, sort_score from place)`;
    const time = sql`(select submitted_at, submission_id from place)`;
    const lines = sql`leaderboard_entries e where ${isOnBoard("e", p)}
      and (e.bucket, e.sort_score) <= ${score}
      and ((e.bucket, e.sort_score) < ${score} or (e.submitted_at, e.submission_id) > ${time})`;
    const above = entriesAbove(
      p,
      sql`(select bucket from place)`,
      sql`(select sort_score from place)`,
    );
    return sql<AfterRow>`with place as (${place(p)})
    select ${page(lines, p.limit)} as entries, ${above} as above, (
      select count(*) from leaderboard_entries e where ${isOnBoard("e", p)}
        and (e.bucket, e.sort_score) = ${score}
        and (e.submitted_at, e.submission_id) <= ${time}
    ) as ties`;
  },
);

const RANK_COLUMNS = { entry: "json", rank: "int8" } as const;

/** A line of a board with its rank. */
export type RankRow = RowOf<typeof RANK_COLUMNS>;

/** The line of one model. */
export const readRank: Statement<ModelInput, RankRow> = statement(
  "read rank",
  RANK_COLUMNS,
  (_, p: ModelInput) =>
    sql<RankRow>`select e.entry, 1 + ${entriesAbove(p, sql`e.bucket`, sql`e.sort_score`)} as rank
    from leaderboard_entries e where ${isModel(p)}`,
);

const TOTAL_COLUMNS = { total: "int8" } as const;

/** How many models a board has. */
export const countBoard: Statement<BoardInput, RowOf<typeof TOTAL_COLUMNS>> = statement(
  "count leaderboard",
  TOTAL_COLUMNS,
  (_, p: BoardInput) =>
    sql<{ total: number }>`select coalesce(sum(b.models), 0)::bigint as total
    from leaderboard_buckets b where ${isOnBoard("b", p)}`,
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

/**
 * Up to `limit` of the lines, best first, as one JSON array. The inner limit, the most that a page can have,
 * tells the planner that few are read whatever `limit` will be: it plans once, not at every call.
 */
function page(lines: RawBuilder<unknown>, limit: number): RawBuilder<unknown> {
  return sql`(
    select coalesce(json_agg(line.entry), '[]') from (
      select best.entry from (
        select e.entry from ${lines}
        order by e.bucket desc, e.sort_score desc, e.submitted_at, e.submission_id
        limit ${sql.lit(MAX_PAGE + 1)}
      ) as best limit ${limit}::integer
    ) as line
  )`;
}

/** The place of a cursor, as the index has it. */
function place(p: PlaceInput): RawBuilder<unknown> {
  return sql`select leaderboard_bucket(s.sort_score) as bucket, s.sort_score,
      timestamptz 'epoch' + ${p.submittedAt}::bigint * interval '1 microsecond' as submitted_at,
      ${p.submissionId}::text::uuid as submission_id
    from (
      select case when v.higher_is_better then ${p.score}::float8 else -${p.score}::float8 end
        + 0.0 as sort_score
      from benchmark_versions v where v.id = ${p.versionId}::uuid
    ) as s`;
}

/** The whole buckets above, from their counts, and the part of one bucket, from its entries. */
function entriesAbove(
  p: BoardInput,
  bucket: RawBuilder<unknown>,
  sortScore: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return sql`(coalesce((
    select sum(b.models) from leaderboard_buckets b
    where ${isOnBoard("b", p)} and b.bucket > ${bucket}
  ), 0) + (
    select count(*) from leaderboard_entries o
    where ${isOnBoard("o", p)} and o.bucket = ${bucket} and o.sort_score > ${sortScore}
  ))::bigint`;
}

function isOnBoard(table: string, p: BoardInput): RawBuilder<unknown> {
  return sql`${sql.ref(`${table}.version_id`)} = ${p.versionId}::uuid
    and ${sql.ref(`${table}.level`)} = ${p.level}::smallint`;
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
