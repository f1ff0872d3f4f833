import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInput } from "../../core/validation.ts";
import { newId } from "../../domain/ids.ts";
import { type NewUser, newUserSchema, USER_ROLES, userRoleSchema } from "../../domain/user.ts";

const user: NewUser = { email: "ada@example.org", username: "ada" };

test("a user needs little, and keeps all it is given", () => {
  assert.deepEqual(parseInput(newUserSchema, user, "user"), user);
  const full: NewUser = {
    id: newId(),
    email: "Ada.Lovelace+bench@example.org",
    username: "Ada_Lovelace-1",
    displayName: "Ada, Countess of Lovelace",
    role: "reviewer",
    profile: {
      bio: "",
      affiliation: "a",
      location: "b",
      website: "https://a.b",
      avatarUrl: "http://a.b/c",
    },
    passwordHash: "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
  };
  assert.deepEqual(parseInput(newUserSchema, full, "user"), full);
});

const REFUSED: readonly [field: string, change: Record<string, unknown>][] = [
  ["user", { admin: true }],
  ["user.id", { id: "1" }],
  ["user.email", { email: "ada" }],
  ["user.email", { email: "ada@" }],
  ["user.email", { email: "a b@example.org" }],
  ["user.email", { email: `${"a".repeat(250)}@example.org` }],
  ["user.email", { email: undefined }],
  ["user.username", { username: "a" }],
  ["user.username", { username: "a".repeat(41) }],
  ["user.username", { username: "ada lovelace" }],
  ["user.username", { username: "ada\n" }],
  ["user.username", { username: "äda" }],
  ["user.displayName", { displayName: "" }],
  ["user.displayName", { displayName: "a\0" }],
  ["user.role", { role: "root" }],
  ["user.profile.bio", { profile: { bio: "\ud800" } }],
  ["user.profile.website", { profile: { website: "javascript:alert(1)" } }],
  ["user.profile", { profile: { age: 36 } }],
  ["user.passwordHash", { passwordHash: "" }],
];

for (const [field, change] of REFUSED) {
  test(`a user with ${JSON.stringify(change).slice(0, 60)} is refused for its ${field}`, () => {
    assert.throws(() => parseInput(newUserSchema, { ...user, ...change }, "user"), { field });
  });
}

test("a refusal does not show the password hash", () => {
  const passwordHash = "hunter2".repeat(1_000);
  assert.throws(
    () => parseInput(newUserSchema, { ...user, passwordHash }, "user"),
    (error: Error) =>
      !error.message.includes("hunter2") && !String(error.cause).includes("hunter2"),
  );
});

test("an id is stored in lower case", () => {
  const id = newId();
  assert.equal(newUserSchema.parse({ ...user, id: id.toUpperCase() }).id, id);
});

test("roles are the five of the exchange", () => {
  assert.deepEqual(USER_ROLES.map((role) => userRoleSchema.parse(role)), [
    "anonymous",
    "registered",
    "contributor",
    "reviewer",
    "admin",
  ]);
  assert.equal(userRoleSchema.safeParse("toString").success, false);
});
