import type { CallOptions } from "../../core/call_options.ts";
import { NotFoundError, ValidationError } from "../../core/errors.ts";
import type { Page } from "../../core/page.ts";
import { checkInteger, parseInput } from "../../core/validation.ts";
import { checkId } from "../../domain/ids.ts";
import {
  type LeaderboardEntry,
  type Model,
  modelSchema,
  VERIFICATION_LEVELS,
  type VerificationLevel,
} from "../../domain/submission.ts";
import { checkVersion } from "../../domain/version.ts";
import type { CursorCodec, Position } from "../cursor.ts";
import type { Database } from "../database.ts";
import { parseTimestamp } from "../timestamp.ts";
import {
  type BoardInput,
  countBoard,
  type EntryRow,
  findBestSubmission,
  findVersion,
  type ModelInput,
  readBoardAfter,
  readBoardTop,
  readRank,
} from "./leaderboard_statements.ts";

/**
 * Which board: that of a version by its id, of a version of a benchmark by its number, or, without
 * a number, of the version of the benchmark that is latest by SemVer precedence.
 */
export type Board =
  | { readonly versionId: string }
  | { readonly benchmarkId: string; readonly version?: string | undefined };

/** Which entries of a board count. */
export interface BoardOptions extends CallOptions {
  /** Only submissions verified at least so far. A model stands with its best one among these. Default: `unverified`, all. */
  readonly minVerification?: VerificationLevel | undefined;
}

/** Which part of a board. */
export interface BoardPageOptions extends BoardOptions {
  /** 1 to 1,000 entries. Default: 100. */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
  /** Whether to say how many models the board has. Default: `false`. */
  readonly withTotal?: boolean | undefined;
}

/** Reads boards. What stands on them is decided by the schema, at every commit. */
export class LeaderboardReader {
  readonly #database: Database;
  readonly #cursors: CursorCodec;

  /** Reads through a pool or a transaction. */
  constructor(database: Database, cursors: CursorCodec) {
    this.#database = database;
    this.#cursors = cursors;
  }

  /** One page of a board, best first. */
  async read(board: Board, options: BoardPageOptions = {}): Promise<Page<LeaderboardEntry>> {
    const limit = checkInteger("limit", options.limit ?? 100, { min: 1, max: 1_000 });
    const input = await this.#resolve(board, options);
    const identity = ["leaderboard", input.versionId, input.level];
    const { rows, above, passed } = options.cursor === undefined
      ? await this.#top(input, limit, options)
      : await this.#after(
        input,
        limit,
        await this.#cursors.decode(identity, options.cursor),
        options,
      );
    const items = rank(rows.slice(0, limit), above, passed, options.cursor !== undefined);
    const last = rows[limit - 1];
    const total = options.withTotal
      ? { total: (await this.#database.run(countBoard, input, options))[0]?.total ?? 0 }
      : {};
    return rows.length > limit && last
      ? { items, nextCursor: await this.#cursors.encode(identity, placeOf(last)), ...total }
      : { items, ...total };
  }

  /** The entry of one model, or `undefined` if it does not rank. */
  async rank(
    board: Board,
    model: Model,
    options: BoardOptions = {},
  ): Promise<LeaderboardEntry | undefined> {
    const input = await this.#resolveModel(board, model, options);
    const [row] = await this.#database.run(readRank, input, options);
    return row && { rank: row.rank, ...toEntry(row) };
  }

  /** The id of the submission with which a model ranks, or `undefined`. */
  async bestSubmissionId(
    board: Board,
    model: Model,
    options: BoardOptions = {},
  ): Promise<string | undefined> {
    const input = await this.#resolveModel(board, model, options);
    const [row] = await this.#database.run(findBestSubmission, input, options);
    return row?.submission_id;
  }

  async #top(
    input: BoardInput,
    limit: number,
    options: CallOptions,
  ): Promise<{ rows: EntryRow[]; above: number; passed: number }> {
    const rows = await this.#database.run(readBoardTop, { ...input, limit: limit + 1 }, options);
    return { rows, above: 0, passed: 0 };
  }

  async #after(
    input: BoardInput,
    limit: number,
    position: Position,
    options: CallOptions,
  ): Promise<{ rows: EntryRow[]; above: number; passed: number }> {
    const [score, submittedAt, submissionId] = position as ReturnType<typeof placeOf>;
    const place = { score, submittedAt, submissionId };
    const rows = await this.#database.run(
      readBoardAfter,
      { ...input, ...place, limit: limit + 1 },
      options,
    );
    // The tie at the page boundary shares the rank that it had on the page before.
    const tied = rows[0]?.score === score;
    const { above = 0, passed = 0 } = rows[0] ?? {};
    return { rows, above: tied ? above : passed, passed };
  }

  async #resolveModel(board: Board, model: Model, options: BoardOptions): Promise<ModelInput> {
    const { provider, name, version = "" } = parseInput(modelSchema, model, "model");
    return { ...await this.#resolve(board, options), provider, name, version };
  }

  async #resolve(board: Board, options: BoardOptions): Promise<BoardInput> {
    const level = VERIFICATION_LEVELS.indexOf(options.minVerification ?? "unverified");
    if (level < 0) {
      throw new ValidationError(
        "minVerification",
        `it must be one of ${VERIFICATION_LEVELS.join(", ")}`,
      );
    }
    if ("versionId" in board) return { versionId: checkId("versionId", board.versionId), level };
    const benchmarkId = checkId("benchmarkId", board.benchmarkId);
    const version = board.version === undefined
      ? undefined
      : checkVersion("version", board.version);
    const [row] = await this.#database.run(findVersion, { benchmarkId, version }, options);
    if (!row) throw new NotFoundError("benchmark version", { operation: "read leaderboard" });
    return { versionId: row.id, level };
  }
}

/** Where a row stands in the order of its board. */
function placeOf(row: EntryRow): [score: number, submittedAt: string, submissionId: string] {
  return [row.score, row.submitted_at, row.submission_id];
}

/**
 * Standard competition ranking ("1224"): equal scores share the rank of the first of them. `above` is how
 * many entries have a better score than the first row, `passed` how many come before it.
 */
function rank(
  rows: readonly EntryRow[],
  above: number,
  passed: number,
  continued: boolean,
): LeaderboardEntry[] {
  let current = continued ? above + 1 : 1;
  return rows.map((row, index) => {
    if (index > 0 && row.score !== rows[index - 1]?.score) current = passed + index + 1;
    return { rank: current, ...toEntry(row) };
  });
}

function toEntry(row: EntryRow): Omit<LeaderboardEntry, "rank"> {
  return {
    submissionId: row.submission_id,
    model: {
      provider: row.model_provider,
      name: row.model_name,
      version: row.model_version,
      official: row.model_official,
    },
    score: row.score,
    verification: row.verification as VerificationLevel,
    submittedAt: parseTimestamp(row.submitted_at),
  };
}
