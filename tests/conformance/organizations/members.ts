import assert from "node:assert/strict";
import { PostgresOrganizationRepository } from "../../../database/repositories/organization_repository.ts";
import { newId } from "../../../domain/ids.ts";
import type { MemberRole, OrganizationMember } from "../../../domain/organization.ts";
import type { PeopleTest } from "../people/fixture.ts";
import { assertChecksLimit, assertGuardsCursors, readAll } from "../people/pages.ts";
import { SIDES } from "./sides.ts";

/** Who belongs to what, seen from both sides. */
export function testMembers(test: PeopleTest): void {
  for (const { side, add, remove } of SIDES) {
    test(`a member is added and removed by ${side}, and seen from both sides`, async (people) => {
      const { users, organizations } = people;
      const organization = await people.organization();
      const user = await people.user();
      const member = await add(people, organization.id, user.id, "admin");
      const { joinedAt, ...rest } = member;
      assert.ok(joinedAt instanceof Date);
      const { id: userId, username } = user;
      const expected = { organizationId: organization.id, userId, username, role: "admin" };
      assert.deepEqual(rest, expected);
      const { items } = await organizations.getMembers(organization.id);
      assert.deepEqual(items[1], member);
      assert.equal(await organizations.getMemberCount(organization.id), 2);
      const memberships = await users.getOrganizations(userId);
      assert.deepEqual(memberships, { items: [{ organization, role: "admin", joinedAt }] });
      await remove(people, organization.id, userId);
      assert.equal(await organizations.getMemberCount(organization.id), 1);
      assert.deepEqual(await users.getOrganizations(userId), { items: [] });
      await add(people, organization.id, userId, "member");
      assert.equal(await organizations.getMemberCount(organization.id), 2);
    });

    test(`a member cannot be added twice by ${side}, in whatever role`, async (people) => {
      const { id, createdBy } = await people.organization();
      const user = await people.user();
      await add(people, id, user.id, "member");
      for (const userId of [user.id, createdBy]) {
        for (const role of ["member", "owner"] as const) {
          await assert.rejects(add(people, id, userId, role), {
            code: "already_exists",
            field: "userId",
            constraint: "organization_members_pkey",
          });
        }
      }
      const { items } = await people.organizations.getMembers(id);
      assert.deepEqual(items.map(({ role }) => role), ["owner", "member"]);
    });

    test(`what is missing is named when ${side} changes members`, async (people) => {
      const { id, createdBy } = await people.organization();
      const [stranger, gone] = [await people.user(), await people.organization()];
      await people.organizations.delete(gone.id);
      const missing = (resource: string) => ({ code: "not_found", resource });
      await assert.rejects(add(people, id, newId(), "member"), missing("user"));
      await assert.rejects(remove(people, id, newId()), missing("user"));
      for (const organizationId of [newId(), gone.id]) {
        const absent = missing("organization");
        await assert.rejects(add(people, organizationId, stranger.id, "member"), absent);
        await assert.rejects(remove(people, organizationId, gone.createdBy), absent);
      }
      await assert.rejects(remove(people, id, stranger.id), missing("organization member"));
      assert.equal(await people.organizations.getMemberCount(id), 1);
      assert.equal((await people.users.getOrganizations(createdBy)).items.length, 1);
    });
  }

  test("the role of a member changes", async (people) => {
    const { users, organizations } = people;
    const { id } = await people.organization();
    const user = await people.user();
    const added = await organizations.addMember(id, user.id, "member");
    for (const role of ["admin", "owner", "owner", "member", "member"] as const) {
      assert.deepEqual(await users.updateOrganizationRole(user.id, id, role), { ...added, role });
    }
    const missing = { code: "not_found" };
    await assert.rejects(users.updateOrganizationRole(newId(), id, "admin"), missing);
    await assert.rejects(users.updateOrganizationRole(user.id, newId(), "admin"), missing);
    const stranger = await people.user();
    await assert.rejects(users.updateOrganizationRole(stranger.id, id, "admin"), {
      ...missing,
      resource: "organization member",
    });
  });

  test("members are listed in the order in which they joined, and filtered by role", async (people) => {
    const { organizations } = people;
    const { id, createdBy } = await people.organization();
    const joined = [createdBy];
    for (const role of ["member", "admin", "member", "owner", "admin"] as MemberRole[]) {
      joined.push((await organizations.addMember(id, (await people.user()).id, role)).userId);
    }
    const idsOf = (items: readonly OrganizationMember[]) => items.map(({ userId }) => userId);
    for (const limit of [1, 2, 6]) {
      const read = await readAll((page) => organizations.getMembers(id, page), limit);
      assert.deepEqual(idsOf(read), joined);
    }
    const admins = await readAll(
      (page) => organizations.getMembers(id, { role: "admin", ...page }),
      1,
    );
    assert.deepEqual(idsOf(admins), [joined[2], joined[5]]);
    const owners = await organizations.getMembers(id, { role: "owner", withTotal: true });
    assert.deepEqual([idsOf(owners.items), owners.total], [[createdBy, joined[4]], 2]);
  });

  test("members who joined in the same microsecond are paged exactly", async (people) => {
    const { pool, organizations, users } = people;
    const { id, createdBy } = await people.organization();
    const other = await people.organization({ ownerId: createdBy });
    for (let i = 0; i < 12; i++) {
      await organizations.addMember(id, (await people.user()).id, "member");
    }
    await pool.execute("update organization_members set joined_at = now()");
    const members = await readAll((page) => organizations.getMembers(id, page), 5);
    const ids = members.map(({ userId }) => userId);
    assert.deepEqual(ids, [...new Set(ids)].sort());
    assert.equal(ids.length, 13);
    const memberships = await readAll((page) => users.getOrganizations(createdBy, page), 1);
    assert.deepEqual(
      memberships.map(({ organization }) => organization.id),
      [id, other.id].sort(),
    );
  });

  test("a cursor of another organization, role or user is refused", async (people) => {
    const { organizations, users } = people;
    const owner = await people.user();
    const one = await people.organization({ ownerId: owner.id });
    const other = await people.organization({ ownerId: owner.id });
    await organizations.addMember(one.id, (await people.user()).id, "owner");
    await assertGuardsCursors((page) => organizations.getMembers(one.id, page), [
      (page) => organizations.getMembers(other.id, page),
      (page) => organizations.getMembers(one.id, { role: "owner", ...page }),
      (page) => users.getOrganizations(owner.id, page),
    ]);
    await assertGuardsCursors((page) => users.getOrganizations(owner.id, page), [
      (page) => users.getOrganizations(one.id, page),
    ]);
    await assertChecksLimit((page) => organizations.getMembers(one.id, page));
    await assertChecksLimit((page) => users.getOrganizations(owner.id, page));
  });

  test("what does not exist has no members and no organizations", async ({ organizations, users }) => {
    assert.deepEqual(await organizations.getMembers(newId()), { items: [] });
    assert.equal(await organizations.getMemberCount(newId()), 0);
    assert.deepEqual(await users.getOrganizations(newId()), { items: [] });
  });

  test("a membership that cannot be changed leaves the transaction around it alone", async (people) => {
    const { pool, organizations } = people;
    const { id, createdBy } = await people.organization();
    const user = await people.user();
    await pool.transaction(async (transaction) => {
      const inside = new PostgresOrganizationRepository(transaction);
      await inside.addMember(id, user.id, "member");
      await assert.rejects(inside.addMember(id, user.id, "admin"), { code: "already_exists" });
      await assert.rejects(inside.removeMember(id, createdBy), { code: "conflict" });
    });
    const { items } = await organizations.getMembers(id);
    assert.deepEqual(items.map(({ role }) => role), ["owner", "member"]);
  });
}
