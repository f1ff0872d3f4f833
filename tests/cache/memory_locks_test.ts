import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryLocks } from "../../cache/memory_locks.ts";
import { lockConformance } from "../conformance/locks.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

const clock = new ManualClock();
const ttlMs = 300;
const spaces = new Map<string, MemoryLocks>();

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Moves on in small steps, with turns of the event loop between them. */
async function passTime(ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += 10) {
    await turn();
    clock.advance(10);
  }
  await turn();
}

lockConformance(test, {
  name: "memory",
  capabilities: { manyAtOnce: true },
  ttlMs,
  open: (space) => {
    const provider = spaces.get(space) ?? new MemoryLocks({ clock });
    spaces.set(space, provider);
    return Promise.resolve({ provider, close: () => provider.close() });
  },
  passTime,
  block: (ms) => clock.block(ms),
});

test("a lock whose holder is blocked for longer than ttlMs is another's, and the holder is told first", async () => {
  const clock = new ManualClock();
  const locks = new MemoryLocks({ clock });
  const log: string[] = [];
  let finish: () => void = () => {};
  const first = locks.withLock("n", (lock) =>
    new Promise<void>((resolve) => {
      finish = resolve;
      log.push(`first has ${lock.token}`);
      lock.signal.addEventListener("abort", () => log.push("first has lost it"));
    }), { ttlMs });
  await turn();
  clock.block(ttlMs - 1);
  const refused = locks.withLock("n", () => log.push("too early"), { waitMs: 0 });
  await assert.rejects(refused, { code: "timeout" });
  clock.block(1);
  // Not even a timer has fired.
  await locks.withLock("n", async (lock) => {
    log.push(`second has ${lock.token}`);
    finish();
    await assert.rejects(first, { name: "LockError", code: "conflict", outcome: "unknown" });
    // The release of the first is none of the second.
    await assert.rejects(locks.withLock("n", () => {}, { waitMs: 0 }), { code: "timeout" });
  }, { waitMs: 0 });
  assert.deepEqual(log, ["first has 1", "first has lost it", "second has 2"]);
  assert.equal(clock.pendingTimers, 0);
});

test("who waits has the lock as soon as it is released, and no timer is left", async () => {
  const clock = new ManualClock();
  const locks = new MemoryLocks({ clock });
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => locks.withLock("n", () => void order.push(i))),
  );
  assert.equal(new Set(order).size, 100);
  assert.deepEqual([clock.monotonic(), clock.pendingTimers], [0, 0]);
});

test("close rejects who waits and who comes, and tells holders to stop, which is no loss", async () => {
  const locks = new MemoryLocks({ clock });
  let reason: unknown;
  const holder = locks.withLock("n", async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    reason = signal.reason;
    return "stopped in order";
  });
  const waiter = locks.withLock("n", () => assert.fail("it must not run"));
  waiter.catch(() => {});
  await turn();
  await locks.close();
  await locks[Symbol.asyncDispose]();
  await assert.rejects(waiter, { name: "LockError", code: "closed" });
  await assert.rejects(locks.withLock("other", () => {}), { name: "LockError", code: "closed" });
  assert.equal(await holder, "stopped in order");
  assert.equal((reason as { code?: unknown }).code, "closed");
});

test("locks do not know those of another object", async () => {
  const [one, two] = [new MemoryLocks(), new MemoryLocks()];
  const both = await one.withLock("n", () => two.withLock("n", () => "both", { waitMs: 0 }));
  assert.equal(both, "both");
});
