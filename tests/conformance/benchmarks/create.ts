import assert from "node:assert/strict";
import { PostgresBenchmarkRepository } from "../../../database/repositories/benchmark_repository.ts";
import type { NewBenchmark, NewBenchmarkVersion, TestCase } from "../../../domain/benchmark.ts";
import { PostgresUserRepository } from "../../../database/repositories/user_repository.ts";
import { newId } from "../../../domain/ids.ts";
import { readAll } from "../people/pages.ts";
import { type BenchmarkTest, manyTestCases, version } from "./fixture.ts";

const VERSION: NewBenchmarkVersion = {
  version: "1.0.0-rc.1+build.7",
  changelog: "First\nrelease",
  evaluation: {
    primaryMetric: {
      name: "latency",
      type: "duration",
      unit: "ms",
      higherIsBetter: false,
      range: { min: 0, max: 1e300 },
    },
    secondaryMetrics: [{ name: "pass@1", type: "accuracy", higherIsBetter: true, range: {} }],
    aggregation: "mean",
    normalization: "none",
  },
  execution: { temperature: 0.1, stop: ["\n", "\u2028"], seed: null, nested: { "a.b": [] } },
  datasets: [
    { name: "tasks", bucket: "datasets", key: "a/b.jsonl", sha256: "0a".repeat(32), size: 0 },
    { name: "more", bucket: "datasets", key: "c", sha256: "f".repeat(64), size: 2 ** 53 - 1 },
  ],
};

const TEST_CASES: readonly TestCase[] = [
  {
    name: "all",
    input: { a: [1] },
    expected: "x",
    evaluationMethod: "exact",
    weight: 0.1,
    tags: ["b", "a"],
  },
  { name: "null", input: null, expected: null, evaluationMethod: "exact" },
  { name: "nothing", input: "", evaluationMethod: "exact", weight: 0, tags: [] },
  {
    name: "text",
    input: '{"\\',
    expected: ["\\", '"', ",", "{}"],
    evaluationMethod: "NULL",
    tags: ['"', "\\", ",", "NULL"],
  },
];

