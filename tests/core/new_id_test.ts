import assert from "node:assert/strict";
import { newId } from "../../core/new_id.ts";
import { test } from "node:test";
import { validate, version } from "uuid";

test("an id is a UUID of version 7 that tells when it was made", () => {
  const beforeMs = Date.now();
  const id = newId();
  assert.ok(validate(id));
  assert.equal(version(id), 7);
  const madeMs = Number.parseInt(id.replace("-", "").slice(0, 12), 16);
  assert.ok(madeMs >= beforeMs && madeMs <= Date.now() + 1, id);
});

test("ids sort by the order in which they were made, also many in a millisecond", () => {
  const ids = Array.from({ length: 20_000 }, () => newId());
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(new Set(ids).size, ids.length);
});

test("what of an id is random is so in each of them", () => {
  const tails = Array.from({ length: 2_000 }, () => newId().slice(-12));
  assert.equal(new Set(tails).size, tails.length);
  for (let position = 0; position < 12; position++) {
    const digits = new Set(tails.map((tail) => tail[position]));
    assert.equal(digits.size, 16, `position ${position}`);
  }
});
