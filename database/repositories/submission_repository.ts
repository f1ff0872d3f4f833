import type { CallOptions } from "../../core/call_options.ts";
import { NotFoundError } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { parseInput } from "../../core/validation.ts";
import { checkId } from "../../domain/ids.ts";
import {
  type CaseResult,
  type LeaderboardEntry,
  type Model,
  modelSchema,
  type NewSubmission,
  newSubmissionSchema,
  type Submission,
  type VerificationChange,
  verificationChangeSchema,
  type Visibility,
  visibilitySchema,
} from "../../domain/submission.ts";
import { CursorCodec } from "../cursor.ts";
import type { Database } from "../database.ts";
import { shareDeadline } from "../deadline.ts";
import { count, readPage } from "../keyset.ts";
import { checkCaseResults } from "./case_results.ts";
import {
  type Board,
  type BoardOptions,
  type BoardPageOptions,
  LeaderboardReader,
} from "./leaderboard.ts";
import { prepareResults, type ResultPart, resultParts } from "./result_parts.ts";
import { resultList } from "./result_list.ts";
import type { RepositoryOptions } from "./repository_options.ts";
import { checkRevision, requireUpdated, type UpdateOptions } from "./revision.ts";
import { toSubmissionInput } from "./submission_input.ts";
import {
  type SubmissionFilter,
  submissionList,
  type SubmissionListOptions,
} from "./submission_list.ts";
import { type SubmissionRow, toCaseResult, toSubmission } from "./submission_rows.ts";
import * as changes from "./submission_change_statements.ts";
import * as statements from "./submission_statements.ts";

/**
 * Submissions, and the leaderboards that they make. On a pool or inside a transaction.
 *
 * ```ts
 * import { type DatabasePool, PostgresSubmissionRepository } from "@benchmark-exchange/infrastructure/database";
 *
 * async function printBoard(pool: DatabasePool, benchmarkId: string): Promise<void> {
 *   const submissions = new PostgresSubmissionRepository(pool);
 *   const board = await submissions.getLeaderboard({ benchmarkId });
 *   for (const { rank, model, score } of board.items) console.log(rank, model.name, score);
 * }
 * ```
 */
export class PostgresSubmissionRepository {
  readonly #database: Database;
  readonly #cursors: CursorCodec;
  readonly #leaderboards: LeaderboardReader;
  readonly #events: boolean;

  /** Works through a pool, or as a part of a transaction. */
  constructor(database: Database, { events = true }: RepositoryOptions = {}) {
    this.#database = database;
    this.#events = events;
    this.#cursors = new CursorCodec(database);
    this.#leaderboards = new LeaderboardReader(database, this.#cursors);
  }

  /**
   * Stores a submission with its metrics and case results, all or nothing, and puts it on the boards.
   * The status of the benchmark does not matter here: who may submit when is for the service to decide.
   *
   * Throws a {@linkcode ValidationError} that names the field, {@linkcode NotFoundError} if the version does not exist,
   * `already_exists` for a taken id, and `constraint_violated` with the field `score` for a score outside the range of the
   * primary metric, or with the field that refers to nothing.
   */
  async create(submission: NewSubmission, options: CallOptions = {}): Promise<Submission> {
    const operation = "create submission";
    const checked = parseInput(newSubmissionSchema, submission, "submission", operation);
    const results = checked.results ?? [];
    checkCaseResults(results);
    const [first, ...rest] = resultParts(results);
    const input = { ...toSubmissionInput(checked, first), events: this.#events };
    const row = await this.#insert(input, results, rest, options);
    if (!row) {
      throw new NotFoundError("benchmark version", {
        operation,
        reason: `no version has the id ${checked.versionId}`,
      });
    }
    return toSubmission({ ...row, metrics: { ...checked.metrics } });
  }

  /** The submission, whoever may see it, or `undefined`. */
  async getById(id: string, options: CallOptions = {}): Promise<Submission | undefined> {
    const [row] = await this.#database.run(
      statements.getSubmission,
      { id: checkId("id", id) },
      options,
    );
    return row && toSubmission(row);
  }

