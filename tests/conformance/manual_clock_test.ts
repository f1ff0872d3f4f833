import assert from "node:assert/strict";
import { ManualClock } from "./manual_clock.ts";
import { test } from "node:test";

test("time stands still until it is moved, and what is due is called in order", () => {
  const clock = new ManualClock(1_000);
  const calls: string[] = [];
  clock.after(20, () => calls.push(`second at ${clock.now()}`));
  clock.after(10, () => {
    calls.push(`first at ${clock.now()}`);
    clock.after(5, () => calls.push(`between at ${clock.monotonic()}`));
  });
  const cancel = clock.after(15, () => calls.push("cancelled"));
  cancel();
  assert.deepEqual([clock.now(), clock.monotonic(), clock.pendingTimers], [1_000, 0, 2]);
  clock.advance(9);
  assert.deepEqual(calls, []);
  clock.advance(100);
  assert.deepEqual(calls, ["first at 1010", "between at 15", "second at 1020"]);
  assert.deepEqual([clock.now(), clock.monotonic(), clock.pendingTimers], [1_109, 109, 0]);
});

test("what is due during a block is called late, in order, by the next advance", () => {
  const clock = new ManualClock();
  const calls: string[] = [];
  clock.after(20, () => calls.push(`second at ${clock.monotonic()}`));
  clock.after(10, () => calls.push(`first at ${clock.monotonic()}`));
  clock.block(50);
  assert.deepEqual([calls, clock.monotonic(), clock.pendingTimers], [[], 50, 2]);
  clock.advance(0);
  assert.deepEqual(calls, ["first at 50", "second at 50"]);
});
