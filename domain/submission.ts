import { z } from "zod";
import type { JsonValue } from "../core/json.ts";
import { kindOf } from "../core/shown_value.ts";
import { finiteField, idField, jsonObjectField, textField } from "./fields.ts";

/** How far a result is to be trusted, from least to most. */
export const VERIFICATION_LEVELS = [
  "unverified",
  "community_verified",
  "platform_verified",
  "audited",
] as const;

/** One of {@linkcode VERIFICATION_LEVELS}. */
export type VerificationLevel = typeof VERIFICATION_LEVELS[number];

/** Who sees a submission. Only public ones stand on leaderboards. */
export const VISIBILITIES = ["public", "unlisted", "private"] as const;

/** One of {@linkcode VISIBILITIES}. */
export type Visibility = typeof VISIBILITIES[number];

/** Which model produced a result. Provider, name and version together identify it. */
export interface Model {
  /** Who makes it, such as `openai`. */
  readonly provider: string;
  /** Such as `gpt-4`. */
  readonly name: string;
  /** Such as `2024-05-13`. Default: empty. */
  readonly version?: string | undefined;
  /** Whether its provider submitted it. Default: `false`. */
  readonly official?: boolean | undefined;
}

/** A range that holds the true score with a probability. */
export interface ConfidenceInterval {
  /** Its lower end. */
  readonly low: number;
  /** Its upper end. */
  readonly high: number;
  /** The probability, between 0 and 1. */
  readonly level: number;
}

/** The result of one test case. */
export interface CaseResult {
  /** The name of the test case; unique in the submission. It may be one that only the dataset has. */
  readonly caseName: string;
  /** Whether it was solved. */
  readonly passed?: boolean | undefined;
  /** Its score. */
  readonly score?: number | undefined;
  /** How long it took, in milliseconds. */
  readonly durationMs?: number | undefined;
  /** What the model answered, up to 1,000,000 characters. */
  readonly output?: string | undefined;
}

/** A result of a model on a version of a benchmark. What it claims never changes. */
export interface Submission {
  /** UUID. */
  readonly id: string;
  /** The benchmark. */
  readonly benchmarkId: string;
  /** The version of the benchmark. */
  readonly versionId: string;
  /** The model. */
  readonly model: Required<Model>;
  /** The user who submitted it. */
  readonly submittedBy: string;
  /** The organization for which it was submitted. */
  readonly organizationId: string | undefined;
  /** Whether the organization is the provider of the model, and checked. */
  readonly verifiedProvider: boolean;
  /** `failed` has no score and never ranks. */
  readonly status: "completed" | "failed";
  /** The value of the primary metric. */
  readonly score: number | undefined;
  /** How certain the score is. */
  readonly confidenceInterval: ConfidenceInterval | undefined;
  /** The values of all metrics by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Why it failed. */
  readonly failure: string | undefined;
  /** How the model was run. */
  readonly execution: Readonly<Record<string, JsonValue>>;
  /** How far it is to be trusted. */
  readonly verification: VerificationLevel;
  /** The user who verified it. */
  readonly verifiedBy: string | undefined;
  /** When that was. */
  readonly verifiedAt: Date | undefined;
  /** What the verifier had to say. */
  readonly verificationNotes: string | undefined;
  /** Who sees it. */
  readonly visibility: Visibility;
  /** When it was submitted. */
  readonly createdAt: Date;
  /** When it last changed. */
  readonly updatedAt: Date;
  /** Counts changes; an update names the one it saw. */
  readonly revision: number;
}

/** What a new submission needs: a `score`, or a `failure`. */
export interface NewSubmission {
  /** Default: a new id. */
  readonly id?: string | undefined;
  /** The version of the benchmark. */
  readonly versionId: string;
  /** The model. */
  readonly model: Model;
  /** The user who submits. */
  readonly submittedBy: string;
  /** The organization for which. */
  readonly organizationId?: string | undefined;
  /** Default: `false`. */
  readonly verifiedProvider?: boolean | undefined;
  /** The value of the primary metric: finite, and in its range. */
  readonly score?: number | undefined;
  /** Why there is no score, up to 5,000 characters. */
  readonly failure?: string | undefined;
  /** How certain the score is. */
  readonly confidenceInterval?: ConfidenceInterval | undefined;
  /** The values of other metrics by name, up to 1,000. */
  readonly metrics?: Readonly<Record<string, number>> | undefined;
  /** Results of test cases, up to 100,000. */
  readonly results?: readonly CaseResult[] | undefined;
  /** How the model was run. */
  readonly execution?: Readonly<Record<string, JsonValue>> | undefined;
  /** Default: `public`. */
  readonly visibility?: Visibility | undefined;
}

