import { type RawBuilder, type SelectQueryBuilder, sql } from "kysely";
import { z } from "zod";
import type { User, UserFilter, UserProfile, UserRole } from "../../domain/user.ts";
import type { KeysetList } from "../keyset.ts";
import { containsPattern } from "../like_pattern.ts";
import { insertEvent, type RowEvent } from "../outbox/insert_event.ts";
import { queryBuilder } from "../query_builder.ts";
import type { Schema } from "../schema.ts";
import { type RowOf, type Statement, statement, type StatementInfo } from "../statement.ts";
import { listStatements } from "./list_statement.ts";
import { parseStored } from "./stored_json.ts";

/** What a `User` is made of: everything but the password hash. */
const USER_COLUMNS = {
  id: "uuid",
  email: "text",
  username: "text",
  display_name: "text?",
  role: "text",
  profile: "jsonb",
  email_verified: "bool",
  last_active_at: "timestamptz?",
  created_at: "timestamptz",
  updated_at: "timestamptz",
  revision: "int4",
} as const;

const COLUMN_NAMES = Object.keys(USER_COLUMNS) as (keyof typeof USER_COLUMNS)[];

const COLUMN_LIST = sql.join(COLUMN_NAMES.map((name) => sql.ref(name)));

/** What the events of users have in common. */
const USER_EVENT = { aggregate: "user", id: sql`id`, from: sql`changed` } as const;

/** A user as the database has it, without the password hash. */
export type UserRow = RowOf<typeof USER_COLUMNS>;

/** The user of a row. */
export function toUser(row: UserRow): User {
  return {
    id: row.id,
    email: row.email,
    username: row.username,
    displayName: row.display_name ?? undefined,
    role: row.role as UserRole,
    profile: parseStored(storedProfile, row.profile, "user profile"),
    emailVerified: row.email_verified,
    lastActiveAt: row.last_active_at ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision: row.revision,
  };
}

/** The parameters of {@linkcode createUser}. */
export interface CreateUserInput {
  readonly id: string;
  readonly email: string;
  readonly username: string;
  readonly displayName: string | undefined;
  readonly role: string;
  /** JSON. */
  readonly profile: string;
  readonly passwordHash: string | undefined;
  readonly events: boolean;
}

/** Returns the new user. */
export const createUser: Statement<CreateUserInput, UserRow> = statement(
  "create user",
  USER_COLUMNS,
  (_, p: CreateUserInput) =>
    sql<UserRow>`
      with changed as (
        insert into users (id, email, username, display_name, role, profile, password_hash)
        values (
          ${p.id}, ${p.email}, ${p.username}, ${p.displayName}, ${p.role},
          ${p.profile}::text::jsonb, ${p.passwordHash}
        ) returning *
      ), event as (${
      insertEvent({
        ...USER_EVENT,
        type: "Created",
        members: { userId: sql`id`, username: sql`username`, role: sql`role` },
        enabled: p.events,
      })
    }) select ${COLUMN_LIST} from changed`,
);

/** Returns the user, or nothing. */
export const getUserById: Statement<{ id: string }, UserRow> = statement(
  "get user by id",
  USER_COLUMNS,
  (_, p: { id: string }) => liveUsers().select(COLUMN_NAMES).where("id", "=", p.id),
);

/** Returns the user, or nothing. */
export const getUserByEmail: Statement<{ email: string }, UserRow> = statement(
  "get user by e-mail",
  USER_COLUMNS,
  (_, p: { email: string }) =>
    liveUsers().select(COLUMN_NAMES).where(sameIgnoringCase("email", p.email)),
);

/** Returns the user, or nothing. */
export const getUserByUsername: Statement<{ username: string }, UserRow> = statement(
  "get user by username",
  USER_COLUMNS,
  (_, p: { username: string }) =>
    liveUsers().select(COLUMN_NAMES).where(sameIgnoringCase("username", p.username)),
);

/** The only statement that returns the hash. */
export const getCredentials: Statement<
  { email: string },
  { id: string; password_hash: string | null }
> = statement(
  "get credentials",
  { id: "uuid", password_hash: "text?" },
  (_, p: { email: string }) =>
    liveUsers().select(["id", "password_hash"]).where(sameIgnoringCase("email", p.email)),
);

/** Which user an update is about, and at which revision; `null` for any. */
export interface UserTarget {
  readonly id: string;
  readonly expectedRevision: number | null;
  /** Whether to write an event, if there is one. */
  readonly events: boolean;
}

/** The parameters of {@linkcode updateProfile}. */
export interface UpdateProfileInput extends UserTarget {
  /** Whether to change the display name. */
  readonly renamed: boolean;
  readonly displayName: string | null | undefined;
  /** JSON, or `undefined` to leave the profile. */
  readonly profile: string | undefined;
}

/** Returns the user, or nothing if it is missing or has another revision. */
export const updateProfile: Statement<UpdateProfileInput, UserRow> = userUpdate(
  "update profile of user",
  (p: UpdateProfileInput) =>
    sql`
      display_name = case when ${p.renamed}::bool then ${p.displayName}::text else display_name end,
      profile = coalesce(${p.profile}::text::jsonb, profile)`,
  {
    type: "ProfileUpdated",
    members: { userId: sql`id`, changedFields: sql`changed_fields` },
    from: sql`changed, lateral (select array_remove(array[
        case when display_name is distinct from old_display_name then 'displayName' end,
        case when profile is distinct from old_profile then 'profile' end
      ], null) as changed_fields) as difference`,
    where: sql`changed_fields <> '{}'`,
  },
);

