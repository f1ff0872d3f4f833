import type { BenchmarkStatus } from "./benchmark.ts";
import type { MemberRole } from "./organization.ts";
import type { UserRole } from "./user.ts";
import type { VerificationLevel, Visibility } from "./submission.ts";

export * from "./event_schemas.ts";

/** What identifies a model. */
export interface EventModel {
  /** Who offers the model, such as `openai`. */
  readonly provider: string;
  /** The name of the model. */
  readonly name: string;
  /** The version of the model; may be empty. */
  readonly version: string;
}

/** What happened to a benchmark. */
export type BenchmarkEvent =
  /** A benchmark was created, with its first version. */
  | {
    readonly type: "Created";
    readonly benchmarkId: string;
    readonly name: string;
    readonly createdBy: string;
  }
  /** A new version of a benchmark was published. */
  | {
    readonly type: "Updated";
    readonly benchmarkId: string;
    /** The semantic version that was added. */
    readonly version: string;
    readonly changelog: string;
    readonly updatedBy?: string;
  }
  /** What describes a benchmark changed. */
  | {
    readonly type: "DetailsChanged";
    readonly benchmarkId: string;
    /** The names of the changed fields, without their values. */
    readonly changedFields: readonly string[];
  }
  /** A benchmark moved on in its life, also to `deprecated`. */
  | {
    readonly type: "StatusChanged";
    readonly benchmarkId: string;
    readonly oldStatus: BenchmarkStatus;
    readonly newStatus: BenchmarkStatus;
    readonly changedBy?: string;
    readonly reason?: string;
  }
  /** A benchmark should no longer be used. */
  | {
    readonly type: "Deprecated";
    readonly benchmarkId: string;
    readonly reason: string;
    /** The benchmark to use instead. */
    readonly successorId?: string;
    readonly deprecatedBy?: string;
  };

/** What happened to a submission. */
export type SubmissionEvent =
  /** Results were submitted. */
  | {
    readonly type: "Created";
    readonly submissionId: string;
    readonly benchmarkId: string;
    /** The semantic version of the benchmark. */
    readonly version: string;
    readonly model: EventModel;
    readonly submittedBy: string;
    /** `null` when the run failed and there is no score. */
    readonly aggregateScore: number | null;
  }
  /** Somebody began to verify a submission. */
  | {
    readonly type: "VerificationStarted";
    readonly submissionId: string;
    readonly benchmarkId: string;
    /** The level that the submission has if the verification succeeds. */
    readonly requestedLevel: VerificationLevel;
    readonly startedBy?: string;
  }
  /** A verification ended; `newLevel` equals `oldLevel` when it did not succeed. */
  | {
    readonly type: "VerificationCompleted";
    readonly submissionId: string;
    readonly benchmarkId: string;
    readonly oldLevel: VerificationLevel;
    readonly newLevel: VerificationLevel;
    readonly verifiedBy?: string;
    /** The aggregate score that the verifier got. */
    readonly reproducedScore?: number;
  }
  /** Others see a submission than before; only public ones rank. */
  | {
    readonly type: "VisibilityChanged";
    readonly submissionId: string;
    readonly benchmarkId: string;
    readonly oldVisibility: Visibility;
    readonly newVisibility: Visibility;
  }
  /** Nobody sees a submission any more. */
  | { readonly type: "Deleted"; readonly submissionId: string; readonly benchmarkId: string }
  /** A model has another rank on a board. */
  | {
    readonly type: "LeaderboardPositionChanged";
    readonly submissionId: string;
    readonly benchmarkId: string;
    readonly model: EventModel;
    /** From 1; `null` when the model was not on the board. */
    readonly oldRank: number | null;
    /** From 1; `null` when the model is no longer on the board. */
    readonly newRank: number | null;
  };

/** What happened to a user. Neither e-mail addresses nor passwords are part of events. */
export type UserEvent =
  /** A user was created. */
  | {
    readonly type: "Created";
    readonly userId: string;
    readonly username: string;
    readonly role: UserRole;
  }
  /** A user may do more, or less, than before. */
  | {
    readonly type: "RoleChanged";
    readonly userId: string;
    readonly oldRole: UserRole;
    readonly newRole: UserRole;
    readonly changedBy?: string;
  }
  /** What is known of a user changed: what others see, or whether the e-mail address is verified. */
  | {
    readonly type: "ProfileUpdated";
    readonly userId: string;
    /** The names of the changed fields, without their values. */
    readonly changedFields: readonly string[];
  }
  /** An account was deleted. */
  | { readonly type: "Deleted"; readonly userId: string };

/** What happened to an organization. */
export type OrganizationEvent =
  /** An organization was created; `createdBy` is its first owner. */
  | {
    readonly type: "Created";
    readonly organizationId: string;
    readonly slug: string;
    readonly name: string;
    readonly createdBy: string;
  }
  /** An organization changed. */
  | {
    readonly type: "Updated";
    readonly organizationId: string;
    /** The names of the changed fields, without their values. */
    readonly changedFields: readonly string[];
    readonly updatedBy?: string;
  }
  /** The platform vouches for an organization. */
  | { readonly type: "Verified"; readonly organizationId: string; readonly verifiedBy?: string }
  /** The platform no longer vouches for an organization. */
  | { readonly type: "Unverified"; readonly organizationId: string; readonly reason?: string }
  /** An organization was deleted. */
  | { readonly type: "Deleted"; readonly organizationId: string }
  /** A user joined. */
  | {
    readonly type: "MemberAdded";
    readonly organizationId: string;
    readonly userId: string;
    readonly role: MemberRole;
  }
  /** A user left, or was removed. */
  | { readonly type: "MemberRemoved"; readonly organizationId: string; readonly userId: string }
  /** A member has another role. */
  | {
    readonly type: "MemberRoleChanged";
    readonly organizationId: string;
    readonly userId: string;
    readonly oldRole: MemberRole;
    readonly newRole: MemberRole;
  };

/** What happened to the platform itself. */
export type SystemEvent =
  /** The platform will not be available for a while. */
  | {
    readonly type: "MaintenanceScheduled";
    /** ISO 8601, such as `2026-11-22T10:00:00Z`. */
    readonly startsAt: string;
    /** ISO 8601, such as `2026-11-22T12:00:00Z`. */
    readonly endsAt: string;
    readonly description: string;
  }
  /** A part does not work. */
  | {
    readonly type: "HealthCheckFailed";
    /** The name of the part in the health report, such as `database`. */
    readonly component: string;
    /** Why it does not work, without secrets. */
    readonly error: string;
  }
  /** Cached values were thrown away. */
  | {
    readonly type: "CacheCleared";
    /** Which keys, such as `leaderboard:*`. */
    readonly pattern: string;
    readonly clearedBy?: string;
  };
