import assert from "node:assert/strict";
import { newId } from "../../../domain/ids.ts";
import type { Page } from "../../../core/page.ts";
import type { NewUser, User, UserChanges } from "../../../domain/user.ts";
import { INJECTIONS, UNSTORABLE } from "../hostile_text.ts";
import type { People, PeopleTest } from "../people/fixture.ts";
import { tableContents } from "../people/tables.ts";

/** A call, and the field that it refuses. */
type Call = readonly [field: string, call: () => Promise<unknown>];

/** What comes from outside. */
export function testInput(test: PeopleTest): void {
  test("an account with bad input is refused, and the field named", async (people) => {
    const good: NewUser = { email: `${people.word}@example.org`, username: people.word };
    for (const [field, changes] of badAccounts()) {
      const user = { ...good, ...changes } as NewUser;
      await assert.rejects(people.users.create(user), { code: "invalid_input", field });
    }
    for (const user of [null, undefined, "ada", []] as unknown[]) {
      await assert.rejects(people.users.create(user as NewUser), { field: "user" });
    }
    assert.equal(await people.users.count({ search: people.word }), 0);
  });

  test("a change with bad input is refused, names the field and changes nothing", async (people) => {
    const { users } = people;
    const user = await people.user();
    const bad: Call[] = [
      ["changes.displayName", () => users.updateProfile(user.id, { displayName: "" })],
      ["changes.displayName", () => users.updateProfile(user.id, { displayName: "a\0" })],
      ["changes.profile.bio", () => users.updateProfile(user.id, { profile: { bio: "\ud800" } })],
      ["changes", () => users.updateProfile(user.id, { passwordHash: "h" } as UserChanges)],
      ["changes", () => users.updateProfile(user.id, undefined as unknown as UserChanges)],
      ["role", () => users.updateRole(user.id, "boss" as "admin")],
      ["verified", () => users.updateEmailVerified(user.id, "false" as unknown as boolean)],
      ["passwordHash", () => users.updatePassword(user.id, "")],
      ["passwordHash", () => users.updatePassword(user.id, "a\0")],
      ["expectedRevision", () => users.updateRole(user.id, "admin", { expectedRevision: NaN })],
      ["expectedRevision", () => users.delete(user.id, { expectedRevision: 1.5 })],
    ];
    for (const [field, call] of bad) {
      await assert.rejects(call(), { code: "invalid_input", field });
    }
    assert.deepEqual(await users.getById(user.id), user);
  });

  test("an id that is none is refused by every method", async ({ users }) => {
    for (const id of ["", "1", "' or true --", `${newId()}x`, null, {}] as string[]) {
      const calls: Call[] = [
        ["id", () => users.getById(id)],
        ["id", () => users.updateProfile(id, {})],
        ["id", () => users.updateRole(id, "admin")],
        ["id", () => users.updateEmailVerified(id, true)],
        ["id", () => users.updatePassword(id, "hash")],
        ["id", () => users.updateLastActive(id)],
        ["id", () => users.delete(id)],
        ["userId", () => users.getOrganizations(id)],
        ["userId", () => users.addToOrganization(id, newId(), "member")],
        ["organizationId", () => users.addToOrganization(newId(), id, "member")],
        ["userId", () => users.removeFromOrganization(id, newId())],
        ["organizationId", () => users.updateOrganizationRole(newId(), id, "member")],
      ];
      for (const [field, call] of calls) {
        await assert.rejects(call(), { code: "invalid_input", field });
      }
    }
  });

  test("text that no store keeps is refused wherever text is looked for", async ({ users }) => {
    for (const text of UNSTORABLE) {
      for (const [field, call] of textCalls(users, text)) {
        await assert.rejects(call(), { code: "invalid_input", field });
      }
    }
  });

  test("no text becomes a part of a statement", async (people) => {
    const { users, pool } = people;
    await people.user({ passwordHash: "hash" });
    const before = await tableContents(pool);
    for (const text of INJECTIONS) {
      for (const [, call] of textCalls(users, text)) {
        const found = await call();
        assert.ok(found === undefined || found === false || isSearch(found, text), text);
      }
    }
    assert.deepEqual(await tableContents(pool), before);
  });

  test("text that looks like a statement is kept as it is", async (people) => {
    for (const [i, text] of INJECTIONS.entries()) {
      const displayName = `${people.word}${i}${text}`.slice(0, 100);
      const user = await people.user({ displayName, profile: { bio: text }, passwordHash: text });
      assert.equal(user.displayName, displayName);
      assert.equal(user.profile.bio, text);
      assert.equal((await people.users.getCredentials(user.email))?.passwordHash, text);
      const { items } = await people.users.list({ search: displayName });
      assert.deepEqual(items.map(({ id }) => id), [user.id]);
    }
  });

  test("a call whose signal has fired rejects and changes nothing", async (people) => {
    const { users } = people;
    const { id, email, username } = await people.user();
    const before = await tableContents(people.pool);
    const options = { signal: AbortSignal.abort() };
    const calls = [
      users.create({ email: `x${email}`, username: `x${username}` }, options),
      users.getById(id, options),
      users.getByEmail(email, options),
      users.getByUsername(username, options),
      users.emailExists(email, options),
      users.usernameExists(username, options),
      users.getCredentials(email, options),
      users.list(options),
      users.count({}, options),
      users.updateProfile(id, {}, options),
      users.updateRole(id, "admin", options),
      users.updateEmailVerified(id, true, options),
      users.updatePassword(id, "hash", options),
      users.updateLastActive(id, options),
      users.delete(id, options),
      users.addToOrganization(id, newId(), "member", options),
      users.removeFromOrganization(id, newId(), options),
      users.updateOrganizationRole(id, newId(), "member", options),
      users.getOrganizations(id, options),
    ];
    for (const result of await Promise.allSettled(calls)) {
      assert.equal(result.status === "rejected" && result.reason.code, "aborted");
    }
    assert.deepEqual(await tableContents(people.pool), before);
  });
}

