import type { CallOptions } from "../../core/call_options.ts";
import { NotFoundError, ValidationError } from "../../core/errors.ts";
import type { Page } from "../../core/page.ts";
import { kindOf } from "../../core/shown_value.ts";
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
import { shareDeadline } from "../deadline.ts";
import {
  type BoardInput,
  countBoard,
  findBestSubmission,
  findVersion,
  MAX_PAGE,
  type ModelInput,
  type PageRow,
  readBoardAfter,
  readBoardTop,
  readRank,
  type StoredEntry,
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

/**
 * Reads boards. What stands on them is decided by the schema, at every commit.
 *
 * ```ts
 * import { CursorCodec, type DatabasePool, LeaderboardReader } from "@benchmark-exchange/infrastructure/database";
 *
 * async function printPlace(pool: DatabasePool, benchmarkId: string): Promise<void> {
 *   const boards = new LeaderboardReader(pool, new CursorCodec(pool));
 *   const audited = { minVerification: "audited", limit: 10, withTotal: true } as const;
 *   const { items, total } = await boards.read({ benchmarkId }, audited);
 *   console.log(`the best ${items.length} of ${total}`);
 *   const model = { provider: "openai", name: "gpt-4" };
 *   const place = await boards.rank({ benchmarkId, version: "1.0.0" }, model);
 *   console.log(place?.rank ?? "does not rank");
 * }
 * ```
 */
export class LeaderboardReader {
  readonly #database: Database;
  readonly #cursors: CursorCodec;

  /** Reads through a pool or a transaction. */
  constructor(database: Database, cursors: CursorCodec) {
    this.#database = database;
    this.#cursors = cursors;
  }

  /** One page of a board, best first. Its statements share one deadline, as those of the other methods do. */
  async read(board: Board, options: BoardPageOptions = {}): Promise<Page<LeaderboardEntry>> {
    const limit = checkInteger("limit", options.limit ?? 100, { min: 1, max: MAX_PAGE });
    const step = shareDeadline(this.#database, options);
    const input = { ...await this.#resolve(board, options, step), limit: limit + 1 };
    const identity = ["leaderboard", input.versionId, input.level];
    const position = options.cursor === undefined
      ? undefined
      : await this.#cursors.decode(identity, options.cursor, step());
    const part = position
      ? await this.#after(input, position, step())
      : await this.#top(input, step());
    const items = rank(part).slice(0, limit);
    const total = options.withTotal
      ? { total: (await this.#database.run(countBoard, input, step()))[0]?.total ?? 0 }
      : {};
    const last = part.entries[limit - 1];
    if (part.entries.length <= limit || !last) return { items, ...total };
    const nextCursor = await this.#cursors.encode(identity, placeOf(last), step());
    return { items, nextCursor, ...total };
  }

  /** The entry of one model, or `undefined` if it does not rank. */
  async rank(
    board: Board,
    model: Model,
    options: BoardOptions = {},
  ): Promise<LeaderboardEntry | undefined> {
    const step = shareDeadline(this.#database, options);
    const input = await this.#resolveModel(board, model, options, step);
    const [row] = await this.#database.run(readRank, input, step());
    return row && toEntry(row.rank, row.entry as StoredEntry);
  }

  /** The id of the submission with which a model ranks, or `undefined`. */
  async bestSubmissionId(
    board: Board,
    model: Model,
    options: BoardOptions = {},
  ): Promise<string | undefined> {
    const step = shareDeadline(this.#database, options);
    const input = await this.#resolveModel(board, model, options, step);
    const [row] = await this.#database.run(findBestSubmission, input, step());
    return row?.submission_id;
  }

  async #top(input: PageInput, options: CallOptions): Promise<BoardPart> {
    const [row] = await this.#database.run(readBoardTop, input, options);
    return { entries: entriesOf(row), above: 0, passed: 0 };
  }

  async #after(input: PageInput, position: Position, options: CallOptions): Promise<BoardPart> {
    const [score, submittedAt, submissionId] = position as ReturnType<typeof placeOf>;
    const place = { ...input, score, submittedAt, submissionId };
    const [row] = await this.#database.run(readBoardAfter, place, options);
    const entries = entriesOf(row);
    const { above = 0, ties = 0 } = row ?? {};
    // The tie at the page boundary shares the rank that it had on the page before.
    const tied = entries[0] !== undefined && scoreOf(entries[0]) === score;
    return { entries, above: tied ? above : above + ties, passed: above + ties };
  }

  async #resolveModel(
    board: Board,
    model: Model,
    options: BoardOptions,
    step: () => CallOptions,
  ): Promise<ModelInput> {
    const { provider, name, version = "" } = parseInput(modelSchema, model, "model");
    return { ...await this.#resolve(board, options, step), provider, name, version };
  }

  async #resolve(
    board: Board,
    options: BoardOptions,
    step: () => CallOptions,
  ): Promise<BoardInput> {
    const level = VERIFICATION_LEVELS.indexOf(options.minVerification ?? "unverified");
    if (level < 0) {
      throw new ValidationError(
        "minVerification",
        `it must be one of ${VERIFICATION_LEVELS.join(", ")}`,
      );
    }
    if (kindOf(board) !== "object") throw new ValidationError("board", "it must be an object");
    if ("versionId" in board && board.versionId !== undefined) {
      return { versionId: checkId("versionId", board.versionId), level };
    }
    if (!("benchmarkId" in board)) {
      throw new ValidationError("board", "it must name a version or a benchmark");
    }
    const benchmarkId = checkId("benchmarkId", board.benchmarkId);
    const version = board.version === undefined
      ? undefined
      : checkVersion("version", board.version);
    const [row] = await this.#database.run(findVersion, { benchmarkId, version }, step());
    if (!row) throw new NotFoundError("benchmark version", { operation: "read leaderboard" });
    return { versionId: row.id, level };
  }
}

interface PageInput extends BoardInput {
  readonly limit: number;
}

/** Consecutive entries of a board. */
interface BoardPart {
  readonly entries: readonly StoredEntry[];
  /** How many entries of the board have a better score than the first one here. */
  readonly above: number;
  /** How many entries of the board come before the first one here. */
  readonly passed: number;
}

function entriesOf(row: PageRow | undefined): readonly StoredEntry[] {
  return (row?.entries ?? []) as readonly StoredEntry[];
}

/** Where an entry stands in the order of its board. */
function placeOf(
  [submissionId, , , , , score, , submittedAt]: StoredEntry,
): [score: number, submittedAt: number, submissionId: string] {
  return [score, submittedAt, submissionId];
}

function scoreOf([, , , , , score]: StoredEntry): number {
  return score;
}

/** Standard competition ranking ("1224"): equal scores share the rank of the first of them. */
function rank({ entries, above, passed }: BoardPart): LeaderboardEntry[] {
  let current = above + 1;
  let previous: number | undefined;
  return entries.map((entry, index) => {
    const score = scoreOf(entry);
    if (index > 0 && score !== previous) current = passed + index + 1;
    previous = score;
    return toEntry(current, entry);
  });
}

function toEntry(
  rank: number,
  [submissionId, provider, name, version, official, score, verification, submittedAt]: StoredEntry,
): LeaderboardEntry {
  return {
    rank,
    submissionId,
    model: { provider, name, version, official },
    score,
    verification: verification as VerificationLevel,
    submittedAt: new Date(submittedAt / 1_000),
  };
}
