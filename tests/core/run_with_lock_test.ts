import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeldLock } from "../../core/lease.ts";
import type { Lock, LockOptions } from "../../core/lock.ts";
import { LockError, locksClosedError } from "../../core/lock_error.ts";
import { type LockAttempt, type LockStore, runWithLock } from "../../core/run_with_lock.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

/** A store that grants, keeps and releases as its test says. */
class FakeStore implements LockStore<HeldLock> {
  readonly clock = new ManualClock();
  readonly closing = new AbortController();
  readonly closed = this.closing.signal;
  readonly attempts: (LockAttempt & { readonly atMs: number })[] = [];
  readonly releases: boolean[] = [];
  grant: (attempt: LockAttempt) => Promise<boolean> = () => Promise.resolve(true);
  renew: () => Promise<boolean> = () => Promise.resolve(true);
  release: () => Promise<boolean> = () => Promise.resolve(true);

  async acquire(attempt: LockAttempt): Promise<HeldLock | undefined> {
    const sinceMs = this.clock.monotonic();
    this.attempts.push({ ...attempt, atMs: sinceMs });
    if (!await this.grant(attempt)) return undefined;
    const release = (kept: boolean): Promise<boolean> => {
      this.releases.push(kept);
      return this.release();
    };
    return { token: 7, sinceMs, renew: () => this.renew(), release };
  }
}

const refuse = (): Promise<boolean> => Promise.resolve(false);
const unreachable = (): never => assert.fail("the function must not run");
const LOST = { name: "LockError", code: "conflict", outcome: "unknown" };

/** Runs under the lock and moves the clock until it settles. */
async function run<T>(
  store: FakeStore,
  fn: (lock: Lock, held: HeldLock) => Promise<T> | T,
  options: LockOptions = {},
): Promise<T> {
  let settled = false;
  const call = runWithLock(store, "n", fn, { ttlMs: 300, waitMs: 1_000, ...options });
  call.then(() => settled = true, () => settled = true);
  for (let i = 0; i < 10_000 && !settled; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    store.clock.advance(1);
  }
  return call;
}

test("the function gets token, signal and what was granted, and its result comes back after the release", async () => {
  const store = new FakeStore();
  const result = await run(store, (lock, held) => {
    assert.deepEqual([lock.token, lock.signal.aborted, held.token], [7, false, 7]);
    assert.deepEqual(store.releases, []);
    return "result";
  });
  assert.deepEqual([result, store.releases, store.clock.pendingTimers], ["result", [true], 0]);
});

test("a call leaves no listener on the caller's signal and the provider's", async () => {
  const store = new FakeStore();
  const { signal } = new AbortController();
  let listeners = 0;
  for (const watched of [signal, store.closed]) {
    const { addEventListener, removeEventListener } = watched;
    Object.assign(watched, {
      addEventListener: (...args: Parameters<typeof addEventListener>) => {
        listeners++;
        addEventListener.apply(watched, args);
      },
      removeEventListener: (...args: Parameters<typeof removeEventListener>) => {
        listeners--;
        removeEventListener.apply(watched, args);
      },
    });
  }
  await run(store, () => assert.equal(listeners, 2), { signal });
  assert.equal(listeners, 0);
});

test("what the function throws comes as it is, whatever became of the lock and its release", async () => {
  for (const failure of [new Error("mine"), undefined, "text"]) {
    for (const release of [refuse, () => Promise.reject(new Error("the store is away"))]) {
      const store = new FakeStore();
      store.release = release;
      await assert.rejects(run(store, () => Promise.reject(failure)), (error) => error === failure);
      assert.deepEqual(store.releases, [false]);
    }
  }
  const store = new FakeStore();
  store.renew = refuse;
  const late = new Error("the holder noticed");
  await assert.rejects(
    run(
      store,
      (lock) =>
        new Promise((_, reject) => lock.signal.addEventListener("abort", () => reject(late))),
    ),
    late,
  );
});

test("a lock that was lost makes the call a conflict, and nothing done under it is kept", async () => {
  const store = new FakeStore();
  store.renew = refuse;
  const untilLost = (lock: Lock): Promise<void> =>
    new Promise((resolve) => lock.signal.addEventListener("abort", () => resolve()));
  await assert.rejects(run(store, untilLost), LOST);
  assert.deepEqual([store.releases, store.attempts.length], [[false], 1]);
});

test("a holder that blocked the event loop for too long has lost the lock when it returns", async () => {
  const store = new FakeStore();
  await assert.rejects(run(store, () => store.clock.block(270)), LOST);
  assert.deepEqual(store.releases, [false]);
  await run(store, () => store.clock.block(200));
});

test("a release that finds the lock gone makes the call a conflict", async () => {
  const store = new FakeStore();
  store.release = refuse;
  await assert.rejects(run(store, () => 1), LOST);
});

test("a release that fails reaches the caller", async () => {
  const store = new FakeStore();
  const failure = new Error("the commit failed");
  store.release = () => Promise.reject(failure);
  await assert.rejects(run(store, () => 1), failure);
});

