import type { CallOptions } from "../../core/call_options.ts";
import { NotFoundError } from "../../core/errors.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import { checkText, parseInput } from "../../core/validation.ts";
import { searchField } from "../../domain/fields.ts";
import { checkId, newId } from "../../domain/ids.ts";
import {
  type MemberRole,
  type NewOrganization,
  newOrganizationSchema,
  type Organization,
  type OrganizationChanges,
  organizationChangesSchema,
  type OrganizationFilter,
  organizationFilterSchema,
  type OrganizationMember,
  type OrganizationType,
  organizationTypeSchema,
} from "../../domain/organization.ts";
import { CursorCodec } from "../cursor.ts";
import type { Database } from "../database.ts";
import { shareDeadline } from "../deadline.ts";
import { count, readPage } from "../keyset.ts";
import type { Statement } from "../statement.ts";
import { parseFilter } from "./list_filter.ts";
import { type MemberListOptions, Memberships } from "./membership.ts";
import * as statements from "./organization_statements.ts";
import type { RepositoryOptions } from "./repository_options.ts";
import { checkRevision, requireUpdated, type UpdateOptions } from "./revision.ts";

/** Which organizations to list, and which page of them. */
export interface OrganizationListOptions extends OrganizationFilter, PageRequest, CallOptions {}

/**
 * The organizations and their members. Every one has an owner at all times. Deleted organizations
 * are as if they had never been, and free their slugs.
 *
 * Every method throws a {@linkcode ValidationError} for input that breaks the rules of `domain`,
 * before anything is sent. Methods that change an organization throw a {@linkcode NotFoundError} if
 * it is missing, and `conflict` if {@linkcode UpdateOptions.expectedRevision} is not its revision.
 *
 * ```ts
 * import {
 *   createPool,
 *   migrate,
 *   PostgresOrganizationRepository,
 *   PostgresUserRepository,
 * } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * const ada = await new PostgresUserRepository(pool)
 *   .create({ email: "ada@example.org", username: "ada" });
 * const organizations = new PostgresOrganizationRepository(pool);
 * const lab = await organizations.create({
 *   slug: "lab",
 *   name: "The Lab",
 *   type: "research_institution",
 *   ownerId: ada.id,
 * });
 * console.log(lab.slug, lab.verified);
 * await pool.close();
 * ```
 */
