import { type RawBuilder, sql } from "kysely";
import type { MemberFilter } from "../../domain/organization.ts";
import type { KeysetList } from "../keyset.ts";
import { insertEvent } from "../outbox/insert_event.ts";
import { queryBuilder } from "../query_builder.ts";
import type { Schema } from "../schema.ts";
import { type RowOf, type Statement, statement, type StatementInfo } from "../statement.ts";
import { listStatements } from "./list_statement.ts";
import { ORGANIZATION_COLUMNS } from "./organization_statements.ts";

/** Who belongs to what. */
export interface MembershipKey {
  readonly organizationId: string;
  readonly userId: string;
}

const MEMBER_COLUMNS = {
  organization_id: "uuid",
  user_id: "uuid",
  username: "text",
  role: "text",
  joined_at: "timestamptz",
} as const;

const MEMBERSHIP_COLUMNS = {
  ...ORGANIZATION_COLUMNS,
  member_role: "text",
  joined_at: "timestamptz",
} as const;

/** A member of an organization as the database has it. */
export type MemberRow = RowOf<typeof MEMBER_COLUMNS>;

/** An organization of a user as the database has it. */
export type MembershipRow = RowOf<typeof MEMBERSHIP_COLUMNS>;

/**
 * Keeps others from deleting the user, or changing the memberships of the user, until the
 * transaction ends. Returns the id, or nothing if the user is missing.
 *
 * Locks are updates that change nothing: unlike `for update` they also fail the transactions that
 * still see what was before, at the isolation levels that do. The user is always locked before
 * organizations, so that nobody deadlocks.
 */
export const lockUser: Statement<{ id: string }, { id: string }> = statement(
  "lock user",
  { id: "uuid" },
  (db, p: { id: string }) =>
    db.updateTable("users").set({ revision: sql`revision` })
      .where("id", "=", p.id).where("deleted_at", "is", null).returning("id"),
);

/**
 * Keeps others from changing the owners of the organization. Returns the id, or nothing if it is
 * missing.
 */
export const lockOrganization: Statement<{ id: string }, { id: string }> = statement(
  "lock organization",
  { id: "uuid" },
  (db, p: { id: string }) =>
    db.updateTable("organizations").set({ revision: sql`revision` })
      .where("id", "=", p.id).where("deleted_at", "is", null).returning("id"),
);

/** The same for every organization that the user owns, in the order of their ids. */
export const lockOwnedOrganizations: Statement<{ userId: string }, { id: string }> = statement(
  "lock owned organizations",
  { id: "uuid" },
  (_, p: { userId: string }) =>
    sql<{ id: string }>`
with owned as (
  select organizations.id from organizations
  join organization_members on organization_id = organizations.id
  where user_id = ${p.userId} and role = 'owner' and deleted_at is null
  order by organizations.id
  for no key update of organizations
)
update organizations set revision = revision from owned where organizations.id = owned.id
returning organizations.id`,
);

/** Whether the organization of `mine` has another owner. */
const ANOTHER_OWNER = sql<boolean>`exists (
  select from organization_members other join users on users.id = other.user_id
  where other.organization_id = mine.organization_id and other.user_id <> mine.user_id
    and other.role = 'owner' and users.deleted_at is null
)`;

/** Returns the member's role and whether somebody else is an owner, or nothing. */
export const readRole: Statement<MembershipKey, { role: string; another_owner: boolean }> =
  statement(
    "read member role",
    { role: "text", another_owner: "bool" },
    (_, p: MembershipKey) =>
      sql<{ role: string; another_owner: boolean }>`
select mine.role, ${ANOTHER_OWNER} as another_owner from organization_members mine
where mine.organization_id = ${p.organizationId} and mine.user_id = ${p.userId}`,
  );

/** Returns an organization that has the user as its only owner, or nothing. */
export const findOwnedAlone: Statement<{ userId: string }, { id: string }> = statement(
  "find organization with one owner",
  { id: "uuid" },
  (_, p: { userId: string }) =>
    sql<{ id: string }>`
select organizations.id from organization_members mine
join organizations on organizations.id = mine.organization_id
where mine.user_id = ${p.userId} and mine.role = 'owner' and organizations.deleted_at is null
  and not ${ANOTHER_OWNER}
limit 1`,
);

/** What a change of a membership needs. */
interface MembershipChange extends MembershipKey {
  /** Whether to write an event. */
  readonly events: boolean;
}

/** What the events of memberships have in common. */
const MEMBER_EVENT = {
  aggregate: "organization",
  id: sql`organization_id`,
  from: sql`member`,
} as const;

const KEY_MEMBERS = { organizationId: sql`organization_id`, userId: sql`user_id` };

/** Returns the new member, or nothing if the user is a member already. */
export const insertMember: Statement<MembershipChange & { role: string }, MemberRow> = statement(
  "add member",
  MEMBER_COLUMNS,
  (_, p: MembershipChange & { role: string }) =>
    sql<MemberRow>`
with member as (
  insert into organization_members (organization_id, user_id, role)
  values (${p.organizationId}, ${p.userId}, ${p.role})
  on conflict (organization_id, user_id) do nothing
  returning *
), event as (${
      insertEvent({
        ...MEMBER_EVENT,
        type: "MemberAdded",
        members: { ...KEY_MEMBERS, role: sql`role` },
        enabled: p.events,
      })
    })
select organization_id, user_id, username, member.role, joined_at
from member join users on users.id = user_id`,
);

