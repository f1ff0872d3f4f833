import { type RawBuilder, sql } from "kysely";
import { insertEvent } from "../outbox/insert_event.ts";
import { type Statement, statement, type StatementInfo } from "../statement.ts";
import type { SubmissionRow } from "./submission_rows.ts";
import {
  COLUMNS,
  SUBMISSION_EVENT,
  SUBMISSION_MEMBERS,
  SUBMISSION_METRICS,
  TABLE_COLUMNS,
} from "./submission_statements.ts";

interface VerificationInput {
  readonly id: string;
  readonly expectedRevision: number | undefined;
  readonly verification: string;
  readonly verifiedBy: string | undefined;
  readonly notes: string | undefined;
  readonly events: boolean;
}

/** Sets how far a submission is to be trusted. */
export const updateVerification: Statement<VerificationInput, SubmissionRow> = statement(
  "update verification of submission",
  COLUMNS,
  (_, p: VerificationInput) =>
    // The row is locked before it is changed, to see what it was.
    sql<SubmissionRow>`with old as (
      select s.id as old_id, s.verification as old_verification from submissions s
      ${current(p)} for no key update
    ), s as (
      update submissions s set
        verification = ${p.verification}::text,
        verified_by = ${p.verifiedBy}::uuid,
        verified_at = case when ${p.verification}::text = 'unverified' then null else now() end,
        verification_notes = ${p.notes}::text,
        updated_at = now(), revision = s.revision + 1
      from old where s.id = old_id returning s.*, old_verification
    ), event as (${
      insertEvent({
        ...SUBMISSION_EVENT,
        type: "VerificationCompleted",
        members: {
          ...SUBMISSION_MEMBERS,
          oldLevel: sql`s.old_verification`,
          newLevel: sql`s.verification`,
        },
        optional: { verifiedBy: sql`s.verified_by` },
        from: sql`s`,
        enabled: p.events,
      })
    })
    select ${TABLE_COLUMNS}, ${SUBMISSION_METRICS} as metrics from s`,
);

interface VisibilityInput {
  readonly id: string;
  readonly expectedRevision: number | undefined;
  readonly visibility: string;
  readonly events: boolean;
}

/** Sets who sees a submission. */
export const updateVisibility: Statement<VisibilityInput, SubmissionRow> = statement(
  "update visibility of submission",
  COLUMNS,
  (_, p: VisibilityInput) =>
    sql<SubmissionRow>`with old as (
      select s.id as old_id, s.visibility as old_visibility from submissions s
      ${current(p)} for no key update
    ), s as (
      update submissions s set visibility = ${p.visibility}::text,
        updated_at = now(), revision = s.revision + 1
      from old where s.id = old_id returning s.*, old_visibility
    ), event as (${
      insertEvent({
        ...SUBMISSION_EVENT,
        type: "VisibilityChanged",
        members: {
          ...SUBMISSION_MEMBERS,
          oldVisibility: sql`s.old_visibility`,
          newVisibility: sql`s.visibility`,
        },
        from: sql`s`,
        where: sql`s.visibility <> s.old_visibility`,
        enabled: p.events,
      })
    })
    select ${TABLE_COLUMNS}, ${SUBMISSION_METRICS} as metrics from s`,
);

/** Hides a submission from everything. */
export const deleteSubmission: Statement<DeletionInput, { id: string }> = statement(
  "delete submission",
  { id: "uuid" },
  (_, p: DeletionInput) =>
    sql<{ id: string }>`with s as (
      update submissions s set deleted_at = now(), updated_at = now(), revision = s.revision + 1
      ${current(p)} returning s.*
    ), event as (${
      insertEvent({
        ...SUBMISSION_EVENT,
        type: "Deleted",
        members: SUBMISSION_MEMBERS,
        from: sql`s`,
        enabled: p.events,
      })
    }) select s.id from s`,
);

interface DeletionInput extends Revisioned {
  readonly events: boolean;
}

interface Revisioned {
  readonly id: string;
  readonly expectedRevision: number | undefined;
}

function current(p: Revisioned): RawBuilder<unknown> {
  return sql`where s.id = ${p.id}::uuid and s.deleted_at is null
    and s.revision = coalesce(${p.expectedRevision}::integer, s.revision)`;
}

/** Every statement of this file, for `verify`. */
export const SUBMISSION_CHANGE_STATEMENTS: readonly StatementInfo[] = [
  updateVerification,
  updateVisibility,
  deleteSubmission,
];
