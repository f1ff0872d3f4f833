import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInput } from "../../core/validation.ts";
import {
  BENCHMARK_CATEGORIES,
  BENCHMARK_STATUSES,
  benchmarkChangesSchema,
  benchmarkFilterSchema,
  type NewBenchmark,
  newBenchmarkSchema,
  newBenchmarkVersionSchema,
  STATUS_TRANSITIONS,
  type TestCase,
  testCaseSchema,
} from "../../domain/benchmark.ts";
import { newId } from "../../domain/ids.ts";

const dataset = { name: "data", bucket: "datasets", key: "a/b", sha256: "0".repeat(64), size: 0 };
const metric = { name: "pass@1", type: "accuracy", higherIsBetter: true };
const benchmark: NewBenchmark = {
  slug: "human-eval",
  name: "HumanEval",
  category: "accuracy",
  createdBy: newId(),
  version: { version: "1.0.0", evaluation: { primaryMetric: metric } },
};
const testCase: TestCase = { name: "0", input: "prompt", evaluationMethod: "exact_match" };

/** Deep enough to overflow the stack of a validator that recurses. */
function nested(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

test("a benchmark needs little, and keeps all it is given", () => {
  assert.deepEqual(parseInput(newBenchmarkSchema, benchmark, "benchmark"), benchmark);
  const full: NewBenchmark = {
    ...benchmark,
    id: newId(),
    description: "Programs.\nIn Python",
    license: "MIT",
    citation: "Chen et al., 2021",
    tags: ["code", "python"],
    maintainers: [newId()],
    version: {
      version: "1.0.0-rc.1+build",
      changelog: "first",
      evaluation: {
        primaryMetric: { ...metric, unit: "percent", range: { min: 0, max: 100 } },
        secondaryMetrics: [{ ...metric, name: "latency", higherIsBetter: false, range: {} }],
        aggregation: "mean",
        normalization: "none",
      },
      execution: { temperature: 0, stop: ["\n"], nothing: null },
      datasets: [dataset],
      testCases: [testCase],
    },
  };
  assert.deepEqual(parseInput(newBenchmarkSchema, full, "benchmark"), full);
});

const REFUSED_BENCHMARKS: Readonly<Record<string, Record<string, unknown>>> = {
  "benchmark": { owner: "an unknown field" },
  "benchmark.id": { id: "1" },
  "benchmark.slug": { slug: "Human Eval" },
  "benchmark.name": { name: "" },
  "benchmark.description": { description: "a".repeat(20_001) },
  "benchmark.category": { category: "speed" },
  "benchmark.license": { license: "" },
  "benchmark.citation": { citation: "\ud800" },
  "benchmark.tags[1]": { tags: ["a", "a\0"] },
  "benchmark.maintainers[0]": { maintainers: ["somebody"] },
  "benchmark.createdBy": { createdBy: undefined },
  "benchmark.version": { version: undefined },
};

const REFUSED_VERSIONS: Readonly<Record<string, Record<string, unknown>>> = {
  "version": { status: "active" },
  "version.id": { id: "" },
  "version.version": { version: "1.0" },
  "version.changelog": { changelog: 1 },
  "version.evaluation": { evaluation: undefined },
  "version.evaluation.primaryMetric.name": {
    evaluation: { primaryMetric: { ...metric, name: "" } },
  },
  "version.evaluation.primaryMetric.higherIsBetter": {
    evaluation: { primaryMetric: { name: "a", type: "b" } },
  },
  "version.evaluation.primaryMetric.range": {
    evaluation: { primaryMetric: { ...metric, range: { min: 1, max: 0 } } },
  },
  "version.evaluation.primaryMetric.range.max": {
    evaluation: { primaryMetric: { ...metric, range: { max: NaN } } },
  },
  "version.evaluation.secondaryMetrics": {
    evaluation: { primaryMetric: metric, secondaryMetrics: [metric] },
  },
  "version.execution": { execution: [] },
  "version.datasets": { datasets: [dataset, dataset] },
  "version.datasets[0].sha256": { datasets: [{ ...dataset, sha256: "F".repeat(64) }] },
  "version.datasets[0].size": { datasets: [{ ...dataset, size: 0.5 }] },
  "version.testCases": { testCases: Array.from({ length: 100_001 }, () => testCase) },
};

const REFUSED_TEST_CASES: Readonly<Record<string, Record<string, unknown>>> = {
  "testCases[0]": { answer: 42 },
  "testCases[0].name": { name: "a".repeat(201) },
  "testCases[0].input": { input: undefined },
  "testCases[0].evaluationMethod": { evaluationMethod: "" },
  "testCases[0].weight": { weight: -1 },
  "testCases[0].tags[0]": { tags: [""] },
};

for (const [field, change] of Object.entries(REFUSED_BENCHMARKS)) {
  test(`a benchmark with a bad ${field} is refused with that name`, () => {
    const value = { ...benchmark, ...change };
    assert.throws(() => parseInput(newBenchmarkSchema, value, "benchmark"), { field });
  });
}

for (const [field, change] of Object.entries(REFUSED_VERSIONS)) {
  test(`a version with a bad ${field} is refused with that name`, () => {
    const value = { ...benchmark.version, ...change };
    assert.throws(() => parseInput(newBenchmarkVersionSchema, value, "version"), { field });
  });
}

for (const [field, change] of Object.entries(REFUSED_TEST_CASES)) {
  test(`a test case with a bad ${field} is refused with that name`, () => {
    const value = { ...testCase, ...change };
    assert.throws(() => parseInput(testCaseSchema, value, "testCases[0]"), { field });
  });
}

test("a key named __proto__ is refused", () => {
  const value = JSON.parse(`{"__proto__":{"tags":["a"]},${JSON.stringify(testCase).slice(1)}`);
  assert.throws(() => parseInput(testCaseSchema, value, "testCase"), { field: "testCase" });
});

test("weights that are not finite are refused", () => {
  for (const weight of [NaN, Infinity]) {
    assert.equal(testCaseSchema.safeParse({ ...testCase, weight }).success, false);
  }
});

test("deep values do not overflow the stack of the rules", () => {
  const input = nested(100_000);
  assert.equal(testCaseSchema.safeParse({ ...testCase, input }).success, true);
});

test("tags and maintainers lose their repetitions", () => {
  const id = newId();
  const parsed = newBenchmarkSchema.parse({
    ...benchmark,
    tags: ["a", "a"],
    maintainers: [id, id.toUpperCase()],
  });
  assert.deepEqual([parsed.tags, parsed.maintainers], [["a"], [id]]);
});

test("changes can remove the licence and the citation, and nothing else", () => {
  assert.ok(benchmarkChangesSchema.safeParse({ license: null, citation: null }).success);
  for (const field of ["name", "description", "category", "tags"]) {
    assert.throws(() => parseInput(benchmarkChangesSchema, { [field]: null }, "changes"), {
      field: `changes.${field}`,
    });
  }
});

test("changes cannot name what never changes", () => {
  for (const field of ["id", "slug", "status", "createdBy", "revision"]) {
    assert.throws(() => parseInput(benchmarkChangesSchema, { [field]: "a" }, "changes"), {
      field: "changes",
    });
  }
});

test("a filter names what it knows, with ids in lower case and tags once", () => {
  const id = newId();
  assert.deepEqual(
    parseInput(benchmarkFilterSchema, { author: id.toUpperCase(), tags: ["a", "a"] }, "filter"),
    { author: id, tags: ["a"] },
  );
  const refused: [field: string, filter: Record<string, unknown>][] = [
    ["filter", { owner: id }],
    ["filter.category", { category: "" }],
    ["filter.status", { status: ["active"] }],
    ["filter.maintainer", { maintainer: "me" }],
    ["filter.text", { text: "" }],
  ];
  for (const [field, filter] of refused) {
    assert.throws(() => parseInput(benchmarkFilterSchema, filter, "filter"), { field });
  }
});

test("every status can be reached from draft, and archived is the end", () => {
  const reached = new Set<string>(["draft"]);
  for (const status of reached) {
    for (const next of STATUS_TRANSITIONS[status as keyof typeof STATUS_TRANSITIONS]) {
      reached.add(next);
    }
  }
  assert.deepEqual([...reached].sort(), [...BENCHMARK_STATUSES].sort());
  assert.deepEqual(STATUS_TRANSITIONS.archived, []);
  assert.equal(BENCHMARK_CATEGORIES.length, 6);
});
