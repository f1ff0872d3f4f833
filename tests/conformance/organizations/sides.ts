import type { MemberRole, OrganizationMember } from "../../../domain/organization.ts";
import type { People } from "../people/fixture.ts";

/** How one repository changes members. */
interface Side {
  readonly side: string;
  add(
    people: People,
    organizationId: string,
    userId: string,
    role: MemberRole,
  ): Promise<OrganizationMember>;
  remove(people: People, organizationId: string, userId: string): Promise<void>;
}

/** Members are changed from both sides, in the same way. */
export const SIDES: readonly Side[] = [
  {
    side: "the organizations",
    add: ({ organizations }, id, userId, role) => organizations.addMember(id, userId, role),
    remove: ({ organizations }, id, userId) => organizations.removeMember(id, userId),
  },
  {
    side: "the users",
    add: ({ users }, id, userId, role) => users.addToOrganization(userId, id, role),
    remove: ({ users }, id, userId) => users.removeFromOrganization(userId, id),
  },
];