/** Returns the user, or nothing if it is missing or has another revision. */
export const updateRole: Statement<UserTarget & { role: string }, UserRow> = userUpdate(
  "update role of user",
  (p: UserTarget & { role: string }) => sql`role = ${p.role}`,
  {
    type: "RoleChanged",
    members: { userId: sql`id`, oldRole: sql`old_role`, newRole: sql`role` },
    where: sql`role <> old_role`,
  },
);

/** Returns the user, or nothing if it is missing or has another revision. */
export const updateEmailVerified: Statement<UserTarget & { verified: boolean }, UserRow> =
  userUpdate(
    "update e-mail verification of user",
    (p: UserTarget & { verified: boolean }) => sql`email_verified = ${p.verified}`,
    {
      type: "ProfileUpdated",
      members: {
        userId: sql`id`,
        changedFields: sql`array['emailVerified']`,
      },
      where: sql`email_verified <> old_email_verified`,
    },
  );

/** Returns the user, or nothing if it is missing or has another revision. */
export const updatePassword: Statement<UserTarget & { passwordHash: string }, UserRow> = userUpdate(
  "update password of user",
  (p: UserTarget & { passwordHash: string }) => sql`password_hash = ${p.passwordHash}`,
);

/** Returns the user as it was marked, or nothing if it is missing or has another revision. */
export const deleteUser: Statement<UserTarget, UserRow> = userUpdate(
  "delete user",
  (_: UserTarget) =>
    sql`
      deleted_at = now(), display_name = null, email_verified = false, password_hash = null,
      profile = '{}'`,
  { type: "Deleted", members: { userId: sql`id` } },
);

/** Says that the user is active now; never goes back. Returns the user's id, or nothing. */
export const updateLastActive: Statement<{ id: string }, { id: string }> = statement(
  "update last activity of user",
  { id: "uuid" },
  (db, p: { id: string }) =>
    db.updateTable("users").set({ last_active_at: sql`greatest(last_active_at, now())` })
      .where("id", "=", p.id).where("deleted_at", "is", null).returning("id"),
);

/** Every user that matches, newest first. */
export function userList(filter: UserFilter): KeysetList<Schema, "users", UserRow> {
  return {
    operation: "list users",
    columns: USER_COLUMNS,
    identity: ["users", filter.role, filter.search],
    query: filteredUsers(filter),
    sort: [
      { column: "users.created_at", type: "timestamptz" },
      { column: "users.id", type: "uuid" },
    ],
    descending: true,
  };
}

/** Every statement of the repository, for `verify`. */
export const USER_STATEMENTS: readonly StatementInfo[] = [
  createUser,
  getUserById,
  getUserByEmail,
  getUserByUsername,
  getCredentials,
  updateProfile,
  updateRole,
  updateEmailVerified,
  updatePassword,
  deleteUser,
  updateLastActive,
  ...listStatements(() => userList({ role: "admin", search: "a" })),
];

/**
 * Neither limits, which can change, nor unknown members, which a newer version can write, make a
 * user unreadable.
 */
const storedProfile: z.ZodType<UserProfile> = z.object({
  bio: z.string().optional(),
  affiliation: z.string().optional(),
  location: z.string().optional(),
  website: z.string().optional(),
  avatarUrl: z.string().optional(),
});

function liveUsers() {
  return queryBuilder.selectFrom("users").where("deleted_at", "is", null);
}

/** The expression of the unique index; the collation folds A to Z only. */
function sameIgnoringCase(column: "email" | "username", text: string) {
  return sql<boolean>`lower(${sql.ref(column)} collate "C") = lower(${text}::text collate "C")`;
}

/** Where there is an event, the row is locked before it is changed, to see what it was. */
function userUpdate<Input extends UserTarget>(
  name: string,
  set: (p: Input) => RawBuilder<unknown>,
  event?: Partial<RowEvent> & Pick<RowEvent, "type" | "members">,
): Statement<Input, UserRow> {
  return statement(name, USER_COLUMNS, (_, p: Input) => {
    const update = sql`update users set ${set(p)}, revision = revision + 1, updated_at = now()`;
    const target = sql`where id = ${p.id} and deleted_at is null
      and coalesce(revision = ${p.expectedRevision}::int4, true)`;
    if (!event) return sql<UserRow>`${update} ${target} returning ${COLUMN_LIST}`;
    return sql<UserRow>`
      with old as (
        select id as old_id, role as old_role, display_name as old_display_name,
          profile as old_profile, email_verified as old_email_verified
        from users ${target} for no key update
      ), changed as (
        ${update} from old where id = old_id returning users.*, old.*
      ), event as (
        ${insertEvent({ ...USER_EVENT, ...event, enabled: p.events })}
      ) select ${COLUMN_LIST} from changed`;
  });
}

function filteredUsers({ role, search }: UserFilter): SelectQueryBuilder<Schema, "users", UserRow> {
  let query = liveUsers().select(COLUMN_NAMES);
  if (role !== undefined) query = query.where("role", "=", role);
  if (search === undefined) return query;
  const pattern = containsPattern(search);
  return query.where((is) =>
    is.or([
      is("username", "ilike", pattern),
      is("display_name", "ilike", pattern),
      is("email", "ilike", pattern),
    ])
  );
}
