import { z } from "zod";
import type { JsonValue } from "../core/json.ts";
import {
  finiteField,
  idField,
  idsField,
  jsonField,
  jsonObjectField,
  searchField,
  slugField,
  tagsField,
  textField,
} from "./fields.ts";
import { versionField } from "./version.ts";

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
  /** Such as `pass@1`; unique in the version. */
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
  /** The SHA-256 of the content, 64 hexadecimal digits in lower case. */
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
  /** The users who look after it, in the order of their ids. */
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

/** What a later version of a benchmark needs. */
export interface VersionPublication extends NewBenchmarkVersion {
  /** The user who publishes it. */
  readonly createdBy: string;
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
  /** Up to 100 users; the creator need not be among them. */
  readonly maintainers?: readonly string[] | undefined;
  /** The user who makes it. */
  readonly createdBy: string;
  /** The first version. */
  readonly version: NewBenchmarkVersion;
}

/** Who moves a benchmark to another status, and why; its events say so. */
export interface StatusReason {
  /** The id of the user. */
  readonly changedBy?: string | undefined;
  /** At most 2,000 characters. */
  readonly reason?: string | undefined;
  /** The benchmark to use instead of one that is deprecated. */
  readonly successorId?: string | undefined;
}

/** What can change about a benchmark; what is absent stays, `null` removes. */
export interface BenchmarkChanges {
  /** Another name. */
  readonly name?: string | undefined;
  /** Another description. */
  readonly description?: string | undefined;
  /** Another category. */
  readonly category?: BenchmarkCategory | undefined;
  /** Another licence. */
  readonly license?: string | null | undefined;
  /** Another citation. */
  readonly citation?: string | null | undefined;
  /** All the tags that it has then. */
  readonly tags?: readonly string[] | undefined;
  /** All the users who look after it then. */
  readonly maintainers?: readonly string[] | undefined;
}

/** What a list of benchmarks holds; absent parts do not filter. */
export interface BenchmarkFilter {
  /** Benchmarks of this category. */
  readonly category?: BenchmarkCategory | undefined;
  /** Benchmarks of this status. Absent: all but the archived ones. */
  readonly status?: BenchmarkStatus | undefined;
  /** Benchmarks that this user made. */
  readonly author?: string | undefined;
  /** Benchmarks that this user looks after. */
  readonly maintainer?: string | undefined;
  /** Benchmarks that have all of these tags. */
  readonly tags?: readonly string[] | undefined;
  /**
   * Benchmarks with these words in their name, tags or description, in any form of English
   * (`tests` finds `testing`). As in web search, `"a b"` is a phrase, `or` is one, `-a` is without.
   * Whatever the text is, it never fails; without a word to look for it finds nothing.
   */
  readonly text?: string | undefined;
}

/** The rules for a category. */
export const benchmarkCategorySchema: z.ZodType<BenchmarkCategory> = z.enum(BENCHMARK_CATEGORIES);

/** The rules for a status. */
export const benchmarkStatusSchema: z.ZodType<BenchmarkStatus> = z.enum(BENCHMARK_STATUSES);

const rangeSchema: z.ZodType<Metric["range"]> = z.strictObject({
  min: finiteField.optional(),
  max: finiteField.optional(),
}).refine(
  ({ min = -Infinity, max = Infinity }) => min <= max,
  "its minimum must not be above its maximum",
);

const metricSchema: z.ZodType<Metric> = z.strictObject({
  name: textField(1, 100),
  type: textField(1, 100),
  unit: textField(1, 50).optional(),
  higherIsBetter: z.boolean(),
  range: rangeSchema.optional(),
});

const evaluationSchema: z.ZodType<EvaluationCriteria> = z.strictObject({
  primaryMetric: metricSchema,
  secondaryMetrics: z.array(metricSchema).max(100).optional(),
  aggregation: textField(1, 100).optional(),
  normalization: textField(1, 100).optional(),
}).refine(
  ({ primaryMetric, secondaryMetrics = [] }) => haveOwnNames([primaryMetric, ...secondaryMetrics]),
  { path: ["secondaryMetrics"], message: "each metric must have a name of its own" },
);

const datasetSchema: z.ZodType<DatasetReference> = z.strictObject({
  name: textField(1, 200),
  bucket: textField(1, 63),
  key: textField(1, 1_024),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "it must have 64 hexadecimal digits in lower case"),
  size: z.int().min(0),
});

const datasetsSchema: z.ZodType<readonly DatasetReference[]> = z.array(datasetSchema)
  .max(100).refine(haveOwnNames, "each dataset must have a name of its own");

const versionFields = {
  id: idField.optional(),
  version: versionField,
  changelog: textField(0, 50_000).optional(),
  evaluation: evaluationSchema,
  execution: jsonObjectField.optional(),
  datasets: datasetsSchema.optional(),
  testCases: z.array(z.custom<TestCase>()).max(100_000).optional(),
};

/** The rules for a new version, but for its test cases, which are checked one by one. */
export const newBenchmarkVersionSchema: z.ZodType<NewBenchmarkVersion> = z.strictObject(
  versionFields,
);

/** The rules for a later version, but for its test cases. */
export const versionPublicationSchema: z.ZodType<VersionPublication> = z.strictObject({
  ...versionFields,
  createdBy: idField,
});

/** The rules for a new benchmark. */
export const newBenchmarkSchema: z.ZodType<NewBenchmark> = z.strictObject({
  id: idField.optional(),
  slug: slugField,
  name: textField(1, 200),
  description: textField(0, 20_000).optional(),
  category: benchmarkCategorySchema,
  license: textField(1, 100).optional(),
  citation: textField(1, 5_000).optional(),
  tags: tagsField.optional(),
  maintainers: idsField.optional(),
  createdBy: idField,
  version: newBenchmarkVersionSchema,
});

/** The rules for changes. */
export const benchmarkChangesSchema: z.ZodType<BenchmarkChanges> = z.strictObject({
  name: textField(1, 200).optional(),
  description: textField(0, 20_000).optional(),
  category: benchmarkCategorySchema.optional(),
  license: textField(1, 100).nullable().optional(),
  citation: textField(1, 5_000).nullable().optional(),
  tags: tagsField.optional(),
  maintainers: idsField.optional(),
});

/** The rules for who moves a benchmark on, and why. */
export const statusReasonSchema: z.ZodType<StatusReason> = z.strictObject({
  changedBy: idField.optional(),
  reason: textField(1, 2_000).optional(),
  successorId: idField.optional(),
});

/** The rules for a filter. */
export const benchmarkFilterSchema: z.ZodType<BenchmarkFilter> = z.strictObject({
  category: benchmarkCategorySchema.optional(),
  status: benchmarkStatusSchema.optional(),
  author: idField.optional(),
  maintainer: idField.optional(),
  tags: tagsField.optional(),
  text: searchField.optional(),
});

/** The rules for one test case. */
export const testCaseSchema: z.ZodType<TestCase> = z.strictObject({
  name: textField(1, 200),
  input: jsonField,
  expected: jsonField.optional(),
  evaluationMethod: textField(1, 100),
  weight: finiteField.refine((weight) => weight >= 0, "it must be at least 0").optional(),
  tags: tagsField.optional(),
});

function haveOwnNames(things: readonly { readonly name: string }[]): boolean {
  return new Set(things.map(({ name }) => name)).size === things.length;
}
