import assert from "node:assert/strict";
import { test } from "node:test";
import { queryBuilder } from "../../database/query_builder.ts";

test("it compiles for PostgreSQL, with values as parameters", () => {
  const { sql, parameters } = queryBuilder.selectFrom("users").select("id")
    .where("username", "=", "x'; drop table users").compile();
  assert.equal(sql, 'select "id" from "users" where "username" = $1');
  assert.deepEqual(parameters, ["x'; drop table users"]);
});
