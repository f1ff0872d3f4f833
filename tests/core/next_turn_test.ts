import assert from "node:assert/strict";
import { test } from "node:test";
import { nextTurn } from "../../core/next_turn.ts";

test("the next turn begins when all promises of this one are settled", async () => {
  const done: string[] = [];
  const turn = nextTurn().then(() => done.push("turn"));
  const promises = Promise.resolve().then(() => {}).then(() => {}).then(() => done.push("promise"));
  await Promise.all([turn, promises]);
  assert.deepEqual(done, ["promise", "turn"]);
});

test("timers have their turn between two", async () => {
  let fired = false;
  setTimeout(() => fired = true, 0);
  for (let turns = 0; !fired; turns++) {
    assert.ok(turns < 1_000_000, "no timer fires");
    await nextTurn();
  }
});
