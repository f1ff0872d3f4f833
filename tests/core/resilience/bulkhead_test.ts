import assert from "node:assert/strict";
import { test } from "node:test";
import { Bulkhead } from "../../../core/resilience/bulkhead.ts";

const forever = new AbortController().signal;

test("at most so many have a place, and who leaves hands it to the one who waits longest", async () => {
  const bulkhead = new Bulkhead(2);
  const [leaveFirst, leaveSecond] = [await bulkhead.enter(forever), await bulkhead.enter(forever)];
  const entered: string[] = [];
  const third = bulkhead.enter(forever).then(() => entered.push("third"));
  const fourth = bulkhead.enter(forever).then(() => entered.push("fourth"));
  assert.equal(bulkhead.waiting, 2);
  leaveFirst();
  leaveFirst();
  await third;
  assert.deepEqual(entered, ["third"], "leaving twice gives one place");
  assert.equal(bulkhead.waiting, 1);
  leaveSecond();
  await fourth;
});

test("who aborts while waiting leaves the line at once, and takes no place later", async () => {
  const bulkhead = new Bulkhead(1);
  const leave = await bulkhead.enter(forever);
  const controller = new AbortController();
  const reason = new Error("gone");
  const waiting = bulkhead.enter(controller.signal);
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  assert.equal(bulkhead.waiting, 0);
  leave();
  (await bulkhead.enter(forever))();
  await assert.rejects(bulkhead.enter(controller.signal), reason);
  (await bulkhead.enter(forever))();
});
