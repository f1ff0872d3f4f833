import assert from "node:assert/strict";
import { newId } from "../../../domain/ids.ts";
import type { PeopleTest } from "../people/fixture.ts";
import type { DatabaseHarness } from "../database_harness.ts";

/** Creating and finding accounts. */
export function testAccounts(test: PeopleTest, { capabilities }: DatabaseHarness): void {
  test("a user is created with what it needs, and the rest by default", async ({ users, word }) => {
    const user = await users.create({ email: `${word}@example.org`, username: word });
    const { id, createdAt, updatedAt, ...rest } = user;
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.ok(createdAt instanceof Date);
    assert.deepEqual(updatedAt, createdAt);
    assert.deepEqual(rest, {
      email: `${word}@example.org`,
      username: word,
      displayName: undefined,
      role: "registered",
      profile: {},
      emailVerified: false,
      lastActiveAt: undefined,
      revision: 1,
    });
  });

  test("a user is created with everything that is given", async ({ users, word }) => {
    const given = {
      id: newId(),
      email: `${word}@Example.org`,
      username: word.toUpperCase(),
      displayName: "Ada Lovelace 👩‍💻",
      role: "reviewer" as const,
      profile: {
        bio: "'; drop table users --",
        affiliation: "",
        location: "London",
        website: "https://example.org/~ada?a=1&b=%20",
        avatarUrl: "https://example.org/ada.png",
      },
    };
    const user = await users.create({ ...given, passwordHash: "hash" });
    const { createdAt: _1, updatedAt: _2, ...rest } = user;
    const expected = { ...given, emailVerified: false, lastActiveAt: undefined, revision: 1 };
    assert.deepEqual(rest, expected);
    assert.deepEqual(await users.getById(given.id), user);
  });

  test("what no user has finds undefined", async ({ users, word }) => {
    assert.equal(await users.getById(newId()), undefined);
    assert.equal(await users.getByEmail(`${word}@example.org`), undefined);
    assert.equal(await users.getByEmail("not an address"), undefined);
    assert.equal(await users.getByUsername(word), undefined);
    assert.equal(await users.getCredentials(`${word}@example.org`), undefined);
  });

  test("e-mail addresses and usernames are found without regard to case", async (people) => {
    const { users, word } = people;
    const user = await people.user({ email: `Ada-${word}@Example.ORG`, username: `Ada_${word}` });
    for (const change of ["toLowerCase", "toUpperCase", "toString"] as const) {
      assert.deepEqual(await users.getByEmail(user.email[change]()), user);
      assert.deepEqual(await users.getByUsername(user.username[change]()), user);
      assert.equal(await users.emailExists(user.email[change]()), true);
      assert.equal(await users.usernameExists(user.username[change]()), true);
    }
    assert.equal(await users.emailExists(`x${user.email}`), false);
    assert.equal(await users.usernameExists(`x${user.username}`), false);
  });

  test("a stranger's address that only looks the same finds nobody", async (people) => {
    const { users, word } = people;
    await people.user({ email: `kiss-${word}@example.org`, username: `kiss-${word}` });
    // The Kelvin sign and the long s, which Unicode folds to k and s.
    for (const kiss of ["\u212aiss", "ki\u017fs"]) {
      assert.equal(await users.getByEmail(`${kiss}-${word}@example.org`), undefined);
      assert.equal(await users.getByUsername(`${kiss}-${word}`), undefined);
      assert.equal(await users.getCredentials(`${kiss}-${word}@example.org`), undefined);
    }
  });

  test("e-mail address, username and id are unique, in any case", async (people) => {
    const { users, word } = people;
    const user = await people.user();
    const other = { email: `${word}-o@example.org`, username: `${word}-o` };
    const conflicts = {
      email: { ...other, email: user.email.toUpperCase() },
      username: { ...other, username: user.username.toUpperCase() },
      id: { ...other, id: user.id },
    };
    for (const [field, conflict] of Object.entries(conflicts)) {
      await assert.rejects(users.create(conflict), { code: "already_exists", field });
    }
    assert.equal(await users.emailExists(other.email), false);
  });

  test("credentials are found by e-mail address in any case", async (people) => {
    const user = await people.user({
      passwordHash: "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
    });
    for (const email of [user.email, user.email.toUpperCase()]) {
      assert.deepEqual(await people.users.getCredentials(email), {
        userId: user.id,
        passwordHash: "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
      });
    }
  });

  test("a user without a password has no credentials", async (people) => {
    const user = await people.user();
    assert.equal(await people.users.getCredentials(user.email), undefined);
  });

  if (!capabilities.concurrentConnections) return;

  test("of two accounts with one e-mail address at the same time, one is created", async (people) => {
    for (let round = 0; round < 20; round++) {
      const email = `${people.word}-r${round}@example.org`;
      const results = await Promise.allSettled([people.user({ email }), people.user({ email })]);
      const refused = results.filter(({ status }) => status === "rejected");
      assert.equal(refused.length, 1);
      assert.equal((refused[0] as PromiseRejectedResult).reason.field, "email");
    }
  });
}
