import { z } from "zod";
import type { JsonValue } from "../core/json.ts";
import { finiteField, idField, slugField, tagsField, textField } from "./fields.ts";

/** What a benchmark is about. */
export const BENCHMARK_CATEGORIES = [
  "performance",
  "accuracy",
  "reliability",
  "safety",
  "cost",
  "capability",
] as const;

/** One of {@linkcode BENCHMARK_CATEGORIES}. */
export type BenchmarkCategory = typeof BENCHMARK_CATEGORIES[number];

/** The life of a benchmark. */
export const BENCHMARK_STATUSES = [
  "draft",
  "under_review",
  "active",
  "deprecated",
  "archived",
] as const;

/** One of {@linkcode BENCHMARK_STATUSES}. */
export type BenchmarkStatus = typeof BENCHMARK_STATUSES[number];

/** From each status, those that may follow. */
export const STATUS_TRANSITIONS: Readonly<Record<BenchmarkStatus, readonly BenchmarkStatus[]>> = {
  draft: ["under_review"],
  under_review: ["active", "draft"],
  active: ["deprecated"],
  deprecated: ["archived", "active"],
  archived: [],
};

/** A number that an evaluation produces. */
export interface Metric {
  /** Such as `pass@1`. */
  readonly name: string;
  /** Such as `accuracy` or `latency`. */
  readonly type: string;
  /** Such as `percent`. */
  readonly unit?: string | undefined;
  /** The direction: whether a larger number is a better result. */
  readonly higherIsBetter: boolean;
  /** What it can be, both ends included. Scores outside are refused. */
  readonly range?:
    | { readonly min?: number | undefined; readonly max?: number | undefined }
    | undefined;
}

/** How results are judged. */
export interface EvaluationCriteria {
  /** What the leaderboard ranks by. */
  readonly primaryMetric: Metric;
  /** What is reported besides. */
  readonly secondaryMetrics?: readonly Metric[] | undefined;
  /** How results of test cases become one, such as `mean`. */
  readonly aggregation?: string | undefined;
  /** How scores are scaled, such as `none`. */
  readonly normalization?: string | undefined;
}

