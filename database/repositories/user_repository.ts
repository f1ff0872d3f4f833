import type { CallOptions } from "../../core/call_options.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { checkText, parseInput } from "../../core/validation.ts";
import { NotFoundError, ValidationError } from "../../core/errors.ts";
import { checkId, newId } from "../../domain/ids.ts";
import type { MemberRole, Membership, OrganizationMember } from "../../domain/organization.ts";
import {
  type NewUser,
  newUserSchema,
  passwordHashSchema,
  type User,
  type UserChanges,
  userChangesSchema,
  type UserCredentials,
  type UserFilter,
  userFilterSchema,
  type UserRole,
  userRoleSchema,
} from "../../domain/user.ts";
import { CursorCodec } from "../cursor.ts";
import type { Database } from "../database.ts";
import { shareDeadline } from "../deadline.ts";
import { count, readPage } from "../keyset.ts";
import type { Statement } from "../statement.ts";
import { parseFilter } from "./list_filter.ts";
import { endMemberships, Memberships } from "./membership.ts";
import type { RepositoryOptions } from "./repository_options.ts";
import { checkRevision, requireUpdated, type UpdateOptions } from "./revision.ts";
import { encodeStored } from "./stored_json.ts";
import * as statements from "./user_statements.ts";

/** Which users to list, and which page of them. */
export interface UserListOptions extends UserFilter, PageRequest, CallOptions {}

/**
 * The accounts. E-mail addresses and usernames are unique, and found, without regard to the case of
 * A to Z. Deleted users are as if they had never been, and free both.
 *
 * Every method throws a {@linkcode ValidationError} for input that breaks the rules of `domain`,
 * before anything is sent. Methods that change a user throw a {@linkcode NotFoundError} if it is
 * missing, and `conflict` if {@linkcode UpdateOptions.expectedRevision} is not its revision.
 *
 * ```ts
 * import { createPool, migrate, PostgresUserRepository } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * const users = new PostgresUserRepository(pool);
 * const ada = await users.create({ email: "ada@example.org", username: "ada" });
 * console.log(ada.role, ada.createdAt);
 * await pool.close();
 * ```
 */
export class PostgresUserRepository {
  readonly #database: Database;
  readonly #cursors: CursorCodec;
  readonly #memberships: Memberships;
  readonly #events: boolean;

  /** Works on a pool, or in a transaction. */
  constructor(database: Database, { events = true }: RepositoryOptions = {}) {
    this.#database = database;
    this.#cursors = new CursorCodec(database);
    this.#memberships = new Memberships(database, events);
    this.#events = events;
  }

