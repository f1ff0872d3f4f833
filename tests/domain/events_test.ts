import assert from "node:assert/strict";
import {
  type BenchmarkEvent,
  benchmarkEventSchema,
  type OrganizationEvent,
  organizationEventSchema,
  type SubmissionEvent,
  submissionEventSchema,
  type SystemEvent,
  systemEventSchema,
  type UserEvent,
  userEventSchema,
} from "../../domain/events.ts";
import { test } from "node:test";
import type { z } from "zod";

const model = { provider: "openai", name: "gpt-5", version: "2026-01" };

const BENCHMARK: readonly BenchmarkEvent[] = [
  { type: "Created", benchmarkId: "bench-123", name: "Test Benchmark", createdBy: "user-456" },
  { type: "Updated", benchmarkId: "b", version: "1.1.0", changelog: "", updatedBy: "u" },
  {
    type: "StatusChanged",
    benchmarkId: "b",
    oldStatus: "under_review",
    newStatus: "active",
    changedBy: "u",
    reason: "reviewed",
  },
  { type: "DetailsChanged", benchmarkId: "b", changedFields: ["tags"] },
  { type: "Deprecated", benchmarkId: "b", reason: "leaked", successorId: "b2", deprecatedBy: "u" },
];

const SUBMISSION: readonly SubmissionEvent[] = [
  {
    type: "Created",
    submissionId: "s",
    benchmarkId: "b",
    version: "1.0.0",
    model,
    submittedBy: "u",
    aggregateScore: null,
  },
  {
    type: "VerificationStarted",
    submissionId: "s",
    benchmarkId: "b",
    requestedLevel: "platform_verified",
    startedBy: "u",
  },
  {
    type: "VerificationCompleted",
    submissionId: "s",
    benchmarkId: "b",
    oldLevel: "unverified",
    newLevel: "audited",
    verifiedBy: "u",
    reproducedScore: -0.5,
  },
  {
    type: "VisibilityChanged",
    submissionId: "s",
    benchmarkId: "b",
    oldVisibility: "public",
    newVisibility: "private",
  },
  { type: "Deleted", submissionId: "s", benchmarkId: "b" },
  {
    type: "LeaderboardPositionChanged",
    submissionId: "s",
    benchmarkId: "b",
    model,
    oldRank: null,
    newRank: 1,
  },
];

const USER: readonly UserEvent[] = [
  { type: "Created", userId: "u", username: "ada", role: "registered" },
  { type: "RoleChanged", userId: "u", oldRole: "registered", newRole: "admin", changedBy: "u2" },
  { type: "ProfileUpdated", userId: "u", changedFields: ["displayName"] },
  { type: "Deleted", userId: "u" },
];

const ORGANIZATION: readonly OrganizationEvent[] = [
  { type: "Created", organizationId: "o", slug: "lab", name: "Lab", createdBy: "u" },
  { type: "Updated", organizationId: "o", changedFields: ["name"], updatedBy: "u" },
  { type: "Verified", organizationId: "o", verifiedBy: "u" },
  { type: "Unverified", organizationId: "o", reason: "moved" },
  { type: "Deleted", organizationId: "o" },
  { type: "MemberAdded", organizationId: "o", userId: "u", role: "owner" },
  { type: "MemberRemoved", organizationId: "o", userId: "u" },
  {
    type: "MemberRoleChanged",
    organizationId: "o",
    userId: "u",
    oldRole: "member",
    newRole: "admin",
  },
];

const SYSTEM: readonly SystemEvent[] = [
  {
    type: "MaintenanceScheduled",
    startsAt: "2026-11-22T10:00:00Z",
    endsAt: "2026-11-22T12:00:00+01:00",
    description: "",
  },
  { type: "HealthCheckFailed", component: "database", error: "it does not answer" },
  { type: "CacheCleared", pattern: "leaderboard:*", clearedBy: "u" },
];

const ALL: readonly (readonly [z.ZodType, readonly object[]])[] = [
  [benchmarkEventSchema, BENCHMARK],
  [submissionEventSchema, SUBMISSION],
  [userEventSchema, USER],
  [organizationEventSchema, ORGANIZATION],
  [systemEventSchema, SYSTEM],
];

test("every event survives JSON", () => {
  for (const [schema, events] of ALL) {
    for (const event of events) {
      assert.deepEqual(schema.parse(JSON.parse(JSON.stringify(event))), event);
    }
  }
});

/** The members that a publisher may leave out, by variant; all the others have to be there. */
const OPTIONAL: Readonly<Record<string, readonly string[]>> = {
  Updated: ["updatedBy"],
  StatusChanged: ["changedBy", "reason"],
  Deprecated: ["successorId", "deprecatedBy"],
  VerificationStarted: ["startedBy"],
  VerificationCompleted: ["verifiedBy", "reproducedScore"],
  RoleChanged: ["changedBy"],
  Verified: ["verifiedBy"],
  Unverified: ["reason"],
  CacheCleared: ["clearedBy"],
};

test("an event lacks no member but those that may be unknown", () => {
  for (const [schema, events] of ALL) {
    for (const event of events as readonly { readonly type: string }[]) {
      const may = Object.keys(event).filter((name) =>
        schema.safeParse({ ...event, [name]: undefined }).success
      );
      assert.deepEqual(may.sort(), [...OPTIONAL[event.type] ?? []].sort(), event.type);
    }
  }
});

test("members that a later version adds are dropped", () => {
  for (const [schema, events] of ALL) {
    for (const event of events) assert.deepEqual(schema.parse({ ...event, later: 1 }), event);
  }
});

test("an unknown variant or value is refused", () => {
  for (const [schema, events] of ALL) {
    for (const event of events) {
      assert.equal(schema.safeParse({ ...event, type: "Exploded" }).success, false);
    }
  }
  const [, , statusChanged] = BENCHMARK;
  const [created, , completed, , , moved] = SUBMISSION;
  const refused: readonly (readonly [z.ZodType, unknown])[] = [
    [benchmarkEventSchema, { ...statusChanged, newStatus: "Active" }],
    [submissionEventSchema, { ...created, aggregateScore: NaN }],
    [submissionEventSchema, { ...completed, newLevel: "verified" }],
    [submissionEventSchema, { ...moved, newRank: 0 }],
    [submissionEventSchema, { ...moved, newRank: 1.5 }],
    [userEventSchema, { ...USER[1], newRole: "root" }],
    [organizationEventSchema, { ...ORGANIZATION[5], role: "guest" }],
    [systemEventSchema, { ...SYSTEM[0], startsAt: "tomorrow" }],
    [systemEventSchema, "Created"],
  ];
  for (const [schema, event] of refused) {
    assert.equal(schema.safeParse(event).success, false, JSON.stringify(event));
  }
});
