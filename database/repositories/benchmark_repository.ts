import type { CallOptions } from "../../core/call_options.ts";
import { DatabaseError } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { parseInput } from "../../core/validation.ts";
import {
  type Benchmark,
  BENCHMARK_STATUSES,
  type BenchmarkCategory,
  benchmarkCategorySchema,
  type BenchmarkChanges,
  benchmarkChangesSchema,
  type BenchmarkFilter,
  type BenchmarkStatus,
  benchmarkStatusSchema,
  type BenchmarkVersion,
  type NewBenchmark,
  newBenchmarkSchema,
  STATUS_TRANSITIONS,
  type StatusReason,
  type TestCase,
  type VersionPublication,
  versionPublicationSchema,
} from "../../domain/benchmark.ts";
import { slugField } from "../../domain/fields.ts";
import { checkId } from "../../domain/ids.ts";
import { checkVersion, versionPrecedence } from "../../domain/version.ts";
import { arrayLiteral } from "../array_literal.ts";
import { CursorCodec } from "../cursor.ts";
import type { Database } from "../database.ts";
import { shareDeadline } from "../deadline.ts";
import { count, type KeysetList, readPage } from "../keyset.ts";
import { changeBenchmark, checkReason } from "./benchmark_changes.ts";
import {
  benchmarkList,
  type BenchmarkListOptions,
  benchmarkSearch,
  type BenchmarkSearchOptions,
} from "./benchmark_list.ts";
import * as statements from "./benchmark_statements.ts";
import * as versions from "./benchmark_version_statements.ts";
import type { RepositoryOptions } from "./repository_options.ts";
import { checkRevision, requireUpdated, type UpdateOptions } from "./revision.ts";
import { encodeTestCases, insertInBatches, testCaseList, toTestCase } from "./test_cases.ts";

/**
 * Benchmarks with their versions and test cases, in PostgreSQL.
 *
 * Ids, slugs and versions that cannot be one are refused with a {@linkcode ValidationError}, also
 * where only reading. Archived benchmarks are still read by id and slug, but no list has them unless its
 * filter asks for that status.
 *
 * ```ts
 * import { createPool, migrate, PostgresBenchmarkRepository } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * const benchmarks = new PostgresBenchmarkRepository(pool);
 * const { items, nextCursor } = await benchmarks.list({ category: "accuracy", limit: 20 });
 * console.log(items.map(({ slug }) => slug), nextCursor);
 * await pool.close();
 * ```
 */
export class PostgresBenchmarkRepository {
  readonly #database: Database;
  readonly #cursors: CursorCodec;
  readonly #events: boolean;

  /** Works on a pool, or inside a transaction. */
  constructor(database: Database, { events = true }: RepositoryOptions = {}) {
    this.#database = database;
    this.#events = events;
    this.#cursors = new CursorCodec(database);
  }

