import assert from "node:assert/strict";
import { PostgresOrganizationRepository } from "../../../database/repositories/organization_repository.ts";
import type { DatabaseHarness } from "../database_harness.ts";
import type { People, PeopleTest } from "../people/fixture.ts";
import { SIDES } from "./sides.ts";

/** That every organization has an owner at all times. */
export function testLastOwner(test: PeopleTest, { capabilities }: DatabaseHarness): void {
  for (const { side, add, remove } of SIDES) {
    test(`the last owner cannot be removed by ${side}`, async (people) => {
      const { id, createdBy } = await people.organization();
      const [admin, second] = [await people.user(), await people.user()];
      await add(people, id, admin.id, "admin");
      await assert.rejects(remove(people, id, createdBy), { code: "conflict" });
      await add(people, id, second.id, "owner");
      await remove(people, id, createdBy);
      await assert.rejects(remove(people, id, second.id), { code: "conflict" });
      await remove(people, id, admin.id);
      assert.equal(await people.organizations.getMemberCount(id), 1);
    });
  }

  test("the last owner cannot get another role", async (people) => {
    const { users } = people;
    const { id, createdBy } = await people.organization();
    for (const role of ["member", "admin"] as const) {
      const demotion = users.updateOrganizationRole(createdBy, id, role);
      await assert.rejects(demotion, { code: "conflict" });
    }
    assert.equal((await users.updateOrganizationRole(createdBy, id, "owner")).role, "owner");
    const second = await people.user();
    await users.addToOrganization(second.id, id, "owner");
    await users.updateOrganizationRole(createdBy, id, "member");
    const demotion = users.updateOrganizationRole(second.id, id, "member");
    await assert.rejects(demotion, { code: "conflict" });
  });

  test("an owner who was marked deleted past this library is no owner", async (people) => {
    const { id, createdBy } = await people.organization();
    const gone = await people.user();
    await people.organizations.addMember(id, gone.id, "owner");
    await people.pool.execute("update users set deleted_at = now() where id = $1", [gone.id]);
    assert.equal(await people.organizations.getMemberCount(id), 1);
    const { items } = await people.organizations.getMembers(id);
    assert.deepEqual(items.map(({ userId }) => userId), [createdBy]);
    await assert.rejects(people.organizations.removeMember(id, createdBy), { code: "conflict" });
    await assert.rejects(people.users.delete(createdBy), { code: "conflict" });
  });

  if (!capabilities.concurrentConnections) return;

  const LEAVING: Readonly<Record<string, (people: People, id: string, user: string) => unknown>> = {
    "leave": ({ organizations }, id, user) => organizations.removeMember(id, user),
    "are demoted": ({ users }, id, user) => users.updateOrganizationRole(user, id, "member"),
    "leave, whatever they saw before": ({ pool }, id, user) =>
      pool.transaction(async (transaction) => {
        const organizations = new PostgresOrganizationRepository(transaction);
        assert.equal((await organizations.getMembers(id, { role: "owner" })).items.length, 2);
        await organizations.removeMember(id, user);
      }, { isolation: "repeatable read", retries: 0 }),
  };

  for (const [what, leave] of Object.entries(LEAVING)) {
    test(`when the last two owners ${what} at the same time, one stays an owner`, async (people) => {
      for (let round = 0; round < 20; round++) {
        const { id, createdBy } = await people.organization();
        const second = await people.user();
        await people.organizations.addMember(id, second.id, "owner");
        const calls = [leave(people, id, createdBy), leave(people, id, second.id)];
        const results = await Promise.allSettled(calls);
        const left = results.filter(({ status }) => status === "fulfilled");
        assert.equal(left.length, 1);
        const owners = await people.organizations.getMembers(id, { role: "owner" });
        assert.equal(owners.items.length, 1);
      }
    });
  }

  test("members who come and go at the same time do not get in each other's way", async (people) => {
    const { organizations } = people;
    const { id } = await people.organization();
    const users = await Promise.all(Array.from({ length: 20 }, () => people.user()));
    await Promise.all(users.map((user) => organizations.addMember(id, user.id, "owner")));
    await Promise.all(users.map((user) => organizations.removeMember(id, user.id)));
    assert.equal(await organizations.getMemberCount(id), 1);
  });

  test("of two additions of one member at the same time, one says that it exists", async (people) => {
    const { id } = await people.organization();
    for (let round = 0; round < 20; round++) {
      const user = await people.user();
      const results = await Promise.allSettled(
        SIDES.map(({ add }) => add(people, id, user.id, "member")),
      );
      const refused = results.filter(({ status }) => status === "rejected");
      assert.deepEqual(
        refused.map((result) => (result as PromiseRejectedResult).reason.field),
        ["userId"],
      );
    }
  });
}