/** The parameters of {@linkcode setRole}. */
interface RoleChange extends MembershipChange {
  readonly role: string;
  /** What it was, in the same transaction. */
  readonly oldRole: string;
}

/** Returns the member. */
export const setRole: Statement<RoleChange, MemberRow> = statement(
  "update member role",
  MEMBER_COLUMNS,
  (_, p: RoleChange) =>
    sql<MemberRow>`
with member as (
  update organization_members member set role = ${p.role} from users
  where users.id = user_id and organization_id = ${p.organizationId} and user_id = ${p.userId}
  returning organization_id, user_id, username, member.role, joined_at
), event as (${
      insertEvent({
        ...MEMBER_EVENT,
        type: "MemberRoleChanged",
        members: { ...KEY_MEMBERS, oldRole: sql`${p.oldRole}::text`, newRole: sql`role` },
        where: sql`role <> ${p.oldRole}::text`,
        enabled: p.events,
      })
    })
select * from member`,
);

/** Returns nothing. */
export const deleteMember: Statement<MembershipChange, object> = statement(
  "remove member",
  {},
  (_, p: MembershipChange) =>
    removal(
      sql`organization_id = ${p.organizationId}::uuid and user_id = ${p.userId}::uuid`,
      p.events,
    ),
);

/**
 * Returns nothing. Nobody else changes a membership of the user, who is locked; so the events about it keep their order
 * although not every organization is locked.
 */
export const deleteMemberships: Statement<{ userId: string; events: boolean }, object> = statement(
  "remove memberships",
  {},
  (_, p: { userId: string; events: boolean }) =>
    removal(sql`user_id = ${p.userId}::uuid`, p.events),
);

/** Returns nothing. */
export const deleteMaintainerships: Statement<{ userId: string }, Record<never, never>> = statement(
  "remove maintainer of benchmarks",
  {},
  (db, p: { userId: string }) =>
    db.deleteFrom("benchmark_maintainers").where("user_id", "=", p.userId),
);

/** The tables of both lists. */
type Joined = "organization_members" | "organizations" | "users";

/** The members of an organization that match, in the order in which they joined. */
export function memberList(
  organizationId: string,
  { role }: MemberFilter,
): KeysetList<Schema, Joined, MemberRow> {
  const members = liveMemberships().where("organization_id", "=", organizationId).select([
    "organization_id",
    "user_id",
    "username",
    "organization_members.role",
    "joined_at",
  ]);
  return {
    operation: "list members",
    columns: MEMBER_COLUMNS,
    identity: ["members", organizationId, role],
    query: role === undefined ? members : members.where("organization_members.role", "=", role),
    sort: [
      { column: "organization_members.joined_at", type: "timestamptz" },
      { column: "organization_members.user_id", type: "uuid" },
    ],
    descending: false,
  };
}

/** The organizations of a user, in the order in which the user joined. */
export function membershipList(userId: string): KeysetList<Schema, Joined, MembershipRow> {
  const names = Object.keys(ORGANIZATION_COLUMNS) as (keyof typeof ORGANIZATION_COLUMNS)[];
  return {
    operation: "list memberships",
    columns: MEMBERSHIP_COLUMNS,
    identity: ["memberships", userId],
    query: liveMemberships().where("user_id", "=", userId)
      .select(names.map((name) => `organizations.${name}` as const))
      .select(["organization_members.role as member_role", "joined_at"]),
    sort: [
      { column: "organization_members.joined_at", type: "timestamptz" },
      { column: "organization_members.organization_id", type: "uuid" },
    ],
    descending: false,
  };
}

/** Every statement about members, for `verify`. */
export const MEMBERSHIP_STATEMENTS: readonly StatementInfo[] = [
  lockUser,
  lockOrganization,
  lockOwnedOrganizations,
  readRole,
  findOwnedAlone,
  insertMember,
  setRole,
  deleteMember,
  deleteMemberships,
  deleteMaintainerships,
  ...listStatements(() => memberList("", { role: "owner" })),
  ...listStatements(() => membershipList("")),
];

/** Deleted organizations keep their members, and say nothing about them any more. */
function removal(which: RawBuilder<unknown>, events: boolean): RawBuilder<object> {
  return sql<object>`
with member as (
  delete from organization_members where ${which} returning organization_id, user_id
), event as (${
    insertEvent({
      ...MEMBER_EVENT,
      type: "MemberRemoved",
      members: KEY_MEMBERS,
      where: sql`exists (
        select from organizations where id = organization_id and deleted_at is null
      )`,
      enabled: events,
    })
  })
select from member`;
}

/** Without those of deleted users and organizations. */
function liveMemberships() {
  return queryBuilder.selectFrom("organization_members")
    .innerJoin("organizations", "organizations.id", "organization_id")
    .innerJoin("users", "users.id", "user_id")
    .where("organizations.deleted_at", "is", null)
    .where("users.deleted_at", "is", null);
}
