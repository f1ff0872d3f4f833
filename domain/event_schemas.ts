import { z } from "zod";
import { BENCHMARK_STATUSES } from "./benchmark.ts";
import type {
  BenchmarkEvent,
  OrganizationEvent,
  SubmissionEvent,
  SystemEvent,
  UserEvent,
} from "./events.ts";
import { MEMBER_ROLES } from "./organization.ts";
import { VERIFICATION_LEVELS, VISIBILITIES } from "./submission.ts";
import { USER_ROLES } from "./user.ts";

const text = z.string().min(1);
const rank = z.int().positive().nullable();
const model = z.object({ provider: text, name: text, version: z.string() });
const status = z.enum(BENCHMARK_STATUSES);
const level = z.enum(VERIFICATION_LEVELS);
const visibility = z.enum(VISIBILITIES);
const userRole = z.enum(USER_ROLES);
const memberRole = z.enum(MEMBER_ROLES);
const instant = z.iso.datetime({ offset: true });

function event<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return z.object({ type: z.literal(type), ...shape });
}

/** Checks a {@linkcode BenchmarkEvent}; members that a later version adds are dropped. */
export const benchmarkEventSchema: z.ZodType<BenchmarkEvent> = z.discriminatedUnion("type", [
  event("Created", { benchmarkId: text, name: text, createdBy: text }),
  event("Updated", {
    benchmarkId: text,
    version: text,
    changelog: z.string(),
    updatedBy: text.optional(),
  }),
  event("DetailsChanged", { benchmarkId: text, changedFields: z.array(text) }),
  event("StatusChanged", {
    benchmarkId: text,
    oldStatus: status,
    newStatus: status,
    changedBy: text.optional(),
    reason: z.string().optional(),
  }),
  event("Deprecated", {
    benchmarkId: text,
    reason: z.string(),
    successorId: text.optional(),
    deprecatedBy: text.optional(),
  }),
]);

/** Checks a {@linkcode SubmissionEvent}; members that a later version adds are dropped. */
export const submissionEventSchema: z.ZodType<SubmissionEvent> = z.discriminatedUnion("type", [
  event("Created", {
    submissionId: text,
    benchmarkId: text,
    version: text,
    model,
    submittedBy: text,
    aggregateScore: z.number().nullable(),
  }),
  event("VerificationStarted", {
    submissionId: text,
    benchmarkId: text,
    requestedLevel: level,
    startedBy: text.optional(),
  }),
  event("VerificationCompleted", {
    submissionId: text,
    benchmarkId: text,
    oldLevel: level,
    newLevel: level,
    verifiedBy: text.optional(),
    reproducedScore: z.number().optional(),
  }),
  event("VisibilityChanged", {
    submissionId: text,
    benchmarkId: text,
    oldVisibility: visibility,
    newVisibility: visibility,
  }),
  event("Deleted", { submissionId: text, benchmarkId: text }),
  event("LeaderboardPositionChanged", {
    submissionId: text,
    benchmarkId: text,
    model,
    oldRank: rank,
    newRank: rank,
  }),
]);

/** Checks a {@linkcode UserEvent}; members that a later version adds are dropped. */
export const userEventSchema: z.ZodType<UserEvent> = z.discriminatedUnion("type", [
  event("Created", { userId: text, username: text, role: userRole }),
  event("RoleChanged", {
    userId: text,
    oldRole: userRole,
    newRole: userRole,
    changedBy: text.optional(),
  }),
  event("ProfileUpdated", { userId: text, changedFields: z.array(text) }),
  event("Deleted", { userId: text }),
]);

/** Checks an {@linkcode OrganizationEvent}; members that a later version adds are dropped. */
export const organizationEventSchema: z.ZodType<OrganizationEvent> = z.discriminatedUnion("type", [
  event("Created", { organizationId: text, slug: text, name: text, createdBy: text }),
  event("Updated", {
    organizationId: text,
    changedFields: z.array(text),
    updatedBy: text.optional(),
  }),
  event("Verified", { organizationId: text, verifiedBy: text.optional() }),
  event("Unverified", { organizationId: text, reason: z.string().optional() }),
  event("Deleted", { organizationId: text }),
  event("MemberAdded", { organizationId: text, userId: text, role: memberRole }),
  event("MemberRemoved", { organizationId: text, userId: text }),
  event("MemberRoleChanged", {
    organizationId: text,
    userId: text,
    oldRole: memberRole,
    newRole: memberRole,
  }),
]);

/** Checks a {@linkcode SystemEvent}; members that a later version adds are dropped. */
export const systemEventSchema: z.ZodType<SystemEvent> = z.discriminatedUnion("type", [
  event("MaintenanceScheduled", { startsAt: instant, endsAt: instant, description: z.string() }),
  event("HealthCheckFailed", { component: text, error: z.string() }),
  event("CacheCleared", { pattern: text, clearedBy: text.optional() }),
]);
