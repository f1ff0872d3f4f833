import type { CallOptions } from "../../core/call_options.ts";
import { DatabaseError, NotFoundError } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { parseInput } from "../../core/validation.ts";
import { checkId } from "../../domain/ids.ts";
import {
  type MemberFilter,
  memberFilterSchema,
  type MemberRole,
  memberRoleSchema,
  type Membership,
  type OrganizationMember,
} from "../../domain/organization.ts";
import { CursorCodec } from "../cursor.ts";
import type { Database } from "../database.ts";
import { count, readPage } from "../keyset.ts";
import type { Transaction } from "../transaction.ts";
import { parseFilter } from "./list_filter.ts";
import {
  deleteMaintainerships,
  deleteMember,
  deleteMemberships,
  findOwnedAlone,
  insertMember,
  lockOrganization,
  lockOwnedOrganizations,
  lockUser,
  memberList,
  type MemberRow,
  type MembershipKey,
  membershipList,
  type MembershipRow,
  readRole,
  setRole,
} from "./membership_statements.ts";
import { toOrganization } from "./organization_statements.ts";

/** Which members to list, and which page of them. */
export interface MemberListOptions extends MemberFilter, PageRequest, CallOptions {}

/**
 * Who belongs to which organization: what the repositories of users and of organizations have in
 * common. Every change locks the user and the organization until its transaction ends, so an
 * organization never loses its last owner, whoever else changes it at the same time.
 */
export class Memberships {
  readonly #database: Database;
  readonly #cursors: CursorCodec;
  readonly #events: boolean;

  /** Works on a pool or in a transaction; says whether changes write their events. */
  constructor(database: Database, events: boolean) {
    this.#database = database;
    this.#events = events;
    this.#cursors = new CursorCodec(database);
  }

  /**
   * Makes the user a member. Throws a {@linkcode NotFoundError} that says which of both is missing,
   * and `already_exists` with field `userId` if the user is a member, in whatever role.
   */
  async add(
    key: MembershipKey,
    role: MemberRole,
    options: CallOptions,
  ): Promise<OrganizationMember> {
    const operation = "add member";
    const events = this.#events;
    const input = { ...checkKey(key), role: checkRole(role, operation), events };
    return await this.#change(input, operation, options, async (transaction) => {
      const [row] = await transaction.run(insertMember, input, options);
      if (row) return toMember(row);
      throw new DatabaseError(`Cannot ${operation}: duplicate userId`, {
        code: "already_exists",
        operation,
        constraint: "organization_members_pkey",
        field: "userId",
      });
    });
  }

  /**
   * Ends the membership. Throws a {@linkcode NotFoundError} if there is none, and `conflict` if the
   * member is the last owner.
   */
  async remove(key: MembershipKey, options: CallOptions): Promise<void> {
    const operation = "remove member";
    const input = { ...checkKey(key), events: this.#events };
    await this.#change(input, operation, options, async (transaction) => {
      const before = await readMember(transaction, input, operation, options);
      if (before.role === "owner" && !before.another_owner) throw lastOwner(operation);
      await transaction.run(deleteMember, input, options);
    });
  }

  /**
   * Gives the member another role, or the same. Throws a {@linkcode NotFoundError} if there is no
   * membership, and `conflict` if the last owner would be one no longer.
   */
  async updateRole(
    key: MembershipKey,
    role: MemberRole,
    options: CallOptions,
  ): Promise<OrganizationMember> {
    const operation = "update member role";
    const events = this.#events;
    const input = { ...checkKey(key), role: checkRole(role, operation), events };
    return await this.#change(input, operation, options, async (transaction) => {
      const before = await readMember(transaction, input, operation, options);
      if (before.role === "owner" && role !== "owner" && !before.another_owner) {
        throw lastOwner(operation);
      }
      const [row] = await transaction.run(setRole, { ...input, oldRole: before.role }, options);
      return toMember(row!);
    });
  }

  /**
   * Lists the members of an organization in the order in which they joined; empty if it is missing.
   */
  async members(
    organizationId: string,
    options: MemberListOptions,
  ): Promise<Page<OrganizationMember>> {
    const id = checkId("organizationId", organizationId);
    const list = memberList(id, parseFilter(memberFilterSchema, options, "list members"));
    const page = await readPage(this.#database, this.#cursors, list, options);
    return { ...page, items: page.items.map(toMember) };
  }

  /** Counts the members of an organization; 0 if it is missing. */
  async countMembers(organizationId: string, options: CallOptions): Promise<number> {
    const list = memberList(checkId("organizationId", organizationId), {});
    return await count(this.#database, list, { ...options, operation: "count members" });
  }

  /**
   * Lists the organizations of a user in the order in which the user joined; empty if the user is
   * missing.
   */
  async organizations(
    userId: string,
    options: PageRequest & CallOptions,
  ): Promise<Page<Membership>> {
    const list = membershipList(checkId("userId", userId));
    const page = await readPage(this.#database, this.#cursors, list, options);
    return { ...page, items: page.items.map(toMembership) };
  }

  /** Runs `change` while nobody else changes this membership, or the owners of the organization. */
  async #change<T>(
    { userId, organizationId }: MembershipKey,
    operation: string,
    options: CallOptions,
    change: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    return await this.#database.transaction(async (transaction) => {
      await requireRow(transaction.run(lockUser, { id: userId }, options), "user", operation);
      await requireRow(
        transaction.run(lockOrganization, { id: organizationId }, options),
        "organization",
        operation,
      );
      return await change(transaction);
    }, options);
  }
}

