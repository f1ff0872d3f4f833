import assert from "node:assert/strict";
import { test } from "node:test";
import { validate, version } from "uuid";
import { newEventId } from "../../messaging/event_id.ts";

/** More than one pool of random bytes has, and than come in one millisecond. */
const ids = Array.from({ length: 20_000 }, newEventId);

test("every id is a UUID of version 7 of this time", () => {
  for (const id of ids) {
    assert.ok(validate(id), id);
    assert.equal(version(id), 7);
  }
  const ms = Number.parseInt((ids.at(-1) ?? "").replace("-", "").slice(0, 12), 16);
  assert.ok(Math.abs(Date.now() - ms) < 60_000);
});

test("each id is greater than the one before, also in the same millisecond", () => {
  ids.slice(1).forEach((id, i) => assert.ok(id > (ids[i] ?? ""), `${ids[i]} ${id}`));
});

test("the random end of an id never comes twice", () => {
  assert.equal(new Set(ids.map((id) => id.slice(-12))).size, ids.length);
});
