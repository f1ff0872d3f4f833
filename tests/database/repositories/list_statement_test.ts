import assert from "node:assert/strict";
import { test } from "node:test";
import { queryBuilder } from "../../../database/query_builder.ts";
import { listStatement } from "../../../database/repositories/list_statement.ts";

test("a list stands with its filters, its order and the position after a cursor", () => {
  const { name, columns, text } = listStatement({
    operation: "list users",
    columns: { id: "uuid" },
    identity: "users",
    query: queryBuilder.selectFrom("users").select("id").where("role", "=", "admin"),
    sort: [{ column: "users.created_at", type: "timestamptz" }, {
      column: "users.id",
      type: "uuid",
    }],
    descending: true,
  });
  assert.equal(name, "list users");
  assert.deepEqual(columns, { id: "uuid", position: "text[]" });
  assert.match(text, /"role" = \$1/);
  assert.match(text, /\) < \(\$2::text::timestamptz, \$3::text::uuid\)/);
  assert.match(text, /order by "users"."created_at" desc, "users"."id" desc/);
});
