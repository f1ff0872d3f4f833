import type { DatabasePool } from "../../../database/database_pool.ts";
import { PostgresBenchmarkRepository } from "../../../database/repositories/benchmark_repository.ts";
import type {
  Benchmark,
  NewBenchmark,
  NewBenchmarkVersion,
  TestCase,
} from "../../../domain/benchmark.ts";
import { newId } from "../../../domain/ids.ts";
import type { DatabaseHarness } from "../database_harness.ts";
import type { TestFn } from "../test_fn.ts";

/** A user who makes benchmarks, for one test. */
export interface BenchmarkFixture {
  readonly pool: DatabasePool;
  readonly benchmarks: PostgresBenchmarkRepository;
  readonly userId: string;
  /** Makes another user. */
  addUser(): Promise<string>;
  /** What the user's next benchmark needs, with a slug that nobody has. */
  draft(rest?: Partial<NewBenchmark>): NewBenchmark;
  /** Creates a benchmark of the user. */
  create(rest?: Partial<NewBenchmark>): Promise<Benchmark>;
  /** Creates one a minute ago, so that the time of a change differs in milliseconds. */
  createEarlier(rest?: Partial<NewBenchmark>): Promise<Benchmark>;
}

/** Registers a test that gets a fixture of its own in a database that all tests share. */
export type BenchmarkTest = (
  name: string,
  fn: (fixture: BenchmarkFixture) => Promise<void>,
) => void;

/** Makes the function that registers tests, and the one that registers the end of the suite. */
export function benchmarkTests(
  test: TestFn,
  harness: DatabaseHarness,
): { readonly benchmarkTest: BenchmarkTest; readonly end: () => void } {
  let opened: Promise<DatabasePool> | undefined;
  const open = (): Promise<DatabasePool> => opened ??= harness.open();
  return {
    benchmarkTest: (name, fn) => {
      test(`${harness.name}: ${name}`, async () => fn(await createFixture(await open())));
    },
    end: () => {
      test(`${harness.name}: the pool closes`, async () => (await open()).close());
    },
  };
}

/** A version with little more than its number. */
export function version(
  number: string,
  rest: Partial<NewBenchmarkVersion> = {},
): NewBenchmarkVersion {
  const primaryMetric = { name: "pass@1", type: "accuracy", higherIsBetter: true };
  return { version: number, evaluation: { primaryMetric }, ...rest };
}

/** Test cases `case 0`, `case 1` and so on. */
export function manyTestCases(count: number): TestCase[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `case ${index}`,
    input: { prompt: `say "${index}"` },
    evaluationMethod: "exact_match",
  }));
}

async function createFixture(pool: DatabasePool): Promise<BenchmarkFixture> {
  const benchmarks = new PostgresBenchmarkRepository(pool);
  const addUser = async (): Promise<string> => {
    const id = newId();
    await pool.execute("insert into users (id, email, username) values ($1, $2, $3)", [
      id,
      `${id}@example.org`,
      id,
    ]);
    return id;
  };
  const userId = await addUser();
  const draft = (rest: Partial<NewBenchmark> = {}): NewBenchmark => ({
    slug: `benchmark-${newId()}`,
    name: "A benchmark",
    category: "accuracy",
    createdBy: userId,
    version: version("1.0.0"),
    ...rest,
  });
  const create = (rest?: Partial<NewBenchmark>): Promise<Benchmark> =>
    benchmarks.create(draft(rest));
  const createEarlier = async (rest?: Partial<NewBenchmark>): Promise<Benchmark> => {
    const { id } = await create(rest);
    await pool.execute(
      `update benchmarks set created_at = created_at - interval '1 minute',
        updated_at = updated_at - interval '1 minute' where id = $1`,
      [id],
    );
    return (await benchmarks.getById(id))!;
  };
  return { pool, benchmarks, userId, addUser, draft, create, createEarlier };
}
