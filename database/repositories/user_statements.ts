import { type SelectQueryBuilder, sql, type UpdateObject } from "kysely";
import { z } from "zod";
import type { User, UserFilter, UserProfile, UserRole } from "../../domain/user.ts";
import type { KeysetList } from "../keyset.ts";
import { containsPattern } from "../like_pattern.ts";
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
}

/** Returns the new user. */
export const createUser: Statement<CreateUserInput, UserRow> = statement(
  "create user",
  USER_COLUMNS,
  (db, p: CreateUserInput) =>
    db.insertInto("users").values({
      id: p.id,
      email: p.email,
      username: p.username,
      display_name: p.displayName,
      role: p.role,
      profile: sql`${p.profile}::text::jsonb`,
      password_hash: p.passwordHash,
    }).returning(COLUMN_NAMES),
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
  (p: UpdateProfileInput) => ({
    display_name:
      sql`case when ${p.renamed}::bool then ${p.displayName}::text else display_name end`,
    profile: sql`coalesce(${p.profile}::text::jsonb, profile)`,
  }),
);

/** Returns the user, or nothing if it is missing or has another revision. */
export const updateRole: Statement<UserTarget & { role: string }, UserRow> = userUpdate(
  "update role of user",
  (p: UserTarget & { role: string }) => ({ role: p.role }),
);

/** Returns the user, or nothing if it is missing or has another revision. */
export const updateEmailVerified: Statement<UserTarget & { verified: boolean }, UserRow> =
  userUpdate(
    "update e-mail verification of user",
    (p: UserTarget & { verified: boolean }) => ({ email_verified: p.verified }),
  );

/** Returns the user, or nothing if it is missing or has another revision. */
export const updatePassword: Statement<UserTarget & { passwordHash: string }, UserRow> = userUpdate(
  "update password of user",
  (p: UserTarget & { passwordHash: string }) => ({ password_hash: p.passwordHash }),
);

/** Returns the user as it was marked, or nothing if it is missing or has another revision. */
export const deleteUser: Statement<UserTarget, UserRow> = userUpdate(
  "delete user",
  (_: UserTarget) => ({
    deleted_at: sql`now()`,
    display_name: null,
    email_verified: false,
    password_hash: null,
    profile: sql`'{}'`,
  }),
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
  ...listStatements(userList({ role: "admin", search: "a" })),
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

function userUpdate<Input extends UserTarget>(
  name: string,
  set: (p: Input) => UpdateObject<Schema, "users">,
): Statement<Input, UserRow> {
  return statement(name, USER_COLUMNS, (db, p: Input) =>
    db.updateTable("users")
      .set({ ...set(p), revision: sql`revision + 1`, updated_at: sql`now()` })
      .where("id", "=", p.id)
      .where("deleted_at", "is", null)
      .where(sql<boolean>`coalesce(revision = ${p.expectedRevision}::int4, true)`)
      .returning(COLUMN_NAMES));
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
