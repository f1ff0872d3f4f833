import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { parseFilter } from "../../../database/repositories/list_filter.ts";

const schema: z.ZodType<{ readonly role?: string }> = z.strictObject({
  role: z.string().optional(),
});

test("what says which page, and how to call, is no filter", () => {
  const options = {
    cursor: "c",
    limit: 1,
    withTotal: true,
    signal: AbortSignal.abort(),
    timeoutMs: 1,
    role: "admin",
  };
  assert.deepEqual(parseFilter(schema, options, "list users"), { role: "admin" });
  assert.deepEqual(parseFilter(schema, {}, "list users"), {});
});

test("a filter that the list does not have is refused, not left out", () => {
  const operation = "list users";
  for (const options of [{ roles: "admin" }, JSON.parse('{"__proto__":{"role":"admin"}}')]) {
    assert.throws(() => parseFilter(schema, options, operation), { field: "filter", operation });
  }
  const wrong = { role: 1 as unknown as string };
  assert.throws(() => parseFilter(schema, wrong, operation), { field: "filter.role" });
});