test("attempts are repeated with growing pauses until the time is over, the last one then", async () => {
  const store = new FakeStore();
  store.grant = refuse;
  await assert.rejects(run(store, unreachable), { code: "timeout", outcome: "not-applied" });
  const { length } = store.attempts;
  assert.ok(length > 8 && length < 60, `there were ${length} attempts`);
  const last = store.attempts.at(-1)!;
  assert.deepEqual([last.atMs, last.leftMs, last.timeoutMs], [1_000, 0, 1_000]);
  assert.ok(store.attempts.every(({ atMs, leftMs }) => atMs + leftMs === 1_000));
  assert.deepEqual([store.releases, store.clock.pendingTimers], [[], 0]);
});

test("waitMs 0 makes one attempt, which may take a second", async () => {
  const store = new FakeStore();
  store.grant = refuse;
  await assert.rejects(run(store, unreachable, { waitMs: 0 }), { code: "timeout" });
  assert.deepEqual(store.attempts.map(({ leftMs, timeoutMs }) => [leftMs, timeoutMs]), [[
    0,
    1_000,
  ]]);
});

test("a store that does not answer in time is a timeout, and any other failure comes as it is", async () => {
  const store = new FakeStore();
  const slow = Object.assign(new Error("no answer"), { code: "timeout" });
  store.grant = () => Promise.reject(slow);
  await assert.rejects(run(store, unreachable), (error: LockError) => {
    assert.deepEqual([error.name, error.code, error.cause], ["LockError", "timeout", slow]);
    return true;
  });
  const down = Object.assign(new Error("down"), { code: "unavailable" });
  store.grant = () => Promise.reject(down);
  await assert.rejects(run(store, unreachable), down);
  assert.equal(store.attempts.length, 2);
});

test("a signal ends an attempt, a pause and a call that has not begun, with its reason as the cause", async () => {
  for (const when of ["before", "attempt", "pause"]) {
    const store = new FakeStore();
    const caller = new AbortController();
    const reason = new Error("enough");
    store.grant = ({ signal }) =>
      when === "attempt"
        ? new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
        : refuse();
    if (when === "before") caller.abort(reason);
    else store.clock.after(20, () => caller.abort(reason));
    await assert.rejects(run(store, unreachable, { signal: caller.signal }), (error: LockError) => {
      assert.deepEqual([error.name, error.code, error.cause], ["LockError", "aborted", reason]);
      return true;
    });
    assert.ok(store.clock.monotonic() < 30, `${when}: ${store.clock.monotonic()} ms`);
    assert.deepEqual([store.attempts.length > 0, store.clock.pendingTimers], [
      when !== "before",
      0,
    ]);
  }
});

test("a lost outer lock that is the signal of an inner one aborts the waiting as any signal does", async () => {
  const store = new FakeStore();
  const signal = AbortSignal.abort(new LockError("Cannot keep lock: lost", { code: "conflict" }));
  await assert.rejects(run(store, unreachable, { signal }), { code: "aborted" });
});

test("a lock that is granted when the caller has left already is given back", async () => {
  const store = new FakeStore();
  const caller = new AbortController();
  store.grant = () => (caller.abort(), Promise.resolve(true));
  await assert.rejects(run(store, unreachable, { signal: caller.signal }), { code: "aborted" });
  assert.deepEqual(store.releases, [false]);
});

test("a lock that is granted too late to be safe is given back and tried for again", async () => {
  const store = new FakeStore();
  store.grant = () => {
    if (store.attempts.length === 1) store.clock.block(270);
    return Promise.resolve(true);
  };
  assert.equal(await run(store, () => "second"), "second");
  assert.deepEqual([store.attempts.length, store.releases], [2, [false, true]]);
});

test("while the lock is held, the caller's signal and a closing provider abort its signal, and no more", async () => {
  for (const who of ["caller", "provider"]) {
    const store = new FakeStore();
    const caller = new AbortController();
    const controller = who === "caller" ? caller : store.closing;
    const reason = locksClosedError();
    const result = await run(store, async ({ signal }) => {
      controller.abort(reason);
      assert.deepEqual([signal.aborted, signal.reason], [true, reason]);
      await new Promise<void>((resolve) => store.clock.after(1_000, resolve));
      return "done all the same";
    }, { signal: caller.signal });
    assert.deepEqual([result, store.releases], ["done all the same", [true]]);
  }
});

test("a closed provider refuses waiting and new callers with its own error, after their input", async () => {
  const store = new FakeStore();
  store.grant = refuse;
  store.clock.after(20, () => store.closing.abort(locksClosedError()));
  await assert.rejects(run(store, unreachable), { code: "closed" });
  const { length } = store.attempts;
  await assert.rejects(run(store, unreachable), { code: "closed" });
  await assert.rejects(run(store, unreachable, { ttlMs: 1 }), { field: "ttlMs" });
  assert.equal(store.attempts.length, length);
});
