import assert from "node:assert/strict";
import { createPool } from "../../../database/create_pool.ts";
import { migrate } from "../../../database/migrator.ts";
import * as users from "../../../database/repositories/user_statements.ts";
import { after, test, whenPermitted } from "../../support/permitted.ts";

const pool = await whenPermitted(() => createPool({ embedded: {} }));
await whenPermitted(() => migrate(pool));
after(() => pool.close());

test("one statement returns the password hash, and three write it", () => {
  const returning = users.USER_STATEMENTS.filter(({ columns }) => "password_hash" in columns);
  assert.deepEqual(returning.map(({ name }) => name), ["get credentials"]);
  const naming = users.USER_STATEMENTS.filter(({ text }) => text.includes("password_hash"));
  assert.deepEqual(naming.map(({ name }) => name), [
    "create user",
    "get credentials",
    "update password of user",
    "delete user",
  ]);
});

test("a login finds a user through an index, whatever the case", async () => {
  await pool.execute(`
    insert into users (id, email, username)
    select gen_random_uuid(), 'ada' || i || '@example.org', 'ada' || i from generate_series(1, 5000) i;
    analyze users`);
  const indexes = {
    users_email_key: [users.getUserByEmail, users.getCredentials],
    users_username_key: [users.getUserByUsername],
    users_pkey: [users.getUserById, users.updateLastActive],
  };
  for (const [index, statements] of Object.entries(indexes)) {
    for (const { name, text } of statements) {
      const { rows } = await pool.execute(`explain (generic_plan) ${text}`);
      const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
      assert.match(plan, new RegExp(`Index Scan using ${index}`), name);
    }
  }
});