  /**
   * Creates a draft with its first version and all test cases, or nothing at all, and returns it.
   *
   * Up to 10,000 test cases go in one statement, more in one transaction. The input and the expected
   * output of a test case have at most 1,000,000 characters of JSON each.
   *
   * Throws a {@linkcode ValidationError} that names the field, such as
   * `benchmark.version.testCases[7].name`; `already_exists` with field `slug` or `id`, also if an
   * archived benchmark has it; `constraint_violated` if the creator or a maintainer does not exist.
   */
  async create(benchmark: NewBenchmark, options: CallOptions = {}): Promise<Benchmark> {
    const operation = "create benchmark";
    const input = parseInput(newBenchmarkSchema, benchmark, "benchmark", operation);
    const cases = encodeTestCases("benchmark.version.testCases", input.version, operation);
    const parameters = statements.toBenchmarkParameters("benchmark", input, this.#events);
    const [row] = await insertInBatches(
      this.#database,
      statements.createBenchmark,
      parameters,
      cases,
      options,
    );
    return statements.toBenchmark(row!);
  }

  /**
   * Publishes a version of a benchmark with all its test cases, or nothing at all, and returns it.
   * It becomes the latest version if no other has a higher precedence by SemVer 2.0.0, whenever
   * that was published. The benchmark gets a new revision.
   *
   * Throws `already_exists` with field `version` if the benchmark has a version of the same
   * precedence (build metadata does not count), also if that is published at the same time;
   * `conflict` if the benchmark is archived or has another revision than expected; a
   * {@linkcode NotFoundError} if it does not exist; and as {@linkcode PostgresBenchmarkRepository.create} does.
   */
  async publishVersion(
    benchmarkId: string,
    version: VersionPublication,
    options: UpdateOptions = {},
  ): Promise<BenchmarkVersion> {
    const operation = "publish benchmark version";
    const input = parseInput(versionPublicationSchema, version, "version", operation);
    const cases = encodeTestCases("version.testCases", input, operation);
    const parameters = {
      ...versions.toVersionParameters("version", input),
      id: checkId("benchmarkId", benchmarkId),
      expectedRevision: checkRevision(options),
      createdBy: input.createdBy,
      testCaseCount: cases.length,
      events: this.#events,
    };
    const step = shareDeadline(this.#database, options);
    const { publishVersion } = statements;
    const rows = await insertInBatches(this.#database, publishVersion, parameters, cases, options);
    const row = await this.#requireRow(
      rows,
      operation,
      parameters.id,
      { ...options, ...step() },
      ({ status }) => status === "archived" ? "it is archived" : undefined,
    );
    return versions.toVersion(row);
  }

  /**
   * Changes what describes a benchmark, and returns it. What its versions hold never changes: see
   * {@linkcode PostgresBenchmarkRepository.publishVersion}.
   *
   * Throws a {@linkcode NotFoundError} if it does not exist, `conflict` if it has another revision
   * than expected, and `constraint_violated` if a maintainer does not exist.
   */
  async update(
    id: string,
    changes: BenchmarkChanges,
    options: UpdateOptions = {},
  ): Promise<Benchmark> {
    const operation = "update benchmark";
    const parsed = parseInput(benchmarkChangesSchema, changes, "changes", operation);
    const target = { id: checkId("id", id), expectedRevision: checkRevision(options) };
    const step = shareDeadline(this.#database, options);
    const rows = await changeBenchmark(this.#database, target, parsed, this.#events, step());
    const left = { ...options, ...step() };
    return statements.toBenchmark(await this.#requireRow(rows, operation, target.id, left));
  }

  /**
   * Moves a benchmark to another status, as {@linkcode STATUS_TRANSITIONS} allows, and returns it. Of
   * two callers who do so at the same time, the second one starts from the status that the first one set.
   * Its events say what `options` do about who and why.
   *
   * Throws a {@linkcode NotFoundError} if it does not exist, and `conflict` if its status does not
   * allow that (the text says both) or it has another revision than expected.
   */
  async updateStatus(
    id: string,
    status: BenchmarkStatus,
    options: UpdateOptions & StatusReason = {},
  ): Promise<Benchmark> {
    const operation = "update benchmark status";
    const next = parseInput(benchmarkStatusSchema, status, "status", operation);
    const why = checkReason(options);
    const before = BENCHMARK_STATUSES.filter((one) => STATUS_TRANSITIONS[one].includes(next));
    const step = shareDeadline(this.#database, options);
    const rows = await this.#setStatus(id, next, before, { ...options, ...step() }, why);
    const refusal = ({ status: current }: Benchmark): string | undefined =>
      before.includes(current) ? undefined : `${current} cannot become ${next}`;
    const left = { ...options, ...step() };
    return statements.toBenchmark(await this.#requireRow(rows, operation, id, left, refusal));
  }

  /**
   * Archives a benchmark, whatever its status. Its slug stays taken, and what was submitted stays.
   * Archiving it again changes nothing.
   *
   * Throws a {@linkcode NotFoundError} if it does not exist, and `conflict` if it has another
   * revision than expected.
   */
  async delete(id: string, options: UpdateOptions = {}): Promise<void> {
    const live = BENCHMARK_STATUSES.filter((status) => status !== "archived");
    const step = shareDeadline(this.#database, options);
    const rows = await this.#setStatus(id, "archived", live, { ...options, ...step() });
    if (rows.length > 0) return;
    const current = await this.getById(id, step());
    const { expectedRevision = current?.revision } = options;
    if (current?.status === "archived" && current.revision === expectedRevision) return;
    await this.#requireRow(rows, "delete benchmark", id, { ...options, ...step() });
  }

  /** Returns the benchmark, or `undefined` if it does not exist. */
  async getById(id: string, options: CallOptions = {}): Promise<Benchmark | undefined> {
    const parameters = { id: checkId("id", id) };
    const [row] = await this.#database.run(statements.getBenchmarkById, parameters, options);
    return row && statements.toBenchmark(row);
  }

  /** Returns the benchmark, or `undefined` if it does not exist. */
  async getBySlug(slug: string, options: CallOptions = {}): Promise<Benchmark | undefined> {
    const parameters = { slug: parseInput(slugField, slug, "slug") };
    const [row] = await this.#database.run(statements.getBenchmarkBySlug, parameters, options);
    return row && statements.toBenchmark(row);
  }

  /** Whether a benchmark has the slug, also an archived one. It can be taken before you use it. */
  async slugExists(slug: string, options: CallOptions = {}): Promise<boolean> {
    const parameters = { slug: parseInput(slugField, slug, "slug") };
    return (await this.#database.run(statements.findSlug, parameters, options)).length > 0;
  }

  /**
   * Returns a version of a benchmark, by default the latest one, or `undefined` if one of them does
   * not exist. Build metadata is part of the version here: `1.0.0` does not find `1.0.0+linux`.
   */
  async getVersion(
    benchmarkId: string,
    version = "latest",
    options: CallOptions = {},
  ): Promise<BenchmarkVersion | undefined> {
    const id = checkId("benchmarkId", benchmarkId);
    const [row] = version === "latest"
      ? await this.#database.run(versions.getLatestVersion, { benchmarkId: id }, options)
      : await this.#database.run(versions.getVersion, {
        benchmarkId: id,
        version: checkVersion("version", version),
        precedence: versionPrecedence(version),
      }, options);
    return row && versions.toVersion(row);
  }

  /** Returns the version, or `undefined` if it does not exist. */
  async getVersionById(
    versionId: string,
    options: CallOptions = {},
  ): Promise<BenchmarkVersion | undefined> {
    const parameters = { id: checkId("versionId", versionId) };
    const [row] = await this.#database.run(versions.getVersionById, parameters, options);
    return row && versions.toVersion(row);
  }

  /** Pages the versions of a benchmark, highest precedence first; none if it does not exist. */
  async getVersionHistory(
    benchmarkId: string,
    options: PageRequest & CallOptions = {},
  ): Promise<Page<BenchmarkVersion>> {
    const list = versions.versionList(checkId("benchmarkId", benchmarkId));
    return await this.#page(list, versions.toVersion, options);
  }

  /** Pages the test cases of a version, in the order they were given; none if it does not exist. */
  async getTestCases(
    versionId: string,
    options: PageRequest & CallOptions = {},
  ): Promise<Page<TestCase>> {
    return await this.#page(testCaseList(checkId("versionId", versionId)), toTestCase, options);
  }

  /**
   * Pages the benchmarks that match every given filter, newest first unless sorted otherwise. One
   * whose sort value changes meanwhile can appear twice or not at all.
   */
  async list(options: BenchmarkListOptions = {}): Promise<Page<Benchmark>> {
    return await this.#page(benchmarkList(options), statements.toBenchmark, options);
  }

  /**
   * Pages the benchmarks with these words, as {@linkcode BenchmarkFilter.text} says, and every given
   * filter, best first: a word in the name counts more than one in a tag, and that more than one in
   * the description. Ranking reads every match, so a search is for people and not for export.
   */
  async search(text: string, options: BenchmarkSearchOptions = {}): Promise<Page<Benchmark>> {
    return await this.#page(benchmarkSearch(text, options), statements.toBenchmark, options);
  }

  /** The same as {@linkcode PostgresBenchmarkRepository.list} with a category. */
  async getByCategory(
    category: BenchmarkCategory,
    options: BenchmarkListOptions = {},
  ): Promise<Page<Benchmark>> {
    const checked = parseInput(benchmarkCategorySchema, category, "filter.category");
    return await this.list({ ...options, category: checked });
  }

  /** The same as {@linkcode PostgresBenchmarkRepository.list} with a tag, besides those of the options. */
  async getByTag(tag: string, options: BenchmarkListOptions = {}): Promise<Page<Benchmark>> {
    return await this.list({ ...options, tags: [...options.tags ?? [], tag] });
  }

  /** Counts the benchmarks that match every given filter. */
  async count(filter: BenchmarkFilter = {}, options: CallOptions = {}): Promise<number> {
    const operation = "count benchmarks";
    return await count(this.#database, benchmarkList(filter), { ...options, operation });
  }

  async #page<DB, TB extends keyof DB, Row, Item>(
    list: KeysetList<DB, TB, Row>,
    toItem: (row: Row) => Item,
    options: PageRequest & CallOptions,
  ): Promise<Page<Item>> {
    const page = await readPage(this.#database, this.#cursors, list, options);
    return { ...page, items: page.items.map(toItem) };
  }

  #setStatus(
    id: string,
    status: BenchmarkStatus,
    before: readonly BenchmarkStatus[],
    options: UpdateOptions,
    why = checkReason({}),
  ): Promise<statements.BenchmarkRow[]> {
    const parameters = {
      ...why,
      id: checkId("id", id),
      status,
      from: arrayLiteral(before),
      expectedRevision: checkRevision(options),
      events: this.#events,
    };
    return this.#database.run(statements.updateBenchmarkStatus, parameters, options);
  }

  /** Returns the row of an update, or throws why there is none. */
  async #requireRow<Row>(
    rows: readonly Row[],
    operation: string,
    id: string,
    options: UpdateOptions,
    refusal: (current: Benchmark) => string | undefined = () => undefined,
  ): Promise<Row> {
    return await requireUpdated(rows, {
      resource: "benchmark",
      operation,
      expectedRevision: options.expectedRevision,
      currentRevision: async () => {
        const current = await this.getById(id, options);
        const { expectedRevision = current?.revision } = options;
        if (!current || current.revision !== expectedRevision) return current?.revision;
        const reason = refusal(current) ?? "it changed meanwhile";
        throw new DatabaseError(`Cannot ${operation}: ${reason}`, { code: "conflict", operation });
      },
    });
  }
}
