import assert from "node:assert/strict";
import { test } from "node:test";
import { queryBuilder } from "../../../database/query_builder.ts";
import { listStatements } from "../../../database/repositories/list_statement.ts";

test("a list stands with its filters, its order and the position after a cursor, and its total", () => {
  const [page, total] = listStatements(() => ({
    operation: "list users",
    columns: { id: "uuid" },
    identity: "users",
    query: queryBuilder.selectFrom("users").select("id").where("role", "=", "admin"),
    sort: [{ column: "users.created_at", type: "timestamptz" }, {
      column: "users.id",
      type: "uuid",
    }],
    descending: true,
  }));
  assert.equal(page?.name, "list users");
  assert.deepEqual(page.columns, { id: "uuid", position: "text[]" });
  assert.deepEqual([total?.name, total?.columns], ["list users, total", { total: "float8" }]);
  assert.equal(
    total?.text,
    'select count(*)::float8 as "total" from "users" where "role" = $1',
  );
  const { text } = page;
  assert.match(text, /"role" = \$1/);
  assert.match(text, /\) < \(\$2::text::timestamptz, \$3::text::uuid\)/);
  assert.match(text, /order by "users"."created_at" desc, "users"."id" desc/);
});

test("a list is built at the first use", () => {
  const [page] = listStatements(() => {
    throw new Error("built");
  });
  assert.throws(() => page?.text, /built/);
});
