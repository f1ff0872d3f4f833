import assert from "node:assert/strict";
import { test } from "node:test";
import { runCall, shareDeadline, type StorageCall } from "../../storage/call.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

test("runCall() does not start the work when the signal is aborted already", async () => {
  let started = false;
  const options = { signal: AbortSignal.abort() };
  const call = runCall("upload", options, new ManualClock(), () => {
    started = true;
    return Promise.resolve();
  });
  await assert.rejects(call, { code: "aborted", outcome: "not-applied" });
  assert.equal(started, false);
});

test("runCall() ends at the default deadline, and tells the work", async () => {
  const clock = new ManualClock();
  let signal: AbortSignal | undefined;
  const call = runCall("delete", {}, clock, (running) => {
    signal = running.signal;
    return new Promise(() => {});
  });
  const rejected = assert.rejects(call, {
    code: "timeout",
    outcome: "not-applied",
    retryable: true,
  });
  clock.advance(29_999);
  assert.equal(signal?.aborted, false);
  clock.advance(1);
  await rejected;
  assert.equal(signal?.reason.code, "timeout");
});

test("an interruption after commit() leaves the outcome unknown", async () => {
  const clock = new ManualClock();
  const call = runCall("upload", { timeoutMs: 10 }, clock, (running) => {
    running.commit();
    return new Promise(() => {});
  });
  const rejected = assert.rejects(call, { code: "timeout", outcome: "unknown" });
  clock.advance(10);
  await rejected;
});

test("commit() throws once the call was interrupted", async () => {
  const aborter = new AbortController();
  let late: StorageCall | undefined;
  const call = runCall("upload", { signal: aborter.signal }, new ManualClock(), (running) => {
    late = running;
    return new Promise(() => {});
  });
  aborter.abort();
  await assert.rejects(call, { code: "aborted" });
  assert.throws(() => late?.commit(), { code: "aborted" });
});

test("runCall() refuses a deadline that is no number above 0", async () => {
  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    const call = runCall("exists", { timeoutMs }, new ManualClock(), () => Promise.resolve());
    await assert.rejects(call, { field: "timeoutMs" });
  }
});

test("shareDeadline() leaves each step what is left of the deadline", () => {
  const clock = new ManualClock();
  const { signal } = new AbortController();
  const left = shareDeadline({ signal, timeoutMs: 100 }, 1_000, clock);
  const leftByDefault = shareDeadline({}, 1_000, clock);
  assert.deepEqual(left(), { signal, timeoutMs: 100 });
  clock.advance(60.5);
  assert.deepEqual(left(), { signal, timeoutMs: 40 });
  assert.deepEqual(leftByDefault(), { signal: undefined, timeoutMs: 940 });
  clock.advance(100);
  assert.deepEqual(left(), { signal, timeoutMs: 1 });
  assert.throws(() => shareDeadline({ timeoutMs: 0 }, 1_000), { field: "timeoutMs" });
});