export class PostgresOrganizationRepository {
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
   * Creates an organization with its first owner. Throws a {@linkcode NotFoundError} if that user
   * is missing, and `already_exists` with field `slug` or `id` if one of them is taken; of two
   * calls at the same time, one throws.
   */
  async create(
    organization: NewOrganization,
    options: CallOptions = {},
  ): Promise<Organization> {
    const { createOrganization } = statements;
    const operation = createOrganization.name;
    const input = parseInput(newOrganizationSchema, organization, "organization", operation);
    const [row] = await this.#database.run(createOrganization, {
      id: input.id ?? newId(),
      slug: input.slug,
      name: input.name,
      type: input.type,
      description: input.description,
      website: input.website,
      ownerId: input.ownerId,
      events: this.#events,
    }, options);
    if (!row) throw new NotFoundError("user", { operation });
    return statements.toOrganization(row);
  }

  /** Returns the organization, or `undefined`. */
  async getById(id: string, options: CallOptions = {}): Promise<Organization | undefined> {
    const input = { id: checkId("id", id) };
    const [row] = await this.#database.run(statements.getOrganizationById, input, options);
    return row && statements.toOrganization(row);
  }

  /**
   * Returns the organization, or `undefined`. Slugs are lower-case: another case is another slug.
   */
  async getBySlug(slug: string, options: CallOptions = {}): Promise<Organization | undefined> {
    const input = { slug: checkText("slug", slug) };
    const [row] = await this.#database.run(statements.getOrganizationBySlug, input, options);
    return row && statements.toOrganization(row);
  }

  /** Whether an organization has the slug. It can be taken by the time the caller creates one. */
  async slugExists(slug: string, options: CallOptions = {}): Promise<boolean> {
    return await this.getBySlug(slug, options) !== undefined;
  }

  /** Lists the organizations that match every given filter, newest first. */
  async list(options: OrganizationListOptions = {}): Promise<Page<Organization>> {
    const filter = parseFilter(organizationFilterSchema, options, "list organizations");
    const list = statements.organizationList(filter);
    const page = await readPage(this.#database, this.#cursors, list, options);
    return { ...page, items: page.items.map(statements.toOrganization) };
  }

  /** Lists the organizations of a kind, newest first; the same as `list({ type })`. */
  async getByType(
    type: OrganizationType,
    options: OrganizationListOptions = {},
  ): Promise<Page<Organization>> {
    const checked = parseInput(organizationTypeSchema, type, "filter.type");
    return await this.list({ ...options, type: checked });
  }

  /**
   * Lists the organizations with the text in their slug, name or description, newest first; the
   * same as `list({ search: text })`.
   */
  async search(
    text: string,
    options: OrganizationListOptions = {},
  ): Promise<Page<Organization>> {
    return await this.list({ ...options, search: parseInput(searchField, text, "filter.search") });
  }

  /** Counts the organizations that match every given filter. */
  async count(filter: OrganizationFilter = {}, options: CallOptions = {}): Promise<number> {
    const operation = "count organizations";
    const list = statements.organizationList(
      parseFilter(organizationFilterSchema, filter, operation),
    );
    return await count(this.#database, list, { ...options, operation });
  }

  /**
   * Changes what is given. Throws `already_exists` with field `slug` if another organization has
   * it.
   */
  async update(
    id: string,
    changes: OrganizationChanges,
    options: UpdateOptions = {},
  ): Promise<Organization> {
    const { updateOrganization } = statements;
    const input = parseInput(
      organizationChangesSchema,
      changes,
      "changes",
      updateOrganization.name,
    );
    return await this.#update(updateOrganization, id, options, {
      slug: input.slug,
      name: input.name,
      type: input.type,
      described: input.description !== undefined,
      description: input.description,
      moved: input.website !== undefined,
      website: input.website,
    });
  }

  /** Says that the platform has checked who it is; a second time keeps when that was. */
  async verify(id: string, options: UpdateOptions = {}): Promise<Organization> {
    return await this.#update(statements.verifyOrganization, id, options, {});
  }

  /** Takes that back. */
  async unverify(id: string, options: UpdateOptions = {}): Promise<Organization> {
    return await this.#update(statements.unverifyOrganization, id, options, {});
  }

  /**
   * Deletes the organization: nothing finds it or its members any more. The row stays, for what
   * refers to it.
   */
  async delete(id: string, options: UpdateOptions = {}): Promise<void> {
    await this.#update(statements.deleteOrganization, id, options, {});
  }

  /**
   * Makes the user a member. Throws a {@linkcode NotFoundError} that says which of both is missing,
   * and `already_exists` with field `userId` if the user is a member, in whatever role.
   */
  async addMember(
    organizationId: string,
    userId: string,
    role: MemberRole,
    options: CallOptions = {},
  ): Promise<OrganizationMember> {
    return await this.#memberships.add({ organizationId, userId }, role, options);
  }

  /**
   * Ends the membership. Throws a {@linkcode NotFoundError} if there is none, and `conflict` if the
   * member is the last owner, also when the last two leave at the same time: one of them stays.
   */
  async removeMember(
    organizationId: string,
    userId: string,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#memberships.remove({ organizationId, userId }, options);
  }

  /**
   * Lists the members that match, in the order in which they joined; empty if the organization is
   * missing.
   */
  async getMembers(
    organizationId: string,
    options: MemberListOptions = {},
  ): Promise<Page<OrganizationMember>> {
    return await this.#memberships.members(organizationId, options);
  }

  /** Counts the members; 0 if the organization is missing. */
  async getMemberCount(organizationId: string, options: CallOptions = {}): Promise<number> {
    return await this.#memberships.countMembers(organizationId, options);
  }

  async #update<Input extends object>(
    statement: Statement<Input & statements.OrganizationTarget, statements.OrganizationRow>,
    organizationId: string,
    options: UpdateOptions,
    input: Input,
  ): Promise<Organization> {
    const id = checkId("id", organizationId);
    const expectedRevision = checkRevision(options);
    const step = shareDeadline(this.#database, options);
    const target = { id, expectedRevision, events: this.#events };
    const rows = await this.#database.run(statement, { ...input, ...target }, step());
    const row = await requireUpdated(rows, {
      resource: "organization",
      operation: statement.name,
      expectedRevision: options.expectedRevision,
      currentRevision: async () => (await this.getById(id, step()))?.revision,
    });
    return statements.toOrganization(row);
  }
}
