import assert from "node:assert/strict";
import { createPool } from "../../../database/create_pool.ts";
import { migrate } from "../../../database/migrator.ts";
import { endMemberships, Memberships } from "../../../database/repositories/membership.ts";
import { PostgresOrganizationRepository } from "../../../database/repositories/organization_repository.ts";
import { PostgresUserRepository } from "../../../database/repositories/user_repository.ts";
import { after, test, whenPermitted } from "../../support/permitted.ts";

const pool = await whenPermitted(() => createPool({ embedded: {} }));
await whenPermitted(() => migrate(pool));
after(() => pool.close());
const users = new PostgresUserRepository(pool);
const organizations = new PostgresOrganizationRepository(pool);
const memberships = new Memberships(pool, true);

/** A user who is a member of an organization that another user owns. */
async function makeMember(name: string): Promise<{ userId: string; organizationId: string }> {
  const [owner, user] = await Promise.all(
    [`${name}-owner`, name].map((username) =>
      users.create({ username, email: `${username}@example.org` })
    ),
  );
  const organization = await organizations.create({
    slug: name,
    name,
    type: "individual",
    ownerId: owner!.id,
  });
  const key = { userId: user!.id, organizationId: organization.id };
  await memberships.add(key, "member", {});
  return key;
}

test("every membership of a user ends, and those of others stay", async () => {
  const { userId, organizationId } = await makeMember("ada");
  const other = await makeMember("bob");
  await memberships.add({ userId, organizationId: other.organizationId }, "admin", {});
  await pool.transaction((transaction) =>
    endMemberships(transaction, { userId, events: true }, "delete user", {})
  );
  assert.deepEqual(await memberships.organizations(userId, {}), { items: [] });
  assert.equal(await memberships.countMembers(organizationId, {}), 1);
  assert.equal(await memberships.countMembers(other.organizationId, {}), 2);
});

test("no membership of a last owner ends", async () => {
  const { userId, organizationId } = await makeMember("eve");
  await organizations.create({ slug: "eves", name: "Eve's", type: "individual", ownerId: userId });
  const operation = "delete user";
  await pool.transaction(async (transaction) => {
    const call = endMemberships(transaction, { userId, events: true }, operation, {});
    await assert.rejects(call, { code: "conflict", operation });
  });
  assert.equal((await memberships.organizations(userId, {})).items.length, 2);
  assert.equal(await memberships.countMembers(organizationId, {}), 2);
});

test("a lock changes nothing that anybody sees", async () => {
  const { userId, organizationId } = await makeMember("joe");
  const before = [await users.getById(userId), await organizations.getById(organizationId)];
  await memberships.updateRole({ userId, organizationId }, "admin", {});
  await memberships.remove({ userId, organizationId }, {});
  const after = [await users.getById(userId), await organizations.getById(organizationId)];
  assert.deepEqual(after, before);
});
