import { z } from "zod";
import { idField, searchField, slugField, textField, urlField } from "./fields.ts";

/** The kinds of organization. */
export const ORGANIZATION_TYPES = [
  "llm_provider",
  "research_institution",
  "enterprise",
  "open_source",
  "individual",
] as const;

/** One of {@linkcode ORGANIZATION_TYPES}. */
export type OrganizationType = typeof ORGANIZATION_TYPES[number];

/** What a member may do, from least to most. */
export const MEMBER_ROLES = ["member", "admin", "owner"] as const;

/** One of {@linkcode MEMBER_ROLES}. */
export type MemberRole = typeof MEMBER_ROLES[number];

/** A group of users that submits under one name. */
export interface Organization {
  /** UUID. */
  readonly id: string;
  /** Unique name in URLs. */
  readonly slug: string;
  /** The name to show. */
  readonly name: string;
  /** What kind it is. */
  readonly type: OrganizationType;
  /** A few sentences. */
  readonly description: string | undefined;
  /** Its page. */
  readonly website: string | undefined;
  /** Whether the platform has checked who it is. */
  readonly verified: boolean;
  /** When that was. */
  readonly verifiedAt: Date | undefined;
  /** The user who made it. */
  readonly createdBy: string;
  /** When it was made. */
  readonly createdAt: Date;
  /** When it last changed. */
  readonly updatedAt: Date;
  /** Counts changes; an update names the one it saw. */
  readonly revision: number;
}

/** A user in an organization. */
export interface OrganizationMember {
  /** The organization. */
  readonly organizationId: string;
  /** The user. */
  readonly userId: string;
  /** The name to log in with. */
  readonly username: string;
  /** What the member may do. */
  readonly role: MemberRole;
  /** When the user joined. */
  readonly joinedAt: Date;
}

/** An organization that a user belongs to. */
export interface Membership {
  /** The organization. */
  readonly organization: Organization;
  /** What the user may do in it. */
  readonly role: MemberRole;
  /** When the user joined. */
  readonly joinedAt: Date;
}

/** What a list of organizations holds; absent parts do not filter. */
export interface OrganizationFilter {
  /** Organizations of this kind. */
  readonly type?: OrganizationType | undefined;
  /** Organizations that the platform has checked, or has not. */
  readonly verified?: boolean | undefined;
  /** Organizations with this text in their slug, name or description, without regard to case. */
  readonly search?: string | undefined;
}

/** What a list of members holds; absent parts do not filter. */
export interface MemberFilter {
  /** Members of this role. */
  readonly role?: MemberRole | undefined;
}

/** What a new organization needs. */
export interface NewOrganization {
  /** Default: a new id. */
  readonly id?: string | undefined;
  /** Lower-case letters, digits and single hyphens, at most 100 characters. */
  readonly slug: string;
  /** 1 to 200 characters. */
  readonly name: string;
  /** What kind it is. */
  readonly type: OrganizationType;
  /** Up to 5,000 characters. */
  readonly description?: string | undefined;
  /** A web address. */
  readonly website?: string | undefined;
  /** The user who makes it and becomes its first owner. */
  readonly ownerId: string;
}

/** What can change about an organization; what is absent stays, `null` removes. */
export interface OrganizationChanges {
  /** Another slug. */
  readonly slug?: string | undefined;
  /** Another name. */
  readonly name?: string | undefined;
  /** Another kind. */
  readonly type?: OrganizationType | undefined;
  /** Another description. */
  readonly description?: string | null | undefined;
  /** Another page. */
  readonly website?: string | null | undefined;
}

/** The rules for a kind. */
export const organizationTypeSchema: z.ZodType<OrganizationType> = z.enum(ORGANIZATION_TYPES);

/** The rules for a member's role. */
export const memberRoleSchema: z.ZodType<MemberRole> = z.enum(MEMBER_ROLES);

/** The rules for a new organization. */
export const newOrganizationSchema: z.ZodType<NewOrganization> = z.strictObject({
  id: idField.optional(),
  slug: slugField,
  name: textField(1, 200),
  type: organizationTypeSchema,
  description: textField(0, 5_000).optional(),
  website: urlField.optional(),
  ownerId: idField,
});

/** The rules for changes. */
export const organizationChangesSchema: z.ZodType<OrganizationChanges> = z.strictObject({
  slug: slugField.optional(),
  name: textField(1, 200).optional(),
  type: organizationTypeSchema.optional(),
  description: textField(0, 5_000).nullable().optional(),
  website: urlField.nullable().optional(),
});

/** The rules for a filter. */
export const organizationFilterSchema: z.ZodType<OrganizationFilter> = z.strictObject({
  type: organizationTypeSchema.optional(),
  verified: z.boolean().optional(),
  search: searchField.optional(),
});

/** The rules for a filter of members. */
export const memberFilterSchema: z.ZodType<MemberFilter> = z.strictObject({
  role: memberRoleSchema.optional(),
});
