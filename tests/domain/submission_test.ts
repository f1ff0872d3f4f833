import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInput } from "../../core/validation.ts";
import { newId } from "../../domain/ids.ts";
import {
  modelSchema,
  type NewSubmission,
  newSubmissionSchema,
  VERIFICATION_LEVELS,
  VISIBILITIES,
} from "../../domain/submission.ts";

const submission: NewSubmission = {
  versionId: newId(),
  model: { provider: "openai", name: "gpt-4" },
  submittedBy: newId(),
  score: 0.875,
};
const interval = { low: 0.8, high: 0.9, level: 0.95 };

test("a submission needs little, and keeps all it is given", () => {
  assert.deepEqual(parseInput(newSubmissionSchema, submission, "submission"), submission);
  const full: NewSubmission = {
    ...submission,
    id: newId(),
    model: { provider: "openai", name: "gpt-4", version: "2024-05-13", official: true },
    organizationId: newId(),
    verifiedProvider: true,
    confidenceInterval: interval,
    metrics: { "pass@10": 0.9, latency: -0.5 },
    results: [{ caseName: "0", passed: true }],
    execution: { seed: 1, nothing: null },
    visibility: "unlisted",
  };
  assert.deepEqual(parseInput(newSubmissionSchema, full, "submission"), full);
});

test("a submission has a score or a failure, and not both", () => {
  const { score: _, ...without } = submission;
  const failed = { ...without, failure: "out of memory" };
  assert.deepEqual(parseInput(newSubmissionSchema, failed, "submission"), failed);
  for (const value of [without, { ...submission, failure: "out of memory" }]) {
    assert.throws(() => parseInput(newSubmissionSchema, value, "submission"), {
      field: "submission.score",
    });
  }
});

const REFUSED: readonly [field: string, change: Record<string, unknown>][] = [
  ["submission", { rank: 1 }],
  ["submission.id", { id: "1" }],
  ["submission.versionId", { versionId: "1.0.0" }],
  ["submission.model", { model: undefined }],
  ["submission.model.provider", { model: { provider: "", name: "a" } }],
  ["submission.model.name", { model: { provider: "a", name: "b\u001fc" } }],
  ["submission.model.version", { model: { provider: "a", name: "b", version: "c\u009f" } }],
  ["submission.submittedBy", { submittedBy: undefined }],
  ["submission.organizationId", { organizationId: "" }],
  ["submission.verifiedProvider", { verifiedProvider: 1 }],
  ["submission.score", { score: NaN }],
  ["submission.score", { score: Infinity }],
  ["submission.score", { score: "1" }],
  ["submission.confidenceInterval", { confidenceInterval: { ...interval, low: 1 } }],
  ["submission.confidenceInterval.level", { confidenceInterval: { ...interval, level: 1 } }],
  ["submission.confidenceInterval.high", { confidenceInterval: { ...interval, high: NaN } }],
  ["submission.metrics.latency", { metrics: { latency: -Infinity } }],
  ["submission.metrics.__proto__", { metrics: JSON.parse('{"__proto__":1}') }],
  ["submission.execution", { execution: [] }],
  ["submission.visibility", { visibility: "secret" }],
];

for (const [field, change] of REFUSED) {
  test(`a submission with ${JSON.stringify(change)} is refused for its ${field}`, () => {
    const value = { ...submission, ...change };
    assert.throws(() => parseInput(newSubmissionSchema, value, "submission"), { field });
  });
}

test("a negative zero becomes zero, as it does in the database", () => {
  const value = { ...submission, score: -0, metrics: { latency: -0 } };
  const { score, metrics } = parseInput(newSubmissionSchema, value, "submission");
  assert.deepEqual([score, metrics], [0, { latency: 0 }]);
});

test("a submission has at most 100,000 results", () => {
  const results = Array.from({ length: 100_001 }, () => ({ caseName: "0" }));
  assert.throws(() => parseInput(newSubmissionSchema, { ...submission, results }, "submission"), {
    field: "submission.results",
  });
});

test("a model has a provider and a name of at most 200 visible characters", () => {
  const longest = "a".repeat(200);
  assert.ok(modelSchema.safeParse({ provider: longest, name: longest, version: "" }).success);
  const invisible = ["a\u200b", "a\u202eb", "\u2028", "a\u00ad"];
  const spaced = [" ", " a", "a\u3000", "\ta"];
  const texts = [
    `${longest}a`,
    "a\n",
    "\u007f",
    "\u0085",
    "a\0",
    "\udfff",
    ...invisible,
    ...spaced,
  ];
  assert.ok(modelSchema.safeParse({ provider: "Mistral AI", name: "Größe 7B 模型 🚀" }).success);
  for (const text of texts) {
    for (const field of ["provider", "name", "version"]) {
      const model = { provider: "a", name: "b", [field]: text };
      assert.throws(() => parseInput(modelSchema, model, "model"), { field: `model.${field}` });
    }
  }
});

test("levels rise from unverified to audited, and there are three visibilities", () => {
  assert.deepEqual(VERIFICATION_LEVELS, [
    "unverified",
    "community_verified",
    "platform_verified",
    "audited",
  ]);
  assert.deepEqual(VISIBILITIES, ["public", "unlisted", "private"]);
});
