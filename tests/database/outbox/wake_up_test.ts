import assert from "node:assert/strict";
import { test } from "node:test";
import { WakeUp } from "../../../database/outbox/wake_up.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";

async function isDone(wait: Promise<void>): Promise<boolean> {
  return await Promise.race([wait.then(() => true), Promise.resolve(false).then(() => false)]);
}

test("a wait ends when it is woken, and when its time is over", async () => {
  const clock = new ManualClock();
  const wakeUp = new WakeUp(clock);
  const woken = wakeUp.wait(1_000);
  assert.equal(await isDone(woken), false);
  wakeUp.wake();
  await woken;
  const timed = wakeUp.wait(1_000);
  clock.advance(999);
  assert.equal(await isDone(timed), false);
  clock.advance(1);
  await timed;
  assert.equal(clock.pendingTimers, 0);
});

test("a call between two waits ends the next one, once", async () => {
  const wakeUp = new WakeUp(new ManualClock());
  wakeUp.wake();
  wakeUp.wake();
  await wakeUp.wait(1_000);
  assert.equal(await isDone(wakeUp.wait(1_000)), false);
});

test("a later call comes in its time", async () => {
  const clock = new ManualClock();
  const wakeUp = new WakeUp(clock);
  wakeUp.wakeAfter(10);
  const wait = wakeUp.wait(1_000);
  clock.advance(10);
  await wait;
});
