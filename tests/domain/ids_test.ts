import assert from "node:assert/strict";
import { test } from "node:test";
import { version } from "uuid";
import { ValidationError } from "../../core/errors.ts";
import { idField } from "../../domain/fields.ts";
import { checkId, newId } from "../../domain/ids.ts";

test("new ids are different UUIDs of version 7 that sort in the order they were made", () => {
  const ids = Array.from({ length: 1_000 }, newId);
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual([...ids].sort(), ids);
  assert.ok(ids.every((id) => version(id) === 7));
});

test("an id is returned in lower case", () => {
  const id = newId();
  assert.equal(checkId("userId", id.toUpperCase()), id);
});

test("what is not an id is refused with the name of the field and without its value", () => {
  const id = newId();
  const values = ["", "secret", ` ${id}`, `${id}\n`, `{${id}}`, id.replaceAll("-", ""), 7, null, [
    id,
  ]];
  for (const value of values) {
    assert.throws(
      () => checkId("userId", value),
      (error) =>
        error instanceof ValidationError && error.field === "userId" &&
        !error.message.includes("secret"),
    );
  }
});

test("the same ids are accepted in input and as an argument", () => {
  const ids = [
    newId(),
    newId().toUpperCase(),
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "11111111-1111-1111-1111-111111111111",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "6ba7b810-9dad-f1d1-80b4-00c04fd430c8",
  ];
  const accepted = (id: string): boolean => {
    try {
      return checkId("id", id) !== "";
    } catch {
      return false;
    }
  };
  assert.deepEqual(ids.map((id) => idField.safeParse(id).success), ids.map(accepted));
});
