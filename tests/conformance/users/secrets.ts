import assert from "node:assert/strict";
import type { PeopleTest } from "../people/fixture.ts";

const CANARY = "canary-$argon2id$5e1f";

/** Where the password hash must not appear. */
export function testSecrets(test: PeopleTest): void {
  test("no method but getCredentials returns the password hash", async (people) => {
    const { users, organizations } = people;
    const user = await people.user({ passwordHash: CANARY });
    const { id } = await people.organization({ ownerId: user.id });
    const results = [
      user,
      await users.getById(user.id),
      await users.getByEmail(user.email),
      await users.getByUsername(user.username),
      await users.list({ search: user.username }),
      await users.updateProfile(user.id, { profile: { bio: "A life" } }),
      await users.updateRole(user.id, "admin"),
      await users.updateEmailVerified(user.id, true),
      await users.updatePassword(user.id, CANARY),
      await users.updateLastActive(user.id),
      await users.updateOrganizationRole(user.id, id, "owner"),
      await users.getOrganizations(user.id),
      await organizations.getMembers(id),
    ];
    for (const result of results) assert.deepEqual(texts(result).filter(isCanary), []);
    assert.deepEqual(texts(await users.getCredentials(user.email)).filter(isCanary), [CANARY]);
  });

  test("no error shows the password hash", async (people) => {
    const { users, pool } = people;
    const { email, username, id } = await people.user({ passwordHash: CANARY });
    const [other, passwordHash] = [`${people.word}-o`, CANARY];
    const calls = [
      () => users.create({ email, username: other, passwordHash }),
      () => users.create({ email: CANARY, username: other, passwordHash }),
      () => users.create({ email, username: CANARY, passwordHash }),
      () => users.create({ email, username, passwordHash: `${CANARY}\0` }),
      () => users.create({ email, username, passwordHash: CANARY.repeat(100) }),
      () => users.create({ email, username, displayName: { passwordHash } as unknown as string }),
      () => users.updatePassword(id, `${CANARY}\0`),
      () => users.updatePassword(id, CANARY, { expectedRevision: 9 }),
      () => users.updatePassword(CANARY, CANARY),
      () => pool.execute("insert into users (id, email, username) values ($1, $2, $3)", [CANARY]),
      () =>
        pool.execute(
          "insert into users (id, email, username, password_hash) values ($1, $2, $3, $4)",
          [id, email, username, CANARY],
        ),
      () => pool.execute("update users set role = password_hash where id = $1", [id]),
    ];
    for (const call of calls) {
      const error = await call().then(() => assert.fail("it was not refused"), (error) => error);
      assert.deepEqual(texts(error).filter(isCanary), []);
    }
  });
}

function isCanary(text: string): boolean {
  return text.includes("canary");
}

/** Every text that can be reached from a value, also through what is not enumerable. */
function texts(value: unknown, seen: Set<unknown> = new Set()): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || seen.has(value)) return [];
  seen.add(value);
  return Reflect.ownKeys(value).flatMap((key) => [
    String(key),
    ...texts((value as Record<PropertyKey, unknown>)[key], seen),
  ]);
}
