import assert from "node:assert/strict";
import type { DatabaseHarness } from "../database_harness.ts";
import type { PeopleTest } from "../people/fixture.ts";

/** Deleting accounts. */
export function testDeletion(test: PeopleTest, { capabilities }: DatabaseHarness): void {
  test("a deleted user is as if it had never been", async (people) => {
    const { users, organizations, word } = people;
    const user = await people.user({ passwordHash: "hash", displayName: word });
    const organization = await people.organization();
    await users.addToOrganization(user.id, organization.id, "admin");
    await users.delete(user.id);
    assert.equal(await users.getById(user.id), undefined);
    assert.equal(await users.getByEmail(user.email), undefined);
    assert.equal(await users.getByUsername(user.username), undefined);
    assert.equal(await users.getCredentials(user.email), undefined);
    assert.equal(await users.emailExists(user.email), false);
    assert.equal(await users.usernameExists(user.username), false);
    assert.deepEqual((await users.list({ search: user.username })).items, []);
    assert.equal(await users.count({ search: user.username }), 0);
    assert.deepEqual(await users.getOrganizations(user.id), { items: [] });
    assert.equal(await organizations.getMemberCount(organization.id), 1);
    const members = await organizations.getMembers(organization.id);
    assert.deepEqual(members.items.map(({ userId }) => userId), [organization.createdBy]);
    await assert.rejects(users.delete(user.id), { code: "not_found" });
    await assert.rejects(users.addToOrganization(user.id, organization.id, "member"), {
      code: "not_found",
      resource: "user",
    });
  });

  test("a deleted user frees e-mail address and username", async (people) => {
    const first = await people.user();
    await people.users.delete(first.id);
    const second = await people.user({ email: first.email, username: first.username });
    assert.deepEqual(await people.users.getByEmail(first.email), second);
    await people.users.delete(second.id);
    const third = await people.user({ email: first.email, username: first.username });
    assert.deepEqual(await people.users.getByUsername(first.username), third);
  });

  test("hash, profile and display name of a deleted user are wiped", async (people) => {
    const user = await people.user({
      displayName: "Ada",
      profile: { bio: "A life" },
      passwordHash: "hash",
    });
    await people.users.delete(user.id);
    const { rows } = await people.pool.execute(
      "select display_name, profile, password_hash, email_verified from users where id = $1",
      [user.id],
    );
    assert.deepEqual(rows, [
      { display_name: null, profile: {}, password_hash: null, email_verified: false },
    ]);
  });

  test("the last owner of an organization cannot be deleted", async (people) => {
    const { users } = people;
    const owner = await people.user({ passwordHash: "hash" });
    const organization = await people.organization({ ownerId: owner.id });
    const other = await people.user();
    await users.addToOrganization(other.id, organization.id, "admin");
    await assert.rejects(users.delete(owner.id), { code: "conflict" });
    assert.deepEqual(await users.getById(owner.id), owner);
    assert.ok(await users.getCredentials(owner.email));
    assert.equal((await users.getOrganizations(owner.id)).items.length, 1);
    await users.updateOrganizationRole(other.id, organization.id, "owner");
    await users.delete(owner.id);
    await assert.rejects(users.delete(other.id), { code: "conflict" });
  });

  test("the last owner of a deleted organization can be deleted", async (people) => {
    const owner = await people.user();
    const organization = await people.organization({ ownerId: owner.id });
    await people.organizations.delete(organization.id);
    await people.users.delete(owner.id);
    assert.equal(await people.users.getById(owner.id), undefined);
  });

  if (!capabilities.concurrentConnections) return;

  test("when the last two owners are deleted at the same time, one stays", async (people) => {
    const { users } = people;
    for (let round = 0; round < 20; round++) {
      const [a, b] = [await people.user(), await people.user()];
      const one = await people.organization({ ownerId: a.id });
      const two = await people.organization({ ownerId: b.id });
      await users.addToOrganization(b.id, one.id, "owner");
      await users.addToOrganization(a.id, two.id, "owner");
      const results = await Promise.allSettled([users.delete(a.id), users.delete(b.id)]);
      assert.deepEqual(codes(results), ["conflict", "done"]);
      for (const { id } of [one, two]) {
        assert.equal(await people.organizations.getMemberCount(id), 1);
      }
    }
  });

  test("who is deleted while becoming an owner leaves no organization without one", async (people) => {
    const { users, organizations } = people;
    for (let round = 0; round < 20; round++) {
      const [leaving, coming] = [await people.user(), await people.user()];
      const organization = await people.organization({ ownerId: leaving.id });
      await users.addToOrganization(coming.id, organization.id, "member");
      await Promise.allSettled([
        users.delete(coming.id),
        users.updateOrganizationRole(coming.id, organization.id, "owner")
          .then(() => organizations.removeMember(organization.id, leaving.id)),
        people.organization({ ownerId: coming.id }),
      ]);
      const { rows } = await people.pool.execute(OWNERLESS, [[leaving.id, coming.id]]);
      assert.deepEqual(rows, []);
    }
  });
}

/** Organizations made by one of the users that nobody owns. */
const OWNERLESS = `
  select slug from organizations
  where created_by = any($1::uuid[]) and deleted_at is null and not exists (
    select from organization_members m join users u on u.id = m.user_id
    where m.organization_id = organizations.id and m.role = 'owner' and u.deleted_at is null
  )`;

/** What became of calls, sorted. */
function codes(results: readonly PromiseSettledResult<unknown>[]): string[] {
  return results.map((result) => result.status === "fulfilled" ? "done" : result.reason.code)
    .sort();
}
