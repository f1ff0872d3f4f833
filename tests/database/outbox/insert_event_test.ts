import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { insertEvent } from "../../../database/outbox/insert_event.ts";
import { queryBuilder } from "../../../database/query_builder.ts";

const EVENT = {
  aggregate: "user",
  id: sql`id`,
  type: "Created",
  members: { userId: sql`id` },
  from: sql`changed`,
  enabled: true,
} as const;

function textOf(statement: { compile: ReturnType<typeof insertEvent>["compile"] }): string {
  return statement.compile(queryBuilder).sql.replaceAll(/\s+/g, " ").trim();
}

test("an event is built from the rows that a change returns", () => {
  assert.equal(
    textOf(insertEvent(EVENT)),
    "insert into outbox_events (aggregate_type, aggregate_id, type, payload) " +
      "select 'user', id::text, 'Created', jsonb_build_object('type', 'Created', 'userId', id) " +
      "from changed where $1::boolean and true returning outbox_wake()",
  );
});

test("members that may be missing are left out where they are null", () => {
  const text = textOf(insertEvent({
    ...EVENT,
    optional: { by: sql`maker` },
    where: sql`role <> old_role`,
  }));
  assert.match(text, / \|\| jsonb_strip_nulls\(jsonb_build_object\('by', maker\)\) from changed/);
  assert.match(text, /where \$1::boolean and role <> old_role returning/);
});