/** A judgement of how far a submission is to be trusted. */
export interface VerificationChange {
  /** The new level. */
  readonly level: VerificationLevel;
  /** The user who judges. */
  readonly verifiedBy?: string | undefined;
  /** What the verifier has to say, up to 5,000 characters. */
  readonly notes?: string | undefined;
}

/** One line of a leaderboard: the best public result of a model. */
export interface LeaderboardEntry {
  /** 1 is best; equal scores share a rank and the next one is skipped ("1224"). */
  readonly rank: number;
  /** The submission. */
  readonly submissionId: string;
  /** The model. */
  readonly model: Required<Model>;
  /** The value of the primary metric. */
  readonly score: number;
  /** How far it is to be trusted. */
  readonly verification: VerificationLevel;
  /** When it was submitted. */
  readonly submittedAt: Date;
}

/** What nobody sees would make two models look like one, and take two places on a board. */
function modelText(minLength: number): z.ZodType<string> {
  const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
  return textField(minLength, 200).refine(
    (text) => !invisible.test(text),
    "it must not contain control characters or invisible ones",
  ).refine((text) => text.trim() === text, "it must not begin or end with white space");
}

const intervalSchema: z.ZodType<ConfidenceInterval> = z.strictObject({
  low: finiteField,
  high: finiteField,
  level: finiteField.refine((level) => level > 0 && level < 1, "it must be between 0 and 1"),
}).refine(({ low, high }) => low <= high, "its low end must not be above its high end");

/** `z.record` drops a `__proto__` key in silence, so that is looked for before. */
const metricsSchema: z.ZodType<Readonly<Record<string, number>>> = z
  .custom<Record<string, unknown>>(
    (value) => kindOf(value) === "object",
    "it must be an object",
  )
  .refine((metrics) => !Object.hasOwn(metrics, "__proto__"), {
    path: ["__proto__"],
    message: "it cannot be the name of a metric",
  })
  .refine((metrics) => Object.keys(metrics).length <= 1_000, "it must have at most 1,000 metrics")
  .pipe(z.record(textField(1, 100), finiteField));

/** The rules for a model. */
export const modelSchema: z.ZodType<Model> = z.strictObject({
  provider: modelText(1),
  name: modelText(1),
  version: modelText(0).optional(),
  official: z.boolean().optional(),
});

/** The rules for who sees a submission. */
export const visibilitySchema: z.ZodType<Visibility> = z.enum(VISIBILITIES);

/** The rules for a judgement. */
export const verificationChangeSchema: z.ZodType<VerificationChange> = z.strictObject({
  level: z.enum(VERIFICATION_LEVELS),
  verifiedBy: idField.optional(),
  notes: textField(1, 5_000).optional(),
});

/** Whoever stores them looks into each, which for 100,000 takes more than a schema. */
const resultsSchema: z.ZodType<readonly CaseResult[]> = z.custom<readonly CaseResult[]>(
  (value) => Array.isArray(value),
  "it must be an array",
).refine((results) => results.length <= 100_000, "it must have at most 100,000 results");

/** The rules for a new submission, but for its case results, which are checked one by one. */
export const newSubmissionSchema: z.ZodType<NewSubmission> = z.strictObject({
  id: idField.optional(),
  versionId: idField,
  model: modelSchema,
  submittedBy: idField,
  organizationId: idField.optional(),
  verifiedProvider: z.boolean().optional(),
  score: finiteField.optional(),
  failure: textField(1, 5_000).optional(),
  confidenceInterval: intervalSchema.optional(),
  metrics: metricsSchema.optional(),
  results: resultsSchema.optional(),
  execution: jsonObjectField.optional(),
  visibility: visibilitySchema.optional(),
}).refine(
  ({ score, failure }) => (score === undefined) !== (failure === undefined),
  { path: ["score"], message: "give a score or a failure, and not both" },
);
