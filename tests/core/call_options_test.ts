import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkCallOptions,
  checkTimeout,
  type Interruption,
  settleWithin,
} from "../../core/call_options.ts";
import { ValidationError } from "../../core/errors.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

class Interrupted extends Error {
  readonly interruption: Interruption;

  constructor(interruption: Interruption) {
    super(interruption.kind);
    this.interruption = interruption;
  }
}

const interrupted = (interruption: Interruption): Error => new Interrupted(interruption);
const pending = (): Promise<never> => new Promise(() => {});

test("what settles in time passes through, and no timer or listener is left", async () => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const options = { defaultTimeoutMs: 100, clock, signal };
  assert.equal(await settleWithin(Promise.resolve(7), options, interrupted), 7);
  const failure = new TypeError("broken");
  await assert.rejects(settleWithin(Promise.reject(failure), options, interrupted), failure);
  assert.equal(clock.pendingTimers, 0);
});

test("what does not settle ends at the default deadline, and not before", async () => {
  const clock = new ManualClock();
  const wait = settleWithin(pending(), { defaultTimeoutMs: 100, clock }, interrupted);
  let ended = false;
  wait.catch(() => ended = true);
  clock.advance(99);
  await Promise.resolve();
  assert.equal(ended, false);
  clock.advance(1);
  await assert.rejects(wait, { interruption: { kind: "timeout", timeoutMs: 100 } });
});

test("the caller's deadline takes the place of the default", async () => {
  const clock = new ManualClock();
  const options = { defaultTimeoutMs: 100, timeoutMs: 5, clock };
  const wait = settleWithin(pending(), options, interrupted);
  clock.advance(5);
  await assert.rejects(wait, { interruption: { kind: "timeout", timeoutMs: 5 } });
});

test("a wait of a call that began before ends with the call, and tells the deadline of the call", async () => {
  const clock = new ManualClock();
  clock.advance(70);
  for (const [endMs, leftMs] of [[100, 30], [50, 1]] as const) {
    const before = clock.monotonic();
    const options = { defaultTimeoutMs: 100, endMs: before - 70 + endMs, clock };
    const wait = settleWithin(pending(), options, interrupted);
    let ended = false;
    wait.catch(() => ended = true);
    clock.advance(leftMs - 1);
    await Promise.resolve();
    assert.equal(ended, false);
    clock.advance(1);
    await assert.rejects(wait, { interruption: { kind: "timeout", timeoutMs: 100 } });
  }
});

test("an abort ends the wait at once with its reason, and leaves no timer", async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const options = { defaultTimeoutMs: 100, clock, signal: controller.signal };
  const wait = settleWithin(pending(), options, interrupted);
  controller.abort("enough");
  await assert.rejects(wait, { interruption: { kind: "aborted", reason: "enough" } });
  assert.equal(clock.pendingTimers, 0);
});

test("a signal that is already aborted wins, also over what has settled", async () => {
  const clock = new ManualClock();
  const options = { defaultTimeoutMs: 100, clock, signal: AbortSignal.abort("before") };
  const wait = settleWithin(Promise.resolve(7), options, interrupted);
  await assert.rejects(wait, { interruption: { kind: "aborted", reason: "before" } });
  assert.equal(clock.pendingTimers, 0);
});

test("what settles after the deadline is dropped, a rejection too", async () => {
  const clock = new ManualClock();
  const late = Promise.withResolvers<number>();
  const wait = settleWithin(late.promise, { defaultTimeoutMs: 1, clock }, interrupted);
  clock.advance(1);
  await assert.rejects(wait, Interrupted);
  // An unhandled rejection would fail this file on every runtime.
  late.reject(new Error("too late"));
  await new Promise((resolve) => setTimeout(resolve, 10));
});

test("a promise that rejects beside bad options is not unhandled", async () => {
  const options = { defaultTimeoutMs: 100, timeoutMs: -1 };
  const wait = async (): Promise<unknown> =>
    await settleWithin(Promise.reject(new Error("the same")), options, interrupted);
  await assert.rejects(wait, { field: "timeoutMs" });
  await new Promise((resolve) => setTimeout(resolve, 10));
});

test("a timeout that is no finite number above 0 is refused", async () => {
  for (const timeoutMs of [0, -1, NaN, Infinity, "5", null]) {
    const options = { defaultTimeoutMs: 100, timeoutMs: timeoutMs as number };
    const wait = async (): Promise<unknown> => await settleWithin(pending(), options, interrupted);
    if (timeoutMs !== null) await assert.rejects(wait, { field: "timeoutMs" });
    assert.throws(() => checkTimeout(timeoutMs as number), ValidationError);
  }
});

test("a timeout above 0 is returned unchanged", () => {
  for (const timeoutMs of [0.5, 1, 2 ** 40]) assert.equal(checkTimeout(timeoutMs), timeoutMs);
});

test("the options of a call are refused for a bad timeout, also null", () => {
  for (const timeoutMs of [null, 0, NaN, "50"]) {
    const options = { timeoutMs: timeoutMs as number };
    assert.throws(() => checkCallOptions(options), { code: "invalid_input", field: "timeoutMs" });
  }
  checkCallOptions({});
});

test("a signal that cannot abort is refused, without showing it", () => {
  for (const signal of [null, 5, "canary", {}, [], new AbortController(), new EventTarget()]) {
    assert.throws(
      () => checkCallOptions({ signal: signal as AbortSignal }),
      (error) =>
        error instanceof ValidationError && error.field === "signal" &&
        !error.message.includes("canary"),
    );
  }
  for (const signal of [undefined, new AbortController().signal, AbortSignal.abort("why")]) {
    checkCallOptions({ signal });
  }
});
