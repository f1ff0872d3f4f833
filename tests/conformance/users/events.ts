import assert from "node:assert/strict";
import { PostgresUserRepository } from "../../../database/repositories/user_repository.ts";
import {
  organizationEventSchema,
  type UserEvent,
  userEventSchema,
} from "../../../domain/events.ts";
import { assertRolledBack, countEvents, eventsOf } from "../outbox_rows.ts";
import type { People, PeopleTest } from "../people/fixture.ts";

function events({ pool }: People, id: string): Promise<UserEvent[]> {
  return eventsOf(pool, userEventSchema, "user", id);
}

/** What changes of accounts leave in the outbox. */
export function testEvents(test: PeopleTest): void {
  test("changes of a user write their events, in order", async (people) => {
    const { users } = people;
    const { id, username } = await people.user();
    await users.updateRole(id, "reviewer");
    await users.updateProfile(id, { displayName: "Ada", profile: { bio: "x" } });
    await users.updateProfile(id, { profile: { bio: "y" } });
    await users.updateRole(id, "admin", { expectedRevision: 4 });
    await users.updateEmailVerified(id, true);
    await users.delete(id);
    assert.deepEqual(await events(people, id), [
      { type: "Created", userId: id, username, role: "registered" },
      { type: "RoleChanged", userId: id, oldRole: "registered", newRole: "reviewer" },
      { type: "ProfileUpdated", userId: id, changedFields: ["displayName", "profile"] },
      { type: "ProfileUpdated", userId: id, changedFields: ["profile"] },
      { type: "RoleChanged", userId: id, oldRole: "reviewer", newRole: "admin" },
      { type: "ProfileUpdated", userId: id, changedFields: ["emailVerified"] },
      { type: "Deleted", userId: id },
    ]);
  });

  test("what changes nothing that events tell of writes none", async (people) => {
    const { users } = people;
    const { id } = await people.user({ displayName: "Ada", profile: { bio: "x" } });
    await users.updateRole(id, "registered");
    await users.updateProfile(id, { displayName: "Ada", profile: { bio: "x" } });
    await users.updateProfile(id, {});
    await users.updateEmailVerified(id, false);
    await users.updatePassword(id, "hash");
    await users.updateLastActive(id);
    assert.deepEqual((await events(people, id)).map(({ type }) => type), ["Created"]);
  });

  test("a refused or rolled back change of a user writes no event", async (people) => {
    const { users, pool } = people;
    const user = await people.user();
    const before = await countEvents(pool);
    const { email, username } = user;
    await assert.rejects(users.create({ email, username }), { code: "already_exists" });
    const outdated = { expectedRevision: 9 };
    await assert.rejects(users.updateRole(user.id, "admin", outdated), { code: "conflict" });
    assert.equal(await countEvents(pool), before);
    await assertRolledBack(pool, async (transaction) => {
      await new PostgresUserRepository(transaction).updateRole(user.id, "admin");
    });
  });

  test("a deleted user leaves every organization with an event", async (people) => {
    const owned = await people.organization();
    const other = await people.organization();
    const { id: userId } = await people.user();
    for (const { id } of [owned, other]) await people.users.addToOrganization(userId, id, "member");
    await people.users.delete(userId);
    for (const { id: organizationId } of [owned, other]) {
      const found = await eventsOf(
        people.pool,
        organizationEventSchema,
        "organization",
        organizationId,
      );
      assert.deepEqual(found.at(-1), { type: "MemberRemoved", organizationId, userId });
    }
  });

  test("users whose repository writes no events leave none", async (people) => {
    const users = new PostgresUserRepository(people.pool, { events: false });
    const { id: organizationId } = await people.organization();
    const before = await countEvents(people.pool);
    const { id } = await users.create({ email: `${people.word}@e.org`, username: people.word });
    await users.updateRole(id, "admin");
    await users.updateProfile(id, { displayName: "B" });
    await users.updateEmailVerified(id, true);
    await users.addToOrganization(id, organizationId, "member");
    await users.updateOrganizationRole(id, organizationId, "admin");
    await users.delete(id);
    assert.equal(await countEvents(people.pool), before);
  });
}
