import assert from "node:assert/strict";
import { test } from "node:test";
import { checkConditions, isConditional, UNCONDITIONAL } from "../../storage/write_conditions.ts";

const CREATE = { createOnly: true, ifMatch: undefined };
const REPLACE = { createOnly: false, ifMatch: "e" };

test("isConditional() tells whether anything is demanded", () => {
  const all = [UNCONDITIONAL, CREATE, REPLACE, { createOnly: false, ifMatch: "" }];
  assert.deepEqual(all.map(isConditional), [false, true, true, true]);
});

test("checkConditions() lets pass what is demanded, and refuses everything else by its code", () => {
  for (const etag of [undefined, "e", "f"]) checkConditions("upload", etag, UNCONDITIONAL);
  checkConditions("upload", undefined, CREATE);
  checkConditions("upload", "e", REPLACE);
  assert.throws(() => checkConditions("upload", "e", CREATE), { code: "already_exists" });
  assert.throws(() => checkConditions("upload", "f", REPLACE), { code: "conflict" });
  assert.throws(() => checkConditions("upload", undefined, REPLACE), { code: "conflict" });
});
