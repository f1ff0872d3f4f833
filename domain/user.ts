import { z } from "zod";
import { idField, searchField, textField, urlField } from "./fields.ts";

/** What a user may do, from least to most. */
export const USER_ROLES = ["anonymous", "registered", "contributor", "reviewer", "admin"] as const;

/** One of {@linkcode USER_ROLES}. */
export type UserRole = typeof USER_ROLES[number];

/** What users tell about themselves. */
export interface UserProfile {
  /** A few sentences. */
  readonly bio?: string | undefined;
  /** Where they work. */
  readonly affiliation?: string | undefined;
  /** Where they live. */
  readonly location?: string | undefined;
  /** Their page. */
  readonly website?: string | undefined;
  /** Where their picture is. */
  readonly avatarUrl?: string | undefined;
}

/** A person with an account. The password hash is never part of it. */
export interface User {
  /** UUID. */
  readonly id: string;
  /** Unique without regard to case. */
  readonly email: string;
  /** Unique without regard to case. */
  readonly username: string;
  /** The name to show, where it is not the username. */
  readonly displayName: string | undefined;
  /** What the user may do. */
  readonly role: UserRole;
  /** What the user tells. */
  readonly profile: UserProfile;
  /** Whether the user has shown to own the e-mail address. */
  readonly emailVerified: boolean;
  /** When the user last did something. */
  readonly lastActiveAt: Date | undefined;
  /** When the account was made. */
  readonly createdAt: Date;
  /** When it last changed. */
  readonly updatedAt: Date;
  /** Counts changes; an update names the one it saw. */
  readonly revision: number;
}

/** What a new account needs. */
export interface NewUser {
  /** Default: a new id. */
  readonly id?: string | undefined;
  /** Like `name@host`, at most 254 characters. */
  readonly email: string;
  /** 2 to 40 letters, digits, hyphens and underscores. */
  readonly username: string;
  /** 1 to 100 characters. */
  readonly displayName?: string | undefined;
  /** Default: `registered`. */
  readonly role?: UserRole | undefined;
  /** Default: empty. */
  readonly profile?: UserProfile | undefined;
  /** As the caller's hash function made it, such as argon2id in PHC format; 1 to 1,000 characters. */
  readonly passwordHash?: string | undefined;
}

/** What users change about themselves; what is absent stays, `null` removes. */
export interface UserChanges {
  /** Another name to show. */
  readonly displayName?: string | null | undefined;
  /** Replaces the whole profile. */
  readonly profile?: UserProfile | undefined;
}

/** What a list of users holds; absent parts do not filter. */
export interface UserFilter {
  /** Users of this role. */
  readonly role?: UserRole | undefined;
  /** Users with this text in username, display name or e-mail address, without regard to case. */
  readonly search?: string | undefined;
}

/** What a login compares a password with. */
export interface UserCredentials {
  /** Whose they are. */
  readonly userId: string;
  /** As it was given to the library. */
  readonly passwordHash: string;
}

/** The rules for a profile. */
export const userProfileSchema: z.ZodType<UserProfile> = z.strictObject({
  bio: textField(0, 5_000).optional(),
  affiliation: textField(0, 200).optional(),
  location: textField(0, 200).optional(),
  website: urlField.optional(),
  avatarUrl: urlField.optional(),
});

/** The rules for a role. */
export const userRoleSchema: z.ZodType<UserRole> = z.enum(USER_ROLES);

/** The rules for an e-mail address. */
export const emailSchema: z.ZodType<string> = z.email().max(254);

/** The rules for the name to show. */
const displayNameSchema: z.ZodType<string> = textField(1, 100);

/** The rules for what a caller's hash function made. */
export const passwordHashSchema: z.ZodType<string> = textField(1, 1_000);

/** The rules for a new account. */
export const newUserSchema: z.ZodType<NewUser> = z.strictObject({
  id: idField.optional(),
  email: emailSchema,
  username: z.string().regex(
    /^[A-Za-z0-9_-]{2,40}$/,
    "it must have 2 to 40 letters, digits, hyphens and underscores",
  ),
  displayName: displayNameSchema.optional(),
  role: userRoleSchema.optional(),
  profile: userProfileSchema.optional(),
  passwordHash: passwordHashSchema.optional(),
});

/** The rules for changes. */
export const userChangesSchema: z.ZodType<UserChanges> = z.strictObject({
  displayName: displayNameSchema.nullable().optional(),
  profile: userProfileSchema.optional(),
});

/** The rules for a filter. */
export const userFilterSchema: z.ZodType<UserFilter> = z.strictObject({
  role: userRoleSchema.optional(),
  search: searchField.optional(),
});