/** What a new benchmark is, and that it is whole or not there at all. */
export function testCreate(test: BenchmarkTest): void {
  test("create returns the benchmark as it is read by id and by slug", async (fixture) => {
    const { benchmarks, userId, addUser } = fixture;
    const input: Required<NewBenchmark> = {
      id: newId(),
      slug: `full-${newId()}`,
      name: "All of it",
      description: "Programs\nin Python",
      category: "capability",
      license: "MIT",
      citation: "Somebody et al., 2021",
      tags: ["code", "python"],
      maintainers: [userId, await addUser()].reverse(),
      createdBy: userId,
      version: { ...VERSION, id: newId() },
    };
    const created = await benchmarks.create(input);
    const { id, createdAt, updatedAt, ...rest } = created;
    assert.deepEqual(rest, {
      slug: input.slug,
      name: input.name,
      description: input.description,
      category: input.category,
      status: "draft",
      license: input.license,
      citation: input.citation,
      tags: input.tags,
      maintainers: [...input.maintainers].sort(),
      latestVersion: { id: input.version.id, version: input.version.version },
      createdBy: userId,
      revision: 1,
    });
    assert.equal(id, input.id);
    assert.ok(createdAt instanceof Date && updatedAt.getTime() === createdAt.getTime());
    assert.deepEqual(await benchmarks.getById(id), created);
    assert.deepEqual(await benchmarks.getBySlug(input.slug), created);
  });

  test("create fills in what is not given", async ({ create }) => {
    const { description, license, citation, tags, maintainers } = await create();
    assert.deepEqual([description, license, citation, tags, maintainers], [
      "",
      undefined,
      undefined,
      [],
      [],
    ]);
  });

  test("create keeps the first version with all it holds", async (fixture) => {
    const { benchmarks, userId } = fixture;
    const { id, latestVersion } = await fixture.create({ version: VERSION });
    const found = await benchmarks.getVersionById(latestVersion.id);
    const { createdAt, ...rest } = found!;
    assert.deepEqual(rest, {
      ...VERSION,
      id: latestVersion.id,
      benchmarkId: id,
      testCaseCount: 0,
      createdBy: userId,
    });
    assert.ok(createdAt instanceof Date);
  });

  test("create keeps test cases in their order, and null apart from nothing", async (fixture) => {
    const { benchmarks } = fixture;
    const { latestVersion } = await fixture.create({
      version: version("1.0.0", { testCases: TEST_CASES }),
    });
    const { items } = await benchmarks.getTestCases(latestVersion.id);
    assert.deepEqual(items, TEST_CASES.map((one) => ({ weight: 1, tags: [], ...one })));
    const found = await benchmarks.getVersionById(latestVersion.id);
    assert.equal(found?.testCaseCount, TEST_CASES.length);
  });

  test("create takes 10,000 test cases at once", async ({ benchmarks, create }) => {
    const testCases = manyTestCases(10_000);
    const { latestVersion } = await create({ version: version("1.0.0", { testCases }) });
    assert.deepEqual(
      await readNames(benchmarks, latestVersion.id),
      testCases.map(({ name }) => name),
    );
  });

  test("publishVersion takes more test cases than one statement", async (fixture) => {
    const { benchmarks, userId } = fixture;
    const { id } = await fixture.create();
    const testCases = manyTestCases(10_001);
    const published = await benchmarks.publishVersion(id, {
      ...version("2.0.0", { testCases }),
      createdBy: userId,
    });
    assert.equal(published.testCaseCount, testCases.length);
    assert.deepEqual(await benchmarks.getVersionById(published.id), published);
    assert.deepEqual(
      await readNames(benchmarks, published.id),
      testCases.map(({ name }) => name),
    );
  });

  test("a taken slug is already_exists with field slug", async ({ create }) => {
    const { slug } = await create();
    await assert.rejects(create({ slug }), {
      code: "already_exists",
      field: "slug",
      message: "Cannot create benchmark: duplicate slug",
    });
  });

  test("of creations of the same slug at the same time, one wins", async ({ create, draft }) => {
    const { slug } = draft();
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => create({ slug })));
    const failures = results.filter((result) => result.status === "rejected");
    assert.deepEqual(failures.map(({ reason }) => [reason.code, reason.field]), [
      ["already_exists", "slug"],
      ["already_exists", "slug"],
      ["already_exists", "slug"],
    ]);
  });

  test("a taken id is already_exists with field id", async ({ create }) => {
    const { id, latestVersion } = await create();
    await assert.rejects(create({ id }), { code: "already_exists", field: "id" });
    await assert.rejects(create({ version: version("1.0.0", { id: latestVersion.id }) }), {
      code: "already_exists",
      field: "id",
    });
  });

  test("a creator or maintainer who does not exist is refused, and nothing is left", async (fixture) => {
    const { benchmarks, draft } = fixture;
    const { slug } = draft();
    await assert.rejects(fixture.create({ slug, createdBy: newId() }), {
      code: "constraint_violated",
      field: "createdBy",
    });
    await assert.rejects(fixture.create({ slug, maintainers: [newId()] }), {
      code: "constraint_violated",
      field: "maintainers",
    });
    assert.equal(await benchmarks.slugExists(slug), false);
  });

  test("a deleted user is no creator and no maintainer", async (fixture) => {
    const { pool, benchmarks } = fixture;
    const gone = await fixture.addUser();
    const benchmark = await fixture.create({ maintainers: [gone, fixture.userId] });
    await new PostgresUserRepository(pool).delete(gone);
    const { maintainers } = (await benchmarks.getById(benchmark.id))!;
    assert.deepEqual(maintainers, [fixture.userId]);
    assert.equal(await benchmarks.count({ maintainer: gone }), 0);
    await assert.rejects(fixture.create({ createdBy: gone }), {
      code: "constraint_violated",
      field: "createdBy",
    });
    await assert.rejects(benchmarks.update(benchmark.id, { maintainers: [gone] }), {
      code: "constraint_violated",
      field: "maintainers",
    });
  });

  test("ids are found in upper case too, and returned in lower case", async (fixture) => {
    const { benchmarks, userId } = fixture;
    const id = newId();
    const created = await fixture.create({
      id: id.toUpperCase(),
      createdBy: userId.toUpperCase(),
      maintainers: [userId, userId.toUpperCase()],
    });
    assert.deepEqual([created.id, created.createdBy, created.maintainers], [id, userId, [userId]]);
    assert.deepEqual(await benchmarks.getById(id.toUpperCase()), created);
  });

  test("what a transaction creates goes when it is rolled back", async ({ pool, benchmarks, draft }) => {
    const input = draft();
    const failure = new Error("changed my mind");
    await assert.rejects(
      pool.transaction(async (transaction) => {
        const inside = new PostgresBenchmarkRepository(transaction);
        await inside.create(input);
        assert.equal(await inside.slugExists(input.slug), true);
        throw failure;
      }),
      failure,
    );
    assert.equal(await benchmarks.slugExists(input.slug), false);
  });

  test("a call whose signal is aborted rejects with aborted", async ({ benchmarks, draft }) => {
    const signal = AbortSignal.abort();
    const aborted = { code: "aborted" };
    await assert.rejects(benchmarks.create(draft(), { signal }), aborted);
    await assert.rejects(benchmarks.getById(newId(), { signal }), aborted);
    await assert.rejects(benchmarks.list({ signal }), aborted);
    await assert.rejects(benchmarks.count({}, { signal }), aborted);
  });
}

async function readNames(
  benchmarks: PostgresBenchmarkRepository,
  versionId: string,
): Promise<string[]> {
  const cases = await readAll((page) => benchmarks.getTestCases(versionId, page), 1_000);
  return cases.map(({ name }) => name);
}
