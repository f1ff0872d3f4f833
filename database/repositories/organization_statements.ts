import { type RawBuilder, type SelectQueryBuilder, sql } from "kysely";
import type {
  Organization,
  OrganizationFilter,
  OrganizationType,
} from "../../domain/organization.ts";
import type { KeysetList } from "../keyset.ts";
import { containsPattern } from "../like_pattern.ts";
import { insertEvent, type RowEvent } from "../outbox/insert_event.ts";
import { queryBuilder } from "../query_builder.ts";
import type { Schema } from "../schema.ts";
import { type RowOf, type Statement, statement, type StatementInfo } from "../statement.ts";
import { listStatements } from "./list_statement.ts";

/** What an `Organization` is made of. */
export const ORGANIZATION_COLUMNS = {
  id: "uuid",
  slug: "text",
  name: "text",
  type: "text",
  description: "text?",
  website: "text?",
  verified: "bool",
  verified_at: "timestamptz?",
  created_by: "uuid",
  created_at: "timestamptz",
  updated_at: "timestamptz",
  revision: "int4",
} as const;

const COLUMN_NAMES = Object.keys(ORGANIZATION_COLUMNS) as (keyof typeof ORGANIZATION_COLUMNS)[];

const COLUMN_LIST = sql.join(COLUMN_NAMES.map((name) => sql.ref(name)));

/** What the events of organizations have in common. */
const ORGANIZATION_EVENT = {
  aggregate: "organization",
  id: sql`id`,
  from: sql`organization`,
} as const;

/** An organization as the database has it. */
export type OrganizationRow = RowOf<typeof ORGANIZATION_COLUMNS>;

/** The organization of a row. */
export function toOrganization(row: OrganizationRow): Organization {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    type: row.type as OrganizationType,
    description: row.description ?? undefined,
    website: row.website ?? undefined,
    verified: row.verified,
    verifiedAt: row.verified_at ?? undefined,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision: row.revision,
  };
}

/** The parameters of {@linkcode createOrganization}. */
export interface CreateOrganizationInput {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly type: string;
  readonly description: string | undefined;
  readonly website: string | undefined;
  readonly ownerId: string;
  readonly events: boolean;
}

/**
 * Creates the organization and its owner. Returns the organization, or nothing if the user is
 * missing. The update changes nothing: it keeps the user from being deleted meanwhile, as `lock
 * user` does.
 */
export const createOrganization: Statement<CreateOrganizationInput, OrganizationRow> = statement(
  "create organization",
  ORGANIZATION_COLUMNS,
  (_, p: CreateOrganizationInput) =>
    sql<OrganizationRow>`
with owner as (
  update users set revision = revision where id = ${p.ownerId} and deleted_at is null returning id
), organization as (
  insert into organizations (id, slug, name, type, description, website, created_by)
  select ${p.id}::uuid, ${p.slug}::text, ${p.name}::text, ${p.type}::text, ${p.description}::text,
    ${p.website}::text, owner.id
  from owner
  returning ${COLUMN_LIST}
), member as (
  insert into organization_members (organization_id, user_id, role)
  select organization.id, organization.created_by, 'owner' from organization
), event as (${
      insertEvent({
        ...ORGANIZATION_EVENT,
        type: "Created",
        members: {
          organizationId: sql`id`,
          slug: sql`slug`,
          name: sql`name`,
          createdBy: sql`created_by`,
        },
        enabled: p.events,
      })
    })
select * from organization`,
);

/** Returns the organization, or nothing. */
export const getOrganizationById: Statement<{ id: string }, OrganizationRow> = statement(
  "get organization by id",
  ORGANIZATION_COLUMNS,
  (_, p: { id: string }) => liveOrganizations().where("id", "=", p.id),
);

/** Returns the organization, or nothing. */
export const getOrganizationBySlug: Statement<{ slug: string }, OrganizationRow> = statement(
  "get organization by slug",
  ORGANIZATION_COLUMNS,
  (_, p: { slug: string }) => liveOrganizations().where("slug", "=", p.slug),
);

/** Which organization an update is about, and at which revision; `null` for any. */
export interface OrganizationTarget {
  readonly id: string;
  readonly expectedRevision: number | null;
  /** Whether to write an event, if there is one. */
  readonly events: boolean;
}

/** The parameters of {@linkcode updateOrganization}; `undefined` leaves a column. */
export interface UpdateOrganizationInput extends OrganizationTarget {
  readonly slug: string | undefined;
  readonly name: string | undefined;
  readonly type: string | undefined;
  /** Whether to change the description. */
  readonly described: boolean;
  readonly description: string | null | undefined;
  /** Whether to change the website. */
  readonly moved: boolean;
  readonly website: string | null | undefined;
}

