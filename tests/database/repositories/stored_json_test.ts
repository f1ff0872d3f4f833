import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { encodeStored, parseStored } from "../../../database/repositories/stored_json.ts";

const schema = z.object({ bio: z.string().optional() });

test("stored JSON of the right type is returned, without what a newer version wrote", () => {
  assert.deepEqual(parseStored(schema, { bio: "a" }, "user profile"), { bio: "a" });
  assert.deepEqual(parseStored(schema, { mood: 1 }, "user profile"), {});
});

test("JSON of a column has at most 1,000,000 characters, and is checked", () => {
  const longest = "a".repeat(1_000_000 - 2);
  assert.equal(encodeStored("case.input", longest), JSON.stringify(longest));
  assert.throws(() => encodeStored("case.input", `${longest}a`), {
    field: "case.input",
    message: "Cannot use case.input: it must have at most 1000000 characters of JSON, got 1000001",
  });
  assert.throws(() => encodeStored("case.input", { a: NaN }), { field: "case.input.a" });
});

test("stored JSON of another type is corrupted, and not shown", () => {
  for (const stored of [{ bio: { secret: 1 } }, ["secret"], "secret", null]) {
    assert.throws(
      () => parseStored(schema, stored, "user profile"),
      (error: Error & { code: string; operation: string }) =>
        error.code === "corrupted" && error.operation === "read user profile" &&
        !/secret/.test(error.message + String(error.cause)),
    );
  }
});