/** Where the data of a version is, and how to know that it has not changed. */
export interface DatasetReference {
  /** Unique in the version. */
  readonly name: string;
  /** The bucket in object storage. */
  readonly bucket: string;
  /** The key in the bucket. */
  readonly key: string;
  /** The SHA-256 of the content, 64 hexadecimal digits. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** One input with the output that is expected. */
export interface TestCase {
  /** Unique in the version. */
  readonly name: string;
  /** What the model is given. */
  readonly input: JsonValue;
  /** What it should answer. */
  readonly expected?: JsonValue | undefined;
  /** How the answer is judged, such as `exact_match`. */
  readonly evaluationMethod: string;
  /** How much it counts, at least 0. Default: 1. */
  readonly weight?: number | undefined;
  /** Up to 50. */
  readonly tags?: readonly string[] | undefined;
}

/** A published state of a benchmark. Never changes. */
export interface BenchmarkVersion {
  /** UUID. */
  readonly id: string;
  /** The benchmark. */
  readonly benchmarkId: string;
  /** By SemVer 2.0.0. */
  readonly version: string;
  /** What is new. */
  readonly changelog: string;
  /** How results are judged. */
  readonly evaluation: EvaluationCriteria;
  /** How models are run. */
  readonly execution: Readonly<Record<string, JsonValue>>;
  /** The data. */
  readonly datasets: readonly DatasetReference[];
  /** How many test cases it has. */
  readonly testCaseCount: number;
  /** The user who published it. */
  readonly createdBy: string;
  /** When it was published. */
  readonly createdAt: Date;
}

/** A task for models, with rules to compare them. */
export interface Benchmark {
  /** UUID. */
  readonly id: string;
  /** Unique name in URLs; stays taken when the benchmark is archived. */
  readonly slug: string;
  /** The name to show. */
  readonly name: string;
  /** What it measures. */
  readonly description: string;
  /** What it is about. */
  readonly category: BenchmarkCategory;
  /** Where it is in its life. */
  readonly status: BenchmarkStatus;
  /** Such as `MIT`. */
  readonly license: string | undefined;
  /** How to cite it. */
  readonly citation: string | undefined;
  /** Words to find it by. */
  readonly tags: readonly string[];
  /** The users who look after it. */
  readonly maintainers: readonly string[];
  /** The version that is highest by SemVer precedence, whenever it was published. */
  readonly latestVersion: { readonly id: string; readonly version: string };
  /** The user who made it. */
  readonly createdBy: string;
  /** When it was made. */
  readonly createdAt: Date;
  /** When it last changed. */
  readonly updatedAt: Date;
  /** Counts changes; an update names the one it saw. */
  readonly revision: number;
}

/** What a new version needs. */
export interface NewBenchmarkVersion {
  /** Default: a new id. */
  readonly id?: string | undefined;
  /** By SemVer 2.0.0. */
  readonly version: string;
  /** What is new. */
  readonly changelog?: string | undefined;
  /** How results are judged. */
  readonly evaluation: EvaluationCriteria;
  /** How models are run. */
  readonly execution?: Readonly<Record<string, JsonValue>> | undefined;
  /** The data. */
  readonly datasets?: readonly DatasetReference[] | undefined;
  /** Up to 100,000. */
  readonly testCases?: readonly TestCase[] | undefined;
}

/** What a new benchmark needs. */
export interface NewBenchmark {
  /** Default: a new id. */
  readonly id?: string | undefined;
  /** Lower-case letters, digits and single hyphens, at most 100 characters. */
  readonly slug: string;
  /** 1 to 200 characters. */
  readonly name: string;
  /** Up to 20,000 characters. */
  readonly description?: string | undefined;
  /** What it is about. */
  readonly category: BenchmarkCategory;
  /** Such as `MIT`. */
  readonly license?: string | undefined;
  /** How to cite it. */
  readonly citation?: string | undefined;
  /** Up to 50. */
  readonly tags?: readonly string[] | undefined;
  /** Users; the creator need not be among them. */
  readonly maintainers?: readonly string[] | undefined;
  /** The user who makes it. */
  readonly createdBy: string;
  /** The first version. */
  readonly version: NewBenchmarkVersion;
}

const metricSchema: z.ZodType<Metric> = z.strictObject({
  name: textField(1, 100),
  type: textField(1, 100),
  unit: textField(1, 50).optional(),
  higherIsBetter: z.boolean(),
  range: z.strictObject({ min: finiteField.optional(), max: finiteField.optional() }).optional(),
});

const evaluationSchema: z.ZodType<EvaluationCriteria> = z.strictObject({
  primaryMetric: metricSchema,
  secondaryMetrics: z.array(metricSchema).max(100).optional(),
  aggregation: textField(1, 100).optional(),
  normalization: textField(1, 100).optional(),
});

const datasetSchema: z.ZodType<DatasetReference> = z.strictObject({
  name: textField(1, 200),
  bucket: textField(1, 63),
  key: textField(1, 1_024),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "it must have 64 hexadecimal digits"),
  size: z.int().min(0),
});

/** The rules for a new version, but for its test cases, which are checked one by one. */
export const newBenchmarkVersionSchema: z.ZodType<NewBenchmarkVersion> = z.strictObject({
  id: idField.optional(),
  version: textField(1, 100),
  changelog: textField(0, 50_000).optional(),
  evaluation: evaluationSchema,
  execution: z.record(z.string(), z.json()).optional() as z.ZodType<
    Readonly<Record<string, JsonValue>> | undefined
  >,
  datasets: z.array(datasetSchema).max(100).optional(),
  testCases: z.array(z.custom<TestCase>()).max(100_000).optional(),
});

/** The rules for a new benchmark. */
export const newBenchmarkSchema: z.ZodType<NewBenchmark> = z.strictObject({
  id: idField.optional(),
  slug: slugField,
  name: textField(1, 200),
  description: textField(0, 20_000).optional(),
  category: z.enum(BENCHMARK_CATEGORIES),
  license: textField(1, 100).optional(),
  citation: textField(1, 5_000).optional(),
  tags: tagsField.optional(),
  maintainers: z.array(idField).max(100).optional(),
  createdBy: idField,
  version: newBenchmarkVersionSchema,
});

/** The rules for one test case. */
export const testCaseSchema: z.ZodType<TestCase> = z.strictObject({
  name: textField(1, 200),
  input: z.json() as z.ZodType<JsonValue>,
  expected: (z.json() as z.ZodType<JsonValue>).optional(),
  evaluationMethod: textField(1, 100),
  weight: finiteField.refine((weight) => weight >= 0, "it must be at least 0").optional(),
  tags: tagsField.optional(),
});
