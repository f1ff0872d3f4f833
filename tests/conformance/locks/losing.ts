import assert from "node:assert/strict";
import type { Lock } from "../../../core/lock.ts";
import {
  aborted,
  hold,
  isHeld,
  type LockHarness,
  type LockTest,
  rejects,
  SOON_MS,
  turn,
} from "./harness.ts";

const LOST = { code: "conflict", outcome: "unknown" };

/** What becomes of a lock that its holder could not keep. */
export function testLosing(test: LockTest, harness: LockHarness): void {
  testBlocked(test, harness);
  if (harness.steal) testStolen(test, harness, harness.steal.bind(harness));
}

function testBlocked(test: LockTest, harness: LockHarness): void {
  test("a holder that blocked its event loop finds the signal aborted, before another has the lock", async ({ one, two, ttlMs }) => {
    const log: string[] = [];
    const waiter = async (): Promise<void> => {
      await turn();
      await two.withLock("n", () => void log.push("another runs"), { waitMs: SOON_MS });
    };
    const holder = async ({ signal }: Lock): Promise<void> => {
      const other = waiter();
      await harness.passTime(ttlMs / 10);
      signal.addEventListener("abort", () => log.push("the signal aborts"));
      harness.block(2 * ttlMs);
      log.push(signal.aborted ? "the holder stops" : "the holder goes on");
      await harness.passTime(ttlMs / 10);
      await other;
    };
    await rejects(one.withLock("n", holder, { ttlMs }), LOST);
    assert.deepEqual(log, ["the signal aborts", "the holder stops", "another runs"]);
  });

  test("a holder that blocked its event loop and returns at once is told that the lock was lost", async ({ one, two, ttlMs }) => {
    await rejects(one.withLock("n", () => harness.block(2 * ttlMs), { ttlMs }), LOST);
    assert.equal(await two.withLock("n", () => "free", { waitMs: SOON_MS }), "free");
  });

  test("a block of the event loop for half of ttlMs costs nothing", async ({ one, ttlMs }) => {
    const half = async ({ signal }: Lock): Promise<boolean> => {
      harness.block(ttlMs / 2);
      await harness.passTime(ttlMs);
      return signal.aborted;
    };
    assert.equal(await one.withLock("n", half, { ttlMs }), false);
  });
}

function testStolen(
  test: LockTest,
  harness: LockHarness,
  steal: (space: string, name: string) => Promise<void>,
): void {
  test("a lock that was taken away aborts the signal within ttlMs, and is a conflict", async ({ one, space, ttlMs }) => {
    const held = await hold(one, "n", { ttlMs });
    await steal(space, "n");
    await Promise.all([aborted(held.lock.signal), harness.passTime(ttlMs)]);
    assert.equal((held.lock.signal.reason as { code?: unknown }).code, "conflict");
    await rejects(held.finish(), LOST);
  });

  test("a holder that is done before it can know finds out at the release", async ({ one, two, space }) => {
    const held = await hold(one, "n");
    await steal(space, "n");
    await rejects(held.finish(), LOST);
    assert.equal(await isHeld(two, "n"), false);
  });

  test("what fn throws after a loss is thrown as it is", async ({ one, space, ttlMs }) => {
    const held = await hold(one, "n", { ttlMs });
    await steal(space, "n");
    await Promise.all([aborted(held.lock.signal), harness.passTime(ttlMs)]);
    const failure = new Error("I noticed");
    await assert.rejects(held.finish(failure), failure);
  });

  test("who has lost a lock never releases or renews that of the next holder", async ({ one, two, space, ttlMs }) => {
    const first = await hold(one, "n", { ttlMs });
    await steal(space, "n");
    const second = await hold(two, "n", { ttlMs, waitMs: SOON_MS });
    assert.ok(second.lock.token > first.lock.token);
    await Promise.all([aborted(first.lock.signal), harness.passTime(ttlMs)]);
    await rejects(first.finish(), LOST);
    assert.equal(await isHeld(one, "n"), true);
    await harness.passTime(2 * ttlMs);
    assert.deepEqual([await isHeld(one, "n"), second.lock.signal.aborted], [true, false]);
    assert.equal(await second.finish(), "done");
    assert.equal(await isHeld(one, "n"), false);
  });

  test("who has lost a lock without knowing it does not release that of the next holder", async ({ one, two, space }) => {
    for (const failure of [[], [new Error("mine")]]) {
      const first = await hold(one, "n");
      await steal(space, "n");
      const second = await hold(two, "n", { waitMs: SOON_MS });
      await assert.rejects(first.finish(...failure));
      assert.equal(await isHeld(one, "n"), true);
      assert.equal(await second.finish(), "done");
    }
  });
}