function* badAccounts(): Generator<[field: string, changes: object]> {
  for (const text of UNSTORABLE) {
    yield ["user.email", { email: `${text}@example.org` }];
    yield ["user.username", { username: `ab${text}` }];
    yield ["user.displayName", { displayName: text }];
    yield ["user.passwordHash", { passwordHash: text }];
    yield ["user.profile.bio", { profile: { bio: text } }];
    yield ["user.profile.website", { profile: { website: `https://example.org/${text}` } }];
  }
  for (const email of ["", "ada", "a@b", "a b@example.org", `${"a".repeat(250)}@example.org`]) {
    yield ["user.email", { email }];
  }
  for (const username of ["", "a", "a".repeat(41), "a b", "ä_da", "ada\n"]) {
    yield ["user.username", { username }];
  }
  yield ["user.id", { id: "1" }];
  yield ["user.role", { role: "boss" }];
  yield ["user.passwordHash", { passwordHash: "" }];
  yield ["user.displayName", { displayName: "a".repeat(101) }];
  yield ["user.profile.website", { profile: { website: "javascript:alert(1)" } }];
  yield ["user.profile", { profile: { password: "x" } }];
  yield ["user.profile", { profile: JSON.parse('{"__proto__":{"admin":true}}') }];
  yield ["user", { isAdmin: true }];
  yield ["user", JSON.parse('{"__proto__":{"role":"admin"}}')];
}

/** Every method that looks for text, and the field that it names. */
function textCalls(users: People["users"], text: string): Call[] {
  return [
    ["email", () => users.getByEmail(text)],
    ["username", () => users.getByUsername(text)],
    ["email", () => users.getCredentials(text)],
    ["email", () => users.emailExists(text)],
    ["username", () => users.usernameExists(text)],
    ["filter.search", () => users.list({ search: text })],
  ];
}

/** Whether every user of a page has the text that was looked for. */
function isSearch(found: unknown, text: string): boolean {
  const { items } = found as Page<User>;
  return items.every(({ username, displayName, email }) =>
    `${username} ${displayName} ${email}`.toLowerCase().includes(text.toLowerCase())
  );
}
