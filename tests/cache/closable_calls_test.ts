import assert from "node:assert/strict";
import { test } from "node:test";
import { interruptedError } from "../../cache/call_rules.ts";
import { ClosableCalls } from "../../cache/closable_calls.ts";

const OPERATION = "CacheProvider.getOrSet";

/** A call that ends when its signal aborts. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(interruptedError(OPERATION, { kind: "aborted", reason: 0 }));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
  });
}

test("a call settles as it would by itself", async () => {
  const calls = new ClosableCalls();
  assert.equal(await calls.run({ operation: OPERATION }, () => Promise.resolve(1)), 1);
  const failure = new Error("its own");
  await assert.rejects(
    calls.run({ operation: OPERATION }, () => Promise.reject(failure)),
    (error) => error === failure,
  );
});

test("closing ends what runs with code closed, and refuses what comes", async () => {
  const calls = new ClosableCalls();
  const running = [1, 2].map(() => calls.run({ operation: OPERATION }, untilAborted));
  const closed = running.map((call) =>
    assert.rejects(call, { code: "closed", operation: OPERATION })
  );
  calls.close();
  calls.close();
  await Promise.all(closed);
  await assert.rejects(calls.run({ operation: OPERATION }, untilAborted), { code: "closed" });
});

test("the caller's signal ends its own call only, with code aborted", async () => {
  const calls = new ClosableCalls();
  const controller = new AbortController();
  let otherAborted = false;
  const own = calls.run({ operation: OPERATION, signal: controller.signal }, untilAborted);
  const other = calls.run({ operation: OPERATION }, (signal) => {
    signal.addEventListener("abort", () => otherAborted = true);
    return untilAborted(signal);
  });
  const ends = assert.rejects(own, { code: "aborted" });
  controller.abort();
  await ends;
  assert.equal(otherAborted, false);
  const closes = assert.rejects(other, { code: "closed" });
  calls.close();
  await closes;
});

test("a signal that has aborted already aborts the call", async () => {
  const calls = new ClosableCalls();
  const signal = AbortSignal.abort();
  await assert.rejects(calls.run({ operation: OPERATION, signal }, untilAborted), {
    code: "aborted",
  });
});

test("an error that is not about the closing stays what it is", async () => {
  const calls = new ClosableCalls();
  const failure = new Error("the loader's");
  const failing = assert.rejects(
    calls.run(
      { operation: OPERATION },
      (signal) => untilAborted(signal).catch(() => Promise.reject(failure)),
    ),
    (error) => error === failure,
  );
  calls.close();
  await failing;
});

test("a call that is over leaves nothing on the caller's signal", async () => {
  const calls = new ClosableCalls();
  let listeners = 0;
  const signal = {
    aborted: false,
    addEventListener: () => listeners++,
    removeEventListener: () => listeners--,
  } as unknown as AbortSignal;
  await calls.run({ operation: OPERATION, signal }, () => Promise.resolve());
  assert.equal(listeners, 0);
});
