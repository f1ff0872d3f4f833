import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { delay, pauseMs } from "../../core/backoff.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

const backoff = { baseMs: 10, maxMs: 100 };

test("the bound doubles with each attempt up to the longest pause", () => {
  const longest = [1, 2, 3, 4, 5, 50, 5_000].map((attempt) => pauseMs(attempt, backoff, () => 1));
  assert.deepEqual(longest, [10, 20, 40, 80, 100, 100, 100]);
});

test("a pause is anywhere between 0 and the bound", () => {
  assert.equal(pauseMs(3, backoff, () => 0), 0);
  assert.equal(pauseMs(3, backoff, () => 0.5), 20);
  fc.assert(fc.property(fc.integer({ min: 1, max: 10_000 }), (attempt) => {
    const pause = pauseMs(attempt, backoff);
    assert.ok(pause >= 0 && pause < 100);
  }));
});

test("delay resolves when its time has come, and not before", async () => {
  const clock = new ManualClock();
  let done = false;
  const wait = delay(50, undefined, clock).then(() => done = true);
  clock.advance(49);
  await Promise.resolve();
  assert.equal(done, false);
  clock.advance(1);
  await wait;
});

test("an abort ends delay at once with its reason, and leaves no timer", async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const wait = delay(50, controller.signal, clock);
  controller.abort("enough");
  await assert.rejects(wait, (reason) => reason === "enough");
  assert.equal(clock.pendingTimers, 0);
});

test("delay does not start when the signal is already aborted", async () => {
  const clock = new ManualClock();
  await assert.rejects(delay(50, AbortSignal.abort("before"), clock), (reason) => {
    return reason === "before";
  });
  assert.equal(clock.pendingTimers, 0);
});

test("an abort after the delay changes nothing", async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const wait = delay(50, controller.signal, clock);
  clock.advance(50);
  controller.abort();
  await wait;
});