  /**
   * Creates an account. Throws `already_exists` with field `email`, `username` or `id` if one of
   * them is taken; of two calls at the same time, one throws.
   */
  async create(user: NewUser, options: CallOptions = {}): Promise<User> {
    const { createUser } = statements;
    const input = parseInput(newUserSchema, user, "user", createUser.name);
    const [row] = await this.#database.run(createUser, {
      id: input.id ?? newId(),
      email: input.email,
      username: input.username,
      displayName: input.displayName,
      role: input.role ?? "registered",
      profile: encodeStored("user.profile", input.profile ?? {}),
      passwordHash: input.passwordHash,
      events: this.#events,
    }, options);
    return statements.toUser(row!);
  }

  /** Returns the user, or `undefined`. */
  async getById(id: string, options: CallOptions = {}): Promise<User | undefined> {
    return await this.#find(statements.getUserById, { id: checkId("id", id) }, options);
  }

  /** Returns the user, or `undefined`. */
  async getByEmail(email: string, options: CallOptions = {}): Promise<User | undefined> {
    const input = { email: checkText("email", email) };
    return await this.#find(statements.getUserByEmail, input, options);
  }

  /** Returns the user, or `undefined`. */
  async getByUsername(username: string, options: CallOptions = {}): Promise<User | undefined> {
    const input = { username: checkText("username", username) };
    return await this.#find(statements.getUserByUsername, input, options);
  }

  /**
   * Whether an account has the e-mail address. It can be taken by the time the caller creates one.
   */
  async emailExists(email: string, options: CallOptions = {}): Promise<boolean> {
    return await this.getByEmail(email, options) !== undefined;
  }

  /** Whether an account has the username. It can be taken by the time the caller creates one. */
  async usernameExists(username: string, options: CallOptions = {}): Promise<boolean> {
    return await this.getByUsername(username, options) !== undefined;
  }

  /**
   * Returns what a login compares the password with, or `undefined` if nobody has the e-mail
   * address or the user has no password. Nothing else returns the hash.
   */
  async getCredentials(
    email: string,
    options: CallOptions = {},
  ): Promise<UserCredentials | undefined> {
    const input = { email: checkText("email", email) };
    const [row] = await this.#database.run(statements.getCredentials, input, options);
    if (!row?.password_hash) return undefined;
    return { userId: row.id, passwordHash: row.password_hash };
  }

  /** Lists the users that match every given filter, newest first. */
  async list(options: UserListOptions = {}): Promise<Page<User>> {
    const list = statements.userList(parseFilter(userFilterSchema, options, "list users"));
    const page = await readPage(this.#database, this.#cursors, list, options);
    return { ...page, items: page.items.map(statements.toUser) };
  }

  /** Counts the users that match every given filter. */
  async count(filter: UserFilter = {}, options: CallOptions = {}): Promise<number> {
    const operation = "count users";
    const list = statements.userList(parseFilter(userFilterSchema, filter, operation));
    return await count(this.#database, list, { ...options, operation });
  }

  /** Changes what users tell about themselves; a given profile replaces the whole one. */
  async updateProfile(
    id: string,
    changes: UserChanges,
    options: UpdateOptions = {},
  ): Promise<User> {
    const input = parseInput(userChangesSchema, changes, "changes", statements.updateProfile.name);
    return await this.#update(statements.updateProfile, id, options, {
      renamed: input.displayName !== undefined,
      displayName: input.displayName,
      profile: input.profile && encodeStored("changes.profile", input.profile),
    });
  }

  /** Changes what the user may do. */
  async updateRole(id: string, role: UserRole, options: UpdateOptions = {}): Promise<User> {
    const input = { role: parseInput(userRoleSchema, role, "role", statements.updateRole.name) };
    return await this.#update(statements.updateRole, id, options, input);
  }

  /** Says whether the user has shown to own the e-mail address. */
  async updateEmailVerified(
    id: string,
    verified: boolean,
    options: UpdateOptions = {},
  ): Promise<User> {
    if (typeof verified !== "boolean") {
      throw new ValidationError("verified", "it must be a boolean");
    }
    return await this.#update(statements.updateEmailVerified, id, options, { verified });
  }

  /** Replaces the password hash. */
  async updatePassword(
    id: string,
    passwordHash: string,
    options: UpdateOptions = {},
  ): Promise<User> {
    const { updatePassword } = statements;
    const checked = parseInput(
      passwordHashSchema,
      passwordHash,
      "passwordHash",
      updatePassword.name,
    );
    return await this.#update(updatePassword, id, options, { passwordHash: checked });
  }

  /**
   * Says that the user is active now. Changes neither revision nor `updatedAt`: activity must not
   * make the updates of others conflict. Throws a {@linkcode NotFoundError} if the user is missing.
   */
  async updateLastActive(id: string, options: CallOptions = {}): Promise<void> {
    const input = { id: checkId("id", id) };
    const rows = await this.#database.run(statements.updateLastActive, input, options);
    if (rows.length === 0) {
      throw new NotFoundError("user", { operation: statements.updateLastActive.name });
    }
  }

  /**
   * Deletes the account: nothing finds it any more, its e-mail address and username are free, it is
   * no longer a member of organizations or a maintainer of benchmarks, its password hash, profile
   * and display name are wiped. The row stays, with address and name, for what refers to it; nothing
   * new can. Throws `conflict`, and changes nothing, if the user is
   * the last owner of an organization.
   */
  async delete(id: string, options: UpdateOptions = {}): Promise<void> {
    const { deleteUser } = statements;
    const userId = checkId("id", id);
    checkRevision(options);
    await this.#database.transaction(async (transaction) => {
      const events = this.#events;
      await endMemberships(transaction, { userId, events }, deleteUser.name, options);
      const users = new PostgresUserRepository(transaction, { events });
      await users.#update(deleteUser, userId, options, {});
    }, options);
  }

  /** Makes the user a member; the same as `PostgresOrganizationRepository.addMember`. */
  async addToOrganization(
    userId: string,
    organizationId: string,
    role: MemberRole,
    options: CallOptions = {},
  ): Promise<OrganizationMember> {
    return await this.#memberships.add({ organizationId, userId }, role, options);
  }

  /** Ends the membership; the same as `PostgresOrganizationRepository.removeMember`. */
  async removeFromOrganization(
    userId: string,
    organizationId: string,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#memberships.remove({ organizationId, userId }, options);
  }

  /**
   * Gives the member another role. Throws a {@linkcode NotFoundError} if there is no membership,
   * and `conflict` if the last owner would be one no longer.
   */
  async updateOrganizationRole(
    userId: string,
    organizationId: string,
    role: MemberRole,
    options: CallOptions = {},
  ): Promise<OrganizationMember> {
    return await this.#memberships.updateRole({ organizationId, userId }, role, options);
  }

  /**
   * Lists the organizations of the user with the role in each, in the order in which the user
   * joined; empty if the user is missing.
   */
  async getOrganizations(
    userId: string,
    options: PageRequest & CallOptions = {},
  ): Promise<Page<Membership>> {
    return await this.#memberships.organizations(userId, options);
  }

  async #find<Input extends object>(
    statement: Statement<Input, statements.UserRow>,
    input: Input,
    options: CallOptions,
  ): Promise<User | undefined> {
    const [row] = await this.#database.run(statement, input, options);
    return row && statements.toUser(row);
  }

  async #update<Input extends object>(
    statement: Statement<Input & statements.UserTarget, statements.UserRow>,
    userId: string,
    options: UpdateOptions,
    input: Input,
  ): Promise<User> {
    const id = checkId("id", userId);
    const expectedRevision = checkRevision(options);
    const step = shareDeadline(this.#database, options);
    const target = { id, expectedRevision, events: this.#events };
    const rows = await this.#database.run(statement, { ...input, ...target }, step());
    const row = await requireUpdated(rows, {
      resource: "user",
      operation: statement.name,
      expectedRevision: options.expectedRevision,
      currentRevision: async () => (await this.getById(id, step()))?.revision,
    });
    return statements.toUser(row);
  }
}
