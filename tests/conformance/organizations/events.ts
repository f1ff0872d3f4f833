import assert from "node:assert/strict";
import { PostgresOrganizationRepository } from "../../../database/repositories/organization_repository.ts";
import { type OrganizationEvent, organizationEventSchema } from "../../../domain/events.ts";
import { assertRolledBack, countEvents, eventsOf } from "../outbox_rows.ts";
import type { People, PeopleTest } from "../people/fixture.ts";

function events({ pool }: People, id: string): Promise<OrganizationEvent[]> {
  return eventsOf(pool, organizationEventSchema, "organization", id);
}

/** What changes of organizations leave in the outbox. */
export function testEvents(test: PeopleTest): void {
  test("changes of an organization write their events, in order", async (people) => {
    const { organizations } = people;
    const { id: organizationId, slug, name, createdBy } = await people.organization();
    await organizations.update(organizationId, { name: "Other", website: "https://example.org" });
    await organizations.update(organizationId, { website: null });
    await organizations.verify(organizationId);
    await organizations.unverify(organizationId);
    await organizations.delete(organizationId);
    assert.deepEqual(await events(people, organizationId), [
      { type: "Created", organizationId, slug, name, createdBy },
      { type: "Updated", organizationId, changedFields: ["name", "website"] },
      { type: "Updated", organizationId, changedFields: ["website"] },
      { type: "Verified", organizationId },
      { type: "Unverified", organizationId },
      { type: "Deleted", organizationId },
    ]);
  });

  test("members who come, rise and go write their events, in order", async (people) => {
    const { organizations, users } = people;
    const { id: organizationId } = await people.organization();
    const { id: userId } = await people.user();
    await organizations.addMember(organizationId, userId, "member");
    await users.updateOrganizationRole(userId, organizationId, "admin");
    await users.updateOrganizationRole(userId, organizationId, "admin");
    await organizations.removeMember(organizationId, userId);
    assert.deepEqual((await events(people, organizationId)).slice(1), [
      { type: "MemberAdded", organizationId, userId, role: "member" },
      { type: "MemberRoleChanged", organizationId, userId, oldRole: "member", newRole: "admin" },
      { type: "MemberRemoved", organizationId, userId },
    ]);
  });

  test("what changes nothing about an organization writes no event", async (people) => {
    const { organizations } = people;
    const { id, slug, name, createdBy } = await people.organization({ description: "x" });
    await organizations.update(id, { slug, name, description: "x", website: null });
    await organizations.update(id, {});
    await organizations.unverify(id);
    await organizations.verify(id);
    await organizations.verify(id);
    const again = organizations.addMember(id, createdBy, "member");
    await assert.rejects(again, { code: "already_exists" });
    await assert.rejects(organizations.removeMember(id, createdBy), { code: "conflict" });
    const types = (await events(people, id)).map(({ type }) => type);
    assert.deepEqual(types, ["Created", "Verified"]);
  });

  test("a rolled back change of an organization leaves no event", async (people) => {
    const { pool } = people;
    const { id } = await people.organization();
    const { id: userId } = await people.user();
    await assertRolledBack(pool, async (transaction) => {
      const organizations = new PostgresOrganizationRepository(transaction);
      await organizations.verify(id);
      await organizations.addMember(id, userId, "member");
    });
  });

  test("organizations whose repository writes no events leave none", async (people) => {
    const organizations = new PostgresOrganizationRepository(people.pool, { events: false });
    const { id: ownerId } = await people.user();
    const { id: userId } = await people.user();
    const before = await countEvents(people.pool);
    const made = { slug: people.word, name: "N", type: "enterprise", ownerId } as const;
    const { id } = await organizations.create(made);
    await organizations.update(id, { name: "M" });
    await organizations.verify(id);
    await organizations.addMember(id, userId, "member");
    await organizations.removeMember(id, userId);
    await organizations.delete(id);
    assert.equal(await countEvents(people.pool), before);
  });
}