/** Returns the organization, or nothing if it is missing or has another revision. */
export const updateOrganization: Statement<UpdateOrganizationInput, OrganizationRow> =
  organizationUpdate("update organization", (p: UpdateOrganizationInput) =>
    sql`
      slug = coalesce(${p.slug}::text, slug), name = coalesce(${p.name}::text, name),
      type = coalesce(${p.type}::text, type),
      description = case when ${p.described}::bool then ${p.description}::text else description end,
      website = case when ${p.moved}::bool then ${p.website}::text else website end`, {
    type: "Updated",
    members: { organizationId: sql`id`, changedFields: sql`changed_fields` },
    from: sql`organization, lateral (select array_remove(array[
        case when slug <> old_slug then 'slug' end,
        case when name <> old_name then 'name' end,
        case when type <> old_type then 'type' end,
        case when description is distinct from old_description then 'description' end,
        case when website is distinct from old_website then 'website' end
      ], null) as changed_fields) as difference`,
    where: sql`changed_fields <> '{}'`,
  });

/** Returns the organization, or nothing if it is missing or has another revision. */
export const verifyOrganization: Statement<OrganizationTarget, OrganizationRow> =
  organizationUpdate(
    "verify organization",
    () => sql`verified = true, verified_at = coalesce(verified_at, now())`,
    { type: "Verified", members: { organizationId: sql`id` }, where: sql`not old_verified` },
  );

/** Returns the organization, or nothing if it is missing or has another revision. */
export const unverifyOrganization: Statement<OrganizationTarget, OrganizationRow> =
  organizationUpdate(
    "unverify organization",
    () => sql`verified = false, verified_at = null`,
    { type: "Unverified", members: { organizationId: sql`id` }, where: sql`old_verified` },
  );

/**
 * Returns the organization as it was marked, or nothing if it is missing or has another revision.
 */
export const deleteOrganization: Statement<OrganizationTarget, OrganizationRow> =
  organizationUpdate("delete organization", () => sql`deleted_at = now()`, {
    type: "Deleted",
    members: { organizationId: sql`id` },
  });

/** Every organization that matches, newest first. */
export function organizationList(
  filter: OrganizationFilter,
): KeysetList<Schema, "organizations", OrganizationRow> {
  return {
    operation: "list organizations",
    columns: ORGANIZATION_COLUMNS,
    identity: ["organizations", filter.type, filter.verified, filter.search],
    query: filteredOrganizations(filter),
    sort: [
      { column: "organizations.created_at", type: "timestamptz" },
      { column: "organizations.id", type: "uuid" },
    ],
    descending: true,
  };
}

/** Every statement of the repository but those of members, for `verify`. */
export const ORGANIZATION_STATEMENTS: readonly StatementInfo[] = [
  createOrganization,
  getOrganizationById,
  getOrganizationBySlug,
  updateOrganization,
  verifyOrganization,
  unverifyOrganization,
  deleteOrganization,
  ...listStatements(
    () => organizationList({ type: "enterprise", verified: true, search: "a" }),
  ),
];

function liveOrganizations(): SelectQueryBuilder<Schema, "organizations", OrganizationRow> {
  return queryBuilder.selectFrom("organizations").select(COLUMN_NAMES)
    .where("deleted_at", "is", null);
}

/** The row is locked before it is changed, to see what it was. */
function organizationUpdate<Input extends OrganizationTarget>(
  name: string,
  set: (p: Input) => RawBuilder<unknown>,
  event: Partial<RowEvent> & Pick<RowEvent, "type" | "members">,
): Statement<Input, OrganizationRow> {
  return statement(name, ORGANIZATION_COLUMNS, (_, p: Input) =>
    sql<OrganizationRow>`
      with old as (
        select id as old_id, slug as old_slug, name as old_name, type as old_type,
          description as old_description, website as old_website, verified as old_verified
        from organizations where id = ${p.id} and deleted_at is null
          and coalesce(revision = ${p.expectedRevision}::int4, true)
        for no key update
      ), organization as (
        update organizations set ${set(p)}, revision = revision + 1, updated_at = now()
        from old where id = old_id returning organizations.*, old.*
      ), event as (
        ${insertEvent({ ...ORGANIZATION_EVENT, ...event, enabled: p.events })}
      ) select ${COLUMN_LIST} from organization`);
}

function filteredOrganizations(
  { type, verified, search }: OrganizationFilter,
): SelectQueryBuilder<Schema, "organizations", OrganizationRow> {
  let query = liveOrganizations();
  if (type !== undefined) query = query.where("type", "=", type);
  if (verified !== undefined) query = query.where("verified", "=", verified);
  if (search === undefined) return query;
  const pattern = containsPattern(search);
  return query.where((is) =>
    is.or([
      is("slug", "ilike", pattern),
      is("name", "ilike", pattern),
      is("description", "ilike", pattern),
    ])
  );
}
