import assert from "node:assert/strict";
import {
  hold,
  isHeld,
  type LockHarness,
  type LockTest,
  never,
  rejects,
  SOON_MS,
  turn,
} from "./harness.ts";

/** How a lock is waited for. */
export function testWaiting(test: LockTest, harness: LockHarness): void {
  testTimeouts(test, harness);
  testAborts(test);
}

function testTimeouts(test: LockTest, harness: LockHarness): void {
  test("who waits gets the lock when its holder is done", async ({ one, two }) => {
    const held = await hold(one, "n");
    const log: string[] = [];
    const waiter = two.withLock("n", () => void log.push("waiter runs"), { waitMs: SOON_MS });
    await turn();
    log.push("holder is done");
    await held.finish();
    await harness.passTime(10);
    await waiter;
    assert.deepEqual(log, ["holder is done", "waiter runs"]);
  });

  test("waitMs 0 tries once, and rejects with timeout if somebody has the lock", async ({ one, two }) => {
    const held = await hold(one, "n");
    const refused = { code: "timeout", outcome: "not-applied" };
    await rejects(two.withLock("n", never, { waitMs: 0 }), refused);
    await held.finish();
    assert.equal(await two.withLock("n", () => "free", { waitMs: 0 }), "free");
  });

  test("a lock that is not to be had within waitMs is a timeout, not before, and leaves nothing behind", async ({ one, two, ttlMs }) => {
    const held = await hold(one, "n");
    let settled = false;
    const refused = rejects(
      two.withLock("n", never, { waitMs: ttlMs }).finally(() => settled = true),
      { code: "timeout", outcome: "not-applied" },
    );
    await harness.passTime(ttlMs / 2);
    assert.equal(settled, false);
    await harness.passTime(ttlMs);
    await refused;
    assert.equal(held.lock.signal.aborted, false);
    await held.finish();
    assert.equal(await isHeld(one, "n"), false);
  });
}

function testAborts(test: LockTest): void {
  test("a signal that fires ends the waiting at once with code aborted, and leaves nothing behind", async ({ one, two }) => {
    const held = await hold(one, "n");
    const callers = Array.from({ length: 3 }, () => new AbortController());
    const refused = callers.map(({ signal }) =>
      rejects(two.withLock("n", never, { waitMs: 100 * SOON_MS, signal }), {
        code: "aborted",
        outcome: "not-applied",
      })
    );
    for (const caller of callers) {
      // In any phase of the waiting.
      await turn();
      await turn();
      caller.abort();
    }
    // The clock may stand still, and waitMs is longer than a test may take.
    await Promise.all(refused);
    assert.equal(await isHeld(two, "n"), true);
    assert.equal(await held.finish(), "done");
    // A server may take a moment to notice that a caller has left its queue.
    assert.equal(await one.withLock("n", () => "free", { waitMs: SOON_MS }), "free");
  });

  test("a signal that has fired already is aborted, whoever has the lock", async ({ one, two }) => {
    const signal = AbortSignal.abort();
    await rejects(one.withLock("n", never, { signal }), { code: "aborted" });
    const held = await hold(one, "n");
    await rejects(two.withLock("n", never, { signal }), { code: "aborted" });
    await held.finish();
  });
}
