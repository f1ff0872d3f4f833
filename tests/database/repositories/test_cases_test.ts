import assert from "node:assert/strict";
import * as fc from "fast-check";
import { createPool } from "../../../database/create_pool.ts";
import { migrate } from "../../../database/migrator.ts";
import {
  publishVersion,
  type PublishVersionInput,
} from "../../../database/repositories/benchmark_statements.ts";
import {
  type EncodedTestCase,
  encodeTestCases,
  insertInBatches,
  splitTestCases,
  type TestCaseColumns,
  toTestCase,
  toTestCaseColumns,
} from "../../../database/repositories/test_cases.ts";
import { PostgresBenchmarkRepository } from "../../../database/repositories/benchmark_repository.ts";
import type { TestCase } from "../../../domain/benchmark.ts";
import { newId } from "../../../domain/ids.ts";
import { versionPrecedence } from "../../../domain/version.ts";
import { after, test, whenPermitted } from "../../support/permitted.ts";

const pool = await whenPermitted(() => createPool({ embedded: {} }));
await whenPermitted(() => migrate(pool));
after(() => pool.close());

const testCase: TestCase = { name: "0", input: "in", evaluationMethod: "exact" };

function encode(...testCases: unknown[]): EncodedTestCase[] {
  const version = { version: "1.0.0", evaluation: { primaryMetric: metric } };
  return encodeTestCases("cases", { ...version, testCases: testCases as TestCase[] }, "test");
}

const metric = { name: "a", type: "b", higherIsBetter: true };

function encoded(count: number, input = "1"): EncodedTestCase[] {
  const [one] = encode(testCase);
  return Array.from({ length: count }, (_, index) => ({ ...one!, name: `${index}`, input }));
}

test("a test case is stored with its defaults, and JSON as text", () => {
  assert.deepEqual(encode({ ...testCase, expected: null }), [{
    name: "0",
    input: '"in"',
    expected: "null",
    evaluationMethod: "exact",
    weight: 1,
    tags: [],
  }]);
  assert.equal(encode(testCase)[0]?.expected, undefined);
});

test("what is refused is named by its index", () => {
  const second = { ...testCase, name: "1" };
  const refused: [field: string, value: unknown][] = [
    ["cases[1]", null],
    ["cases[1].name", testCase],
    ["cases[1].input.a.b", { ...second, input: { a: { b: NaN } } }],
    ["cases[1].expected", { ...second, expected: 1n }],
    ["cases[1].tags", { ...second, tags: "a" }],
  ];
  for (const [field, value] of refused) {
    assert.throws(() => encode(testCase, value), { name: "ValidationError", field });
  }
});

test("JSON of a test case has at most 1,000,000 characters", () => {
  assert.equal(encode({ ...testCase, input: "a".repeat(999_998) }).length, 1);
  assert.throws(() => encode({ ...testCase, input: "a".repeat(999_999) }), {
    field: "cases[0].input",
    message:
      "Cannot use cases[0].input: it must have at most 1000000 characters of JSON, got 1000001",
  });
  assert.throws(() => encode({ ...testCase, expected: "\\".repeat(500_000) }), {
    field: "cases[0].expected",
  });
});

test("batches together are all test cases in their order, none above the limits", () => {
  const lengths = fc.array(fc.constantFrom(1, 10, 900_000, 1_000_000), { maxLength: 60 });
  fc.assert(
    fc.property(lengths, (sizes) => {
      const [one] = encode(testCase);
      const cases = sizes.map((size): EncodedTestCase => ({ ...one!, input: "1".repeat(size) }));
      const batches = splitTestCases(cases);
      assert.deepEqual(batches.flatMap((batch) => batch.cases), cases);
      let before = 0;
      for (const batch of batches) {
        assert.equal(batch.after, before);
        before += batch.cases.length;
        const length = batch.cases.reduce((sum, { input }) => sum + input.length, 0);
        assert.ok(length < 9_000_000);
      }
    }),
    { numRuns: 30 },
  );
  const counts = (count: number): number[] =>
    splitTestCases(encoded(count)).map(({ cases }) => cases.length);
  assert.deepEqual([counts(0), counts(10_000), counts(20_001)], [
    [0],
    [10_000],
    [10_000, 10_000, 1],
  ]);
});

test("a batch is one array literal for each column", () => {
  const cases = encode(
    { ...testCase, weight: 0.5, tags: ["a", '"'] },
    { ...testCase, name: "1", input: {}, expected: null },
  );
  assert.deepEqual(toTestCaseColumns({ after: 7, cases }), {
    after: 7,
    names: '{"0","1"}',
    inputs: '{"\\"in\\"","{}"}',
    expected: '{NULL,"null"}',
    evaluationMethods: '{"exact","exact"}',
    weights: "{0.5,1}",
    tags: String.raw`{"{\"a\",\"\\\"\"}","{}"}`,
  });
});

test("a row tells an expected null from none", () => {
  const row = {
    name: "0",
    input: "in",
    expected: null,
    evaluation_method: "exact",
    weight: 1,
    tags: [],
  };
  const read = { ...testCase, weight: 1, tags: [] };
  assert.deepEqual(toTestCase({ ...row, has_expected: false }), read);
  assert.deepEqual(toTestCase({ ...row, has_expected: true }), { ...read, expected: null });
});

test("when a later batch fails, nothing of the version is left", async () => {
  const userId = newId();
  await pool.execute("insert into users (id, email, username) values ($1, 'a@b.org', 'ab')", [
    userId,
  ]);
  const benchmarks = new PostgresBenchmarkRepository(pool);
  const { id } = await benchmarks.create({
    slug: "batches",
    name: "Batches",
    category: "accuracy",
    createdBy: userId,
    version: { version: "1.0.0", evaluation: { primaryMetric: metric } },
  });
  const parameters: Omit<PublishVersionInput, keyof TestCaseColumns> = {
    id,
    expectedRevision: null,
    versionId: newId(),
    version: "2.0.0",
    precedence: versionPrecedence("2.0.0"),
    changelog: "",
    evaluation: JSON.stringify({ primaryMetric: metric }),
    execution: "{}",
    datasets: "[]",
    createdBy: userId,
    testCaseCount: 10_001,
    events: true,
  };
  // The last one has the name of the first.
  const cases = [...encoded(10_000), ...encoded(1)];
  await assert.rejects(insertInBatches(pool, publishVersion, parameters, cases, {}), {
    name: "DatabaseError",
    code: "already_exists",
    field: "name",
  });
  assert.equal(await benchmarks.getVersionById(parameters.versionId), undefined);
  assert.equal((await benchmarks.getById(id))?.revision, 1);
  assert.deepEqual(await benchmarks.getTestCases(parameters.versionId), { items: [] });
});