/**
 * Ends every membership of a user who is deleted in the same transaction. Throws a {@linkcode
 * NotFoundError} if the user is missing, and `conflict` if the user is the last owner of an
 * organization.
 */
export async function endMemberships(
  transaction: Transaction,
  { userId, events }: { readonly userId: string; readonly events: boolean },
  operation: string,
  options: CallOptions,
): Promise<void> {
  await requireRow(transaction.run(lockUser, { id: userId }, options), "user", operation);
  await transaction.run(lockOwnedOrganizations, { userId }, options);
  const [ownedAlone] = await transaction.run(findOwnedAlone, { userId }, options);
  if (ownedAlone) throw lastOwner(operation);
  await transaction.run(deleteMemberships, { userId, events }, options);
  await transaction.run(deleteMaintainerships, { userId }, options);
}

function checkKey({ organizationId, userId }: MembershipKey): MembershipKey {
  return {
    organizationId: checkId("organizationId", organizationId),
    userId: checkId("userId", userId),
  };
}

function checkRole(role: MemberRole, operation: string): MemberRole {
  return parseInput(memberRoleSchema, role, "role", operation);
}

/** Returns the one row; throws a {@linkcode NotFoundError} if there is none. */
async function requireRow<Row>(
  rows: Promise<readonly Row[]>,
  resource: string,
  operation: string,
): Promise<Row> {
  const [row] = await rows;
  if (row === undefined) throw new NotFoundError(resource, { operation });
  return row;
}

function readMember(
  transaction: Transaction,
  key: MembershipKey,
  operation: string,
  options: CallOptions,
): Promise<{ role: string; another_owner: boolean }> {
  return requireRow(transaction.run(readRole, key, options), "organization member", operation);
}

function lastOwner(operation: string): DatabaseError {
  return new DatabaseError(
    `Cannot ${operation}: an organization keeps an owner; make another member one first`,
    { code: "conflict", operation },
  );
}

function toMember(row: MemberRow): OrganizationMember {
  return {
    organizationId: row.organization_id,
    userId: row.user_id,
    username: row.username,
    role: row.role as MemberRole,
    joinedAt: row.joined_at,
  };
}

function toMembership(row: MembershipRow): Membership {
  return {
    organization: toOrganization(row),
    role: row.member_role as MemberRole,
    joinedAt: row.joined_at,
  };
}