  /** Submissions that match every given filter, newest first unless asked otherwise. */
  async list(options: SubmissionListOptions = {}): Promise<Page<Submission>> {
    const page = await readPage(this.#database, this.#cursors, submissionList(options), options);
    return { ...page, items: page.items.map((row) => toSubmission(row as SubmissionRow)) };
  }

  /** The submissions to any version of a benchmark; the same as {@linkcode list} with that filter. */
  getForBenchmark(
    benchmarkId: string,
    options: SubmissionListOptions = {},
  ): Promise<Page<Submission>> {
    return this.list({ ...options, benchmarkId: checkId("benchmarkId", benchmarkId) });
  }

  /** The submissions of a user; the same as {@linkcode list} with that filter. */
  getByUser(userId: string, options: SubmissionListOptions = {}): Promise<Page<Submission>> {
    return this.list({ ...options, submittedBy: checkId("userId", userId) });
  }

  /** How many submissions match every given filter. */
  count(filter: SubmissionFilter = {}, options: CallOptions = {}): Promise<number> {
    const operation = "count submissions";
    return count(this.#database, submissionList(filter), { ...options, operation });
  }

  /** The case results of a submission, in the order in which they were given. Empty for an unknown submission. */
  async getResults(
    submissionId: string,
    options: PageRequest & CallOptions & { readonly passed?: boolean } = {},
  ): Promise<Page<CaseResult>> {
    const list = resultList(checkId("submissionId", submissionId), options.passed);
    const page = await readPage(this.#database, this.#cursors, list, options);
    return { ...page, items: page.items.map(toCaseResult) };
  }

  /** Whether a model has a submission on a version that is not deleted. */
  async existsForModelVersion(
    versionId: string,
    model: Model,
    options: CallOptions = {},
  ): Promise<boolean> {
    const { provider, name, version = "" } = parseInput(modelSchema, model, "model");
    const input = { versionId: checkId("versionId", versionId), provider, name, version };
    const [row] = await this.#database.run(statements.submissionExists, input, options);
    return row?.found === true;
  }

  /**
   * Says how far a submission is to be trusted; any level may follow any other. Boards follow in the same transaction.
   * Throws {@linkcode NotFoundError}, or `conflict` for an old revision.
   */
  updateVerification(
    id: string,
    change: VerificationChange,
    options: UpdateOptions = {},
  ): Promise<Submission> {
    const { level, verifiedBy, notes } = parseInput(
      verificationChangeSchema,
      change,
      "verification",
    );
    return this.#update(
      id,
      "update verification of submission",
      options,
      (target, call) =>
        this.#database.run(
          changes.updateVerification,
          { ...target, verification: level, verifiedBy, notes, events: this.#events },
          call,
        ),
    );
  }

  /** Says who sees a submission; only public ones rank. Throws {@linkcode NotFoundError}, or `conflict` for an old revision. */
  updateVisibility(
    id: string,
    visibility: Visibility,
    options: UpdateOptions = {},
  ): Promise<Submission> {
    const checked = parseInput(visibilitySchema, visibility, "visibility");
    return this.#update(
      id,
      "update visibility of submission",
      options,
      (target, call) =>
        this.#database.run(
          changes.updateVisibility,
          { ...target, visibility: checked, events: this.#events },
          call,
        ),
    );
  }

  /**
   * Hides a submission from every list and board; its row stays. The model ranks with its next best one.
   * Throws {@linkcode NotFoundError}, or `conflict` for an old revision.
   */
  async delete(id: string, options: UpdateOptions = {}): Promise<void> {
    const target = checkTarget(id, options);
    const step = shareDeadline(this.#database, options);
    const rows = await this.#database.run(
      changes.deleteSubmission,
      { ...target, events: this.#events },
      step(),
    );
    await this.#requireUpdated(rows, target, "delete submission", step);
  }

  /**
   * One page of a board, best first: one entry per model (provider, name and version), its best public submission by the
   * primary metric in its direction. Failed submissions never rank. Equal scores share a rank; inside it the earlier submission comes first.
   */
  getLeaderboard(board: Board, options: BoardPageOptions = {}): Promise<Page<LeaderboardEntry>> {
    return this.#leaderboards.read(board, options);
  }

  /** The entry of one model with its rank, or `undefined` if it does not rank. */
  getRank(
    board: Board,
    model: Model,
    options: BoardOptions = {},
  ): Promise<LeaderboardEntry | undefined> {
    return this.#leaderboards.rank(board, model, options);
  }

  /** The submission with which a model ranks, or `undefined`. */
  async getBestForModel(
    board: Board,
    model: Model,
    options: BoardOptions = {},
  ): Promise<Submission | undefined> {
    const step = shareDeadline(this.#database, options);
    const id = await this.#leaderboards.bestSubmissionId(board, model, { ...options, ...step() });
    return id === undefined ? undefined : await this.getById(id, step());
  }

  async #insert(
    input: statements.SubmissionInput,
    results: readonly CaseResult[],
    rest: readonly ResultPart[],
    options: CallOptions,
  ): Promise<Omit<SubmissionRow, "metrics"> | undefined> {
    const alone = results.length === 0 && input.metricNames === "{}";
    if (alone) return (await this.#database.run(statements.createSubmission, input, options))[0];
    const { createSubmissionWithResults } = statements;
    if (rest.length === 0) {
      return (await this.#database.run(createSubmissionWithResults, input, options))[0];
    }
    return await this.#database.transaction(async (transaction) => {
      const created = transaction.run(createSubmissionWithResults, input);
      let running: Promise<unknown> = created;
      for (const part of rest) {
        const next = prepareResults(transaction, input.id, results, part);
        const [add] = await Promise.all([next, running]);
        if ((await created).length === 0) return undefined;
        running = add();
      }
      await running;
      return (await created)[0];
    }, options);
  }

  async #update(
    id: string,
    operation: string,
    options: UpdateOptions,
    run: (target: Target, call: CallOptions) => Promise<SubmissionRow[]>,
  ): Promise<Submission> {
    const target = checkTarget(id, options);
    const step = shareDeadline(this.#database, options);
    const rows = await run(target, step());
    return toSubmission(await this.#requireUpdated(rows, target, operation, step));
  }

  #requireUpdated<Row>(
    rows: readonly Row[],
    { id, expectedRevision }: Target,
    operation: string,
    step: () => CallOptions,
  ): Promise<Row> {
    return requireUpdated(rows, {
      resource: "submission",
      operation,
      expectedRevision,
      currentRevision: async () => {
        const found = await this.#database.run(statements.getSubmissionRevision, { id }, step());
        return found[0]?.revision;
      },
    });
  }
}

interface Target {
  readonly id: string;
  readonly expectedRevision: number | undefined;
}

function checkTarget(id: string, options: UpdateOptions): Target {
  return { id: checkId("id", id), expectedRevision: checkRevision(options) ?? undefined };
}
