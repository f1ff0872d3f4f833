import assert from "node:assert/strict";
import { test } from "node:test";
import { CACHE_AREA } from "../../../cache/adapters/redis/cache_area.ts";
import { PendingCalls } from "../../../core/redis/pending_calls.ts";
import type { Clock } from "../../../core/clock.ts";
import { CacheError } from "../../../core/errors.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";

interface Setup {
  readonly clock: ManualClock;
  readonly calls: PendingCalls;
  /** The ages of late replies that were told, and whether the first in line was among the late. */
  readonly late: [ageMs: number, isDue: boolean][];
  /** How many replies came. */
  readonly replies: { count: number };
}

function setup(): Setup {
  const clock = new ManualClock();
  const late: [number, boolean][] = [];
  const replies = { count: 0 };
  const calls = new PendingCalls(CACHE_AREA, clock, {
    onReply: () => replies.count++,
    onLate: (ageMs, isDue) => late.push([ageMs, isDue]),
  });
  return { clock, late, replies, calls };
}

/** A reply that comes when the test says so. */
function reply(): {
  promise: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
} {
  let resolve: (value: unknown) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise((...functions) => [resolve, reject] = functions);
  return { promise, resolve, reject };
}

/** Lets promises that are settled run their continuations. */
async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 0));
}

const call = (timeoutMs: number, signal?: AbortSignal) => ({ operation: "get", timeoutMs, signal });

test("a call settles as its reply does", async () => {
  const { calls } = setup();
  const [one, other] = [reply(), reply()];
  const waiting = [calls.wait(one.promise, call(100)), calls.wait(other.promise, call(100))];
  assert.equal(calls.size, 2);
  one.resolve("value");
  other.reject(new Error("refused"));
  assert.equal(await waiting[0], "value");
  await assert.rejects(waiting[1]!, /refused/);
  assert.equal(calls.size, 0);
});

test("a call ends by its own deadline, within 20 ms, whatever comes later", async () => {
  const { calls, clock } = setup();
  const [short, long] = [reply(), reply()];
  const first = calls.wait(long.promise, call(1_000));
  const second = assert.rejects(calls.wait(short.promise, call(100)), {
    code: "timeout",
    retryable: true,
    message: "Cannot finish get: it did not settle within 100 ms",
  });
  clock.advance(120);
  await second;
  short.reject(new Error("nobody hears of it"));
  long.resolve("in time");
  assert.equal(await first, "in time");
});

test("late replies are told with the age of the first in line, and whether that is late itself", async () => {
  const { calls, clock, late, replies } = setup();
  const [slow, behind] = [reply(), reply()];
  const first = calls.wait(slow.promise, call(1_000));
  const second = assert.rejects(calls.wait(behind.promise, call(100)), { code: "timeout" });
  clock.advance(90);
  assert.equal(late.length, 0);
  clock.advance(800);
  await second;
  assert.ok(late.length > 0 && late.every(([ageMs, isDue]) => ageMs >= 100 && !isDue));
  const timedOut = assert.rejects(first, { code: "timeout" });
  clock.advance(200);
  await timedOut;
  assert.equal(late.at(-1)?.[1], true);
  behind.resolve("a reply");
  await turn();
  assert.equal(replies.count, 1, "a reply came, though nobody waited for it");
});

test("a process that was busy itself looks at its replies before it calls them late", async () => {
  const late: number[] = [];
  let nowMs = 0;
  let wake = (): void => {};
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after: (_, callback) => {
      wake = callback;
      return () => {};
    },
  };
  const calls = new PendingCalls(CACHE_AREA, clock, {
    onReply: () => {},
    onLate: (ageMs) => late.push(ageMs),
  });
  const came = reply();
  const waiting = calls.wait(came.promise, call(100));
  nowMs = 500;
  wake();
  came.resolve("it was there all the time");
  assert.equal(await waiting, "it was there all the time");
  assert.deepEqual(late, []);
  const never = assert.rejects(calls.wait(reply().promise, call(100)), { code: "timeout" });
  for (nowMs = 520; nowMs < 700; nowMs += 20) wake();
  await never;
  assert.ok(late.length > 0);
});

test("a reply that nobody waits for stays in line until it comes", async () => {
  const { calls, clock, late } = setup();
  const slow = reply();
  const timedOut = assert.rejects(calls.wait(slow.promise, call(100)), { code: "timeout" });
  clock.advance(200);
  await timedOut;
  assert.equal(calls.size, 1);
  slow.resolve("late");
  await turn();
  assert.equal(calls.size, 0);
  const before = late.length;
  clock.advance(1_000);
  assert.equal(late.length, before);
  assert.equal(clock.pendingTimers, 0, "without calls there is no timer");
});

test("a signal ends its own call at once", async () => {
  const { calls } = setup();
  const controller = new AbortController();
  const aborted = assert.rejects(calls.wait(reply().promise, call(100, controller.signal)), {
    code: "aborted",
    outcome: "unknown",
  });
  controller.abort();
  await aborted;
});

test("failAll rejects those who wait and forgets all", async () => {
  const { calls, clock } = setup();
  const late = reply();
  const waiting = assert.rejects(calls.wait(late.promise, call(100)), { code: "closed" });
  calls.failAll((operation) => new CacheError("closed", { code: "closed", operation }));
  await waiting;
  assert.equal(calls.size, 0);
  late.resolve("for nobody");
  clock.advance(1_000);
});
