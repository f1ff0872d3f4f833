import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BENCHMARK_STATEMENTS,
  type BenchmarkRow,
  createBenchmark,
  getBenchmarkById,
  publishVersion,
  toBenchmark,
  toBenchmarkParameters,
  updateBenchmarkStatus,
} from "../../../database/repositories/benchmark_statements.ts";
import type { NewBenchmark } from "../../../domain/benchmark.ts";
import { checkId, newId } from "../../../domain/ids.ts";

const benchmark: NewBenchmark = {
  slug: "a",
  name: "A",
  category: "accuracy",
  createdBy: newId(),
  version: {
    version: "1.0.0",
    evaluation: { primaryMetric: { name: "a", type: "b", higherIsBetter: true } },
  },
};

const row: BenchmarkRow = {
  id: newId(),
  slug: "a",
  name: "A",
  description: "",
  category: "accuracy",
  status: "draft",
  license: null,
  citation: null,
  tags: ["t"],
  maintainers: [],
  latest_version: { id: newId(), version: "1.0.0" },
  created_by: newId(),
  created_at: new Date(0),
  updated_at: new Date(1),
  revision: 3,
};

test("what a benchmark does not say is filled in", () => {
  const { id, versionId, ...parameters } = toBenchmarkParameters("benchmark", benchmark, true);
  assert.equal(checkId("id", id), id);
  assert.equal(checkId("versionId", versionId), versionId);
  assert.deepEqual(parameters, {
    slug: "a",
    name: "A",
    description: "",
    category: "accuracy",
    license: undefined,
    citation: undefined,
    benchmarkTags: "{}",
    maintainers: "{}",
    createdBy: benchmark.createdBy,
    version: "1.0.0",
    precedence: "0011.0010.0010~",
    changelog: "",
    evaluation: JSON.stringify(benchmark.version.evaluation),
    execution: "{}",
    datasets: "[]",
    events: true,
  });
});

test("a benchmark keeps the ids that it is given", () => {
  const given = { ...benchmark, id: newId(), version: { ...benchmark.version, id: newId() } };
  const { id, versionId } = toBenchmarkParameters("benchmark", given, false);
  assert.deepEqual([id, versionId], [given.id, given.version.id]);
});

test("a benchmark has undefined where its row has null", () => {
  assert.deepEqual(toBenchmark(row), {
    id: row.id,
    slug: "a",
    name: "A",
    description: "",
    category: "accuracy",
    status: "draft",
    license: undefined,
    citation: undefined,
    tags: ["t"],
    maintainers: [],
    latestVersion: row.latest_version,
    createdBy: row.created_by,
    createdAt: new Date(0),
    updatedAt: new Date(1),
    revision: 3,
  });
});

test("statements that change something say so, because their lost reply leaves that open", () => {
  const writing = [createBenchmark, updateBenchmarkStatus, publishVersion];
  assert.deepEqual(writing.map(({ writes }) => writes), [true, true, true]);
  assert.equal(getBenchmarkById.writes, false);
});

test("every statement has a name and a text of its own", () => {
  for (const part of ["name", "text"] as const) {
    const parts = BENCHMARK_STATEMENTS.map((one) => one[part]);
    assert.equal(new Set(parts).size, parts.length);
  }
});
