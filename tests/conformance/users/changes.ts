import assert from "node:assert/strict";
import { PostgresUserRepository } from "../../../database/repositories/user_repository.ts";
import type { UpdateOptions } from "../../../database/repositories/revision.ts";
import { newId } from "../../../domain/ids.ts";
import type { People, PeopleTest } from "../people/fixture.ts";

const LONG_AGO = new Date("2001-02-03T04:05:06Z");

/** Every method that changes a user and takes the expected revision. */
const UPDATES: Readonly<
  Record<string, (people: People, id: string, options?: UpdateOptions) => Promise<unknown>>
> = {
  updateProfile: ({ users }, id, options) => users.updateProfile(id, { displayName: "B" }, options),
  updateRole: ({ users }, id, options) => users.updateRole(id, "contributor", options),
  updateEmailVerified: ({ users }, id, options) => users.updateEmailVerified(id, true, options),
  updatePassword: ({ users }, id, options) => users.updatePassword(id, "new hash", options),
  delete: ({ users }, id, options) => users.delete(id, options),
};

/** Changing accounts. */
export function testChanges(test: PeopleTest): void {
  test("a change of the profile replaces what is given and leaves the rest", async (people) => {
    const { users } = people;
    const user = await people.user({ displayName: "Ada", profile: { bio: "old", location: "X" } });
    const renamed = await users.updateProfile(user.id, { displayName: "Countess" });
    assert.equal(renamed.displayName, "Countess");
    assert.deepEqual(renamed.profile, { bio: "old", location: "X" });
    const rewritten = await users.updateProfile(user.id, { profile: { bio: "new" } });
    assert.equal(rewritten.displayName, "Countess");
    assert.deepEqual(rewritten.profile, { bio: "new" });
    const nameless = await users.updateProfile(user.id, { displayName: null, profile: {} });
    assert.equal(nameless.displayName, undefined);
    assert.deepEqual(nameless.profile, {});
    assert.deepEqual(await users.getById(user.id), nameless);
  });

  test("role, verification of the e-mail address and password change", async (people) => {
    const { users } = people;
    const user = await people.user({ passwordHash: "old hash" });
    assert.equal((await users.updateRole(user.id, "admin")).role, "admin");
    assert.equal((await users.updateEmailVerified(user.id, true)).emailVerified, true);
    assert.equal((await users.updateEmailVerified(user.id, false)).emailVerified, false);
    await users.updatePassword(user.id, "new hash");
    assert.equal((await users.getCredentials(user.email))?.passwordHash, "new hash");
    assert.equal((await users.getById(user.id))?.role, "admin");
  });

  test("every change touches one user, its revision and the time of its change", async (people) => {
    const { users } = people;
    const other = await people.user({ passwordHash: "hash" });
    for (const [name, update] of Object.entries(UPDATES)) {
      if (name === "delete") continue;
      const { id } = await people.user();
      await people.pool.execute("update users set updated_at = $1 where id = $2", [LONG_AGO, id]);
      const before = await users.getById(id);
      await update(people, id, { expectedRevision: 1 });
      const after = await users.getById(id);
      assert.equal(after?.revision, 2, name);
      assert.ok(after.updatedAt > LONG_AGO, name);
      assert.deepEqual(after.createdAt, before?.createdAt, name);
    }
    assert.deepEqual(await users.getById(other.id), other);
    assert.equal((await users.getCredentials(other.email))?.passwordHash, "hash");
  });

  test("a change with an old revision conflicts, says both, and changes nothing", async (people) => {
    const { users } = people;
    for (const [name, update] of Object.entries(UPDATES)) {
      const user = await people.user();
      await users.updateRole(user.id, "reviewer");
      const current = await users.updateRole(user.id, "reviewer");
      for (const expectedRevision of [1, 2, 4]) {
        await assert.rejects(update(people, user.id, { expectedRevision }), {
          code: "conflict",
          message: new RegExp(`expected revision ${expectedRevision}, current revision 3`),
        }, name);
      }
      assert.deepEqual(await users.getById(user.id), current, name);
      await update(people, user.id, { expectedRevision: 3 });
    }
  });

  test("of two changes that expect the same revision, one conflicts", async (people) => {
    const user = await people.user();
    const changes = ["admin", "reviewer"].map((role) =>
      people.users.updateRole(user.id, role as "admin", { expectedRevision: 1 })
    );
    const results = await Promise.allSettled(changes);
    const refused = results.filter(({ status }) =>
      status === "rejected"
    ) as PromiseRejectedResult[];
    assert.deepEqual(refused.map(({ reason }) => reason.code), ["conflict"]);
    assert.equal((await people.users.getById(user.id))?.revision, 2);
  });

  test("a user who does not exist cannot be changed", async (people) => {
    for (const [name, update] of Object.entries(UPDATES)) {
      for (const options of [{}, { expectedRevision: 1 }]) {
        const missing = { code: "not_found", resource: "user" };
        await assert.rejects(update(people, newId(), options), missing, name);
      }
    }
    await assert.rejects(people.users.updateLastActive(newId()), { code: "not_found" });
  });

  test("activity is remembered and is no change", async ({ pool, users, user }) => {
    const created = await user();
    await users.updateLastActive(created.id);
    const first = await users.getById(created.id);
    assert.ok(first!.lastActiveAt! >= created.createdAt);
    assert.deepEqual({ ...first, lastActiveAt: undefined }, created);
    await pool.execute("update users set last_active_at = $1 where id = $2", [
      LONG_AGO,
      created.id,
    ]);
    await users.updateLastActive(created.id);
    assert.ok((await users.getById(created.id))!.lastActiveAt! >= created.createdAt);
  });

  test("activity never goes back", async (people) => {
    const user = await people.user();
    const later = new Date(Date.now() + 3_600_000);
    await people.pool.execute("update users set last_active_at = $1 where id = $2", [
      later,
      user.id,
    ]);
    await people.users.updateLastActive(user.id);
    assert.deepEqual((await people.users.getById(user.id))?.lastActiveAt, later);
  });

  test("changes in a transaction take effect together or not at all", async (people) => {
    const user = await people.user();
    const failure = new Error("no");
    await assert.rejects(
      people.pool.transaction(async (transaction) => {
        const users = new PostgresUserRepository(transaction);
        await users.updateRole(user.id, "admin");
        await users.create({ email: `${people.word}@example.org`, username: people.word });
        await users.delete(user.id);
        assert.equal(await users.getById(user.id), undefined);
        throw failure;
      }),
      failure,
    );
    assert.deepEqual(await people.users.getById(user.id), user);
    assert.equal(await people.users.usernameExists(people.word), false);
  });
}
