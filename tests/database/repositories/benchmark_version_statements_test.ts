import assert from "node:assert/strict";
import { test } from "node:test";
import {
  toVersion,
  toVersionParameters,
  type VersionRow,
} from "../../../database/repositories/benchmark_version_statements.ts";
import type { JsonValue } from "../../../core/json.ts";
import { newId } from "../../../domain/ids.ts";

const evaluation = {
  primaryMetric: { name: "a", type: "b", higherIsBetter: false, range: { max: 1 } },
  secondaryMetrics: [{ name: "c", type: "d", unit: "ms", higherIsBetter: true }],
  aggregation: "mean",
};

const row: VersionRow = {
  id: newId(),
  benchmark_id: newId(),
  version: "1.0.0",
  changelog: "first",
  evaluation,
  execution: { seed: 1 },
  datasets: [{ name: "a", bucket: "b", key: "c", sha256: "d", size: 1 }],
  test_case_count: 2,
  created_by: newId(),
  created_at: new Date(0),
};

test("the parameters of a version have its precedence, and JSON as text", () => {
  const { versionId: _, ...parameters } = toVersionParameters("version", {
    version: "1.2.0-rc.1",
    evaluation,
    execution: { stop: ["\n"] },
  });
  assert.deepEqual(parameters, {
    version: "1.2.0-rc.1",
    precedence: "0011.0012.0010-1rc!00011!",
    changelog: "",
    evaluation: JSON.stringify(evaluation),
    execution: '{"stop":["\\n"]}',
    datasets: "[]",
  });
});

test("what JSON cannot hold is refused with its path", () => {
  const execution = { seeds: [0, NaN] } as Record<string, JsonValue>;
  assert.throws(() => toVersionParameters("version", { version: "1.0.0", evaluation, execution }), {
    name: "ValidationError",
    field: "version.execution.seeds[1]",
  });
});

test("a version has everything of its row", () => {
  assert.deepEqual(toVersion(row), {
    id: row.id,
    benchmarkId: row.benchmark_id,
    version: "1.0.0",
    changelog: "first",
    evaluation,
    execution: row.execution,
    datasets: row.datasets,
    testCaseCount: 2,
    createdBy: row.created_by,
    createdAt: new Date(0),
  });
});

test("JSON that this library did not write is corrupted, and not shown", () => {
  const damaged: Partial<VersionRow>[] = [
    { evaluation: { primaryMetric: { name: "a", type: "b", higherIsBetter: "secret" } } },
    { evaluation: null },
    { execution: ["secret"] },
    { datasets: [{ name: "secret" }] },
  ];
  for (const part of damaged) {
    assert.throws(
      () => toVersion({ ...row, ...part }),
      (error: Error & { code: string }) =>
        error.name === "DatabaseError" && error.code === "corrupted" &&
        !error.message.includes("secret"),
    );
  }
});
