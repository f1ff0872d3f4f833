import type { DatabasePool } from "../../../database/database_pool.ts";
import { PostgresSubmissionRepository } from "../../../database/repositories/submission_repository.ts";
import { newId } from "../../../domain/ids.ts";
import type { NewSubmission, Submission } from "../../../domain/submission.ts";
import { versionPrecedence } from "../../../domain/version.ts";
import type { DatabaseHarness } from "../database_harness.ts";
import type { TestFn } from "../test_fn.ts";

/** A user and a benchmark with one version, for one test. */
export interface SubmissionFixture {
  readonly pool: DatabasePool;
  readonly repository: PostgresSubmissionRepository;
  readonly userId: string;
  readonly benchmarkId: string;
  readonly versionId: string;
  /** Publishes another version of the benchmark. */
  addVersion(version: string, metric?: VersionMetric): Promise<string>;
  /** Submits a score of a model, to the first version unless told otherwise. */
  submit(model: string, score: number, rest?: Partial<NewSubmission>): Promise<Submission>;
}

/** The part of a primary metric that ranks. */
export interface VersionMetric {
  readonly higherIsBetter: boolean;
  readonly range?: { readonly min?: number; readonly max?: number };
}

/** Registers a test that gets a fixture of its own in a database that all tests share. */
export type SubmissionTest = (
  name: string,
  fn: (fixture: SubmissionFixture) => Promise<void>,
) => void;

/** Makes the function that registers tests, and the one that registers the end of the suite. */
export function submissionTests(
  test: TestFn,
  harness: DatabaseHarness,
): { readonly submissionTest: SubmissionTest; readonly end: () => void } {
  let opened: Promise<DatabasePool> | undefined;
  const open = (): Promise<DatabasePool> => opened ??= harness.open();
  return {
    submissionTest: (name, fn) => {
      test(`${harness.name}: ${name}`, async () => fn(await createFixture(await open())));
    },
    end: () => {
      test(`${harness.name}: the pool closes`, async () => (await open()).close());
    },
  };
}

async function createFixture(pool: DatabasePool): Promise<SubmissionFixture> {
  const repository = new PostgresSubmissionRepository(pool);
  const [userId, benchmarkId] = [newId(), newId()];
  await pool.execute("insert into users (id, email, username) values ($1, $2, $3)", [
    userId,
    `${userId}@example.org`,
    userId,
  ]);
  await pool.execute(
    `insert into benchmarks (id, slug, name, category, created_by)
    values ($1, $2, 'A benchmark', 'accuracy', $3)`,
    [benchmarkId, benchmarkId, userId],
  );
  const addVersion = (version: string, metric?: VersionMetric): Promise<string> =>
    insertVersion(pool, {
      benchmarkId,
      userId,
      version,
      metric: metric ?? { higherIsBetter: true },
    });
  const versionId = await addVersion("1.0.0");
  return {
    pool,
    repository,
    userId,
    benchmarkId,
    versionId,
    addVersion,
    submit: (name, score, rest = {}) =>
      repository.create({
        versionId,
        model: { provider: "provider", name },
        submittedBy: userId,
        score,
        ...rest,
      }),
  };
}

async function insertVersion(
  pool: DatabasePool,
  version: { benchmarkId: string; userId: string; version: string; metric: VersionMetric },
): Promise<string> {
  const id = newId();
  const evaluation = { primaryMetric: { name: "score", type: "accuracy", ...version.metric } };
  await pool.execute(
    `insert into benchmark_versions (id, benchmark_id, version, precedence, evaluation, created_by)
    values ($1, $2, $3, $4, $5::text::jsonb, $6)`,
    [
      id,
      version.benchmarkId,
      version.version,
      versionPrecedence(version.version),
      JSON.stringify(evaluation),
      version.userId,
    ],
  );
  return id;
}
