import assert from "node:assert/strict";
import { test } from "node:test";
import { type HeldLock, Lease, type RenewCall } from "../../core/lease.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

/** A store that answers when and what its test says. */
class FakeHold implements HeldLock {
  readonly token = 1;
  readonly sinceMs: number;
  readonly loss = new AbortController();
  readonly lost = this.loss.signal;
  readonly renewals: { atMs: number; call: RenewCall }[] = [];
  readonly #clock: ManualClock;
  answer: (call: RenewCall) => Promise<boolean> = () => Promise.resolve(true);
  busy = false;
  abandoned = 0;

  constructor(clock: ManualClock, sinceMs = clock.monotonic()) {
    this.#clock = clock;
    this.sinceMs = sinceMs;
  }

  renew(call: RenewCall): Promise<boolean> {
    this.renewals.push({ atMs: this.#clock.monotonic(), call });
    return this.answer(call);
  }

  release(): Promise<boolean> {
    return Promise.resolve(true);
  }

  isBusy(): boolean {
    return this.busy;
  }

  /** An answer that does not come, because the store is busy with something else. */
  becomeBusy(): Promise<boolean> {
    this.busy = true;
    return never();
  }

  abandon(): void {
    this.abandoned++;
  }
}

const ttlMs = 900;

function setUp(
  sinceMs = 0,
): { clock: ManualClock; hold: FakeHold; lease: Lease; lostAt: number[] } {
  const clock = new ManualClock();
  const hold = new FakeHold(clock, sinceMs);
  const lease = new Lease(hold, { ttlMs, clock });
  const lostAt: number[] = [];
  lease.signal.addEventListener("abort", () => lostAt.push(clock.monotonic()));
  return { clock, hold, lease, lostAt };
}

/** Moves on millisecond by millisecond, so that answers get in between. */
async function pass(clock: ManualClock, durationMs: number): Promise<void> {
  for (let i = 0; i < durationMs; i++) {
    clock.advance(1);
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  }
}

function answerAfter(clock: ManualClock, delayMs: number, ours = true): () => Promise<boolean> {
  return () => new Promise((resolve) => clock.after(delayMs, () => resolve(ours)));
}

const fails = (): Promise<boolean> => Promise.reject(new Error("the store is away"));
const never = (): Promise<boolean> => new Promise(() => {});

test("a lease is renewed at each third of its time, for as long as it is held", async () => {
  const { clock, hold, lease } = setUp();
  await pass(clock, 10 * ttlMs);
  assert.deepEqual(
    hold.renewals.map(({ atMs }) => atMs),
    Array.from({ length: 30 }, (_, i) => 300 * (i + 1)),
  );
  assert.deepEqual([lease.lost, lease.signal.aborted], [false, false]);
  assert.ok(hold.renewals.every(({ call }) => call.timeoutMs === 300 && !call.signal.aborted));
  lease.end();
  assert.equal(clock.pendingTimers, 0);
});

test("without an answer the signal aborts at nine tenths of the time, counted from before the request", async () => {
  const unanswered = setUp();
  unanswered.hold.answer = never;
  await pass(unanswered.clock, ttlMs);
  assert.deepEqual(unanswered.lostAt, [810]);

  const { clock, hold, lostAt } = setUp();
  hold.answer = answerAfter(clock, 250);
  await pass(clock, 560);
  hold.answer = never;
  await pass(clock, ttlMs);
  assert.deepEqual(lostAt, [300 + 810]);
});

test("the time of a lock counts from before its request, too", () => {
  const clock = new ManualClock();
  clock.advance(1_000);
  const hold = new FakeHold(clock, 800);
  hold.answer = never;
  const lease = new Lease(hold, { ttlMs, clock });
  clock.advance(609);
  assert.equal(lease.signal.aborted, false);
  clock.advance(1);
  assert.equal(lease.signal.aborted, true);
  assert.equal(new Lease(new FakeHold(clock, 0), { ttlMs, clock }).lost, true);
});

test("a slow answer does not delay the next renewal", async () => {
  const { clock, hold, lease } = setUp();
  hold.answer = answerAfter(clock, 250);
  await pass(clock, 4 * ttlMs);
  assert.deepEqual(hold.renewals.slice(0, 3).map(({ atMs }) => atMs), [300, 600, 900]);
  assert.equal(lease.lost, false);
});

test("a store that could not be asked is asked again after a tenth, and an answer in time is enough", async () => {
  const { clock, hold, lease, lostAt } = setUp();
  hold.answer = fails;
  await pass(clock, 700);
  assert.deepEqual(hold.renewals.map(({ atMs }) => atMs), [300, 390, 480, 570, 660]);
  hold.answer = () => Promise.resolve(true);
  await pass(clock, ttlMs);
  assert.equal(lease.lost, false);
  hold.answer = fails;
  await pass(clock, ttlMs);
  assert.equal(lostAt.length, 1);
});

test("the signal aborts at once when the store says that the lock is not ours", async () => {
  const { clock, hold, lease, lostAt } = setUp();
  hold.answer = () => Promise.resolve(false);
  await pass(clock, ttlMs);
  assert.deepEqual(lostAt, [300]);
  assert.deepEqual([lease.lost, hold.renewals.length, hold.abandoned], [true, 1, 1]);
  assert.equal(lease.signal.reason.code, "conflict");
  assert.equal(clock.pendingTimers, 0);
});

test("the signal aborts at once when the store says by itself that the lock is lost", () => {
  const { clock, hold, lease, lostAt } = setUp();
  clock.advance(10);
  hold.loss.abort();
  assert.deepEqual([lostAt, lease.lost, clock.pendingTimers], [[10], true, 0]);
  const late = new Lease(hold, { ttlMs, clock });
  assert.deepEqual([late.lost, late.signal.aborted, clock.pendingTimers], [true, true, 0]);
});

test("after a block of the event loop the first look at the signal says that it has aborted", () => {
  for (const look of ["aborted", "throwIfAborted"] as const) {
    const { clock, hold, lease, lostAt } = setUp();
    clock.block(809);
    assert.equal(lease.signal.aborted, false);
    lease.signal.throwIfAborted();
    clock.block(1);
    if (look === "aborted") assert.equal(lease.signal.aborted, true);
    else assert.throws(() => lease.signal.throwIfAborted(), { code: "conflict" });
    assert.deepEqual([lostAt, hold.abandoned, lease.lost], [[810], 1, true]);
    clock.advance(0);
    assert.equal(hold.renewals.length, 0);
  }
});

test("a timer that is late neither renews what may belong to another nor lets the signal wait", () => {
  const { clock, hold, lostAt } = setUp();
  clock.block(2 * ttlMs);
  clock.advance(0);
  assert.deepEqual([hold.renewals.length, lostAt], [0, [2 * ttlMs]]);
});

test("an answer that comes after the time is over does not bring the lock back", async () => {
  const { clock, hold, lease } = setUp();
  let answer: (ours: boolean) => void = () => {};
  hold.answer = () => new Promise((resolve) => answer = resolve);
  clock.advance(300);
  clock.block(550);
  answer(true);
  // The answer is there before the timer, which is late.
  for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  assert.deepEqual([lease.lost, lease.signal.aborted], [true, true]);
});

test("a wall clock that jumps costs nothing and gains nothing", async () => {
  class JumpingClock extends ManualClock {
    jumpMs = 0;
    override now(): number {
      return super.now() + this.jumpMs;
    }
  }
  for (const jumpMs of [-86_400_000, 86_400_000]) {
    const clock = new JumpingClock();
    const hold = new FakeHold(clock);
    const lease = new Lease(hold, { ttlMs, clock });
    clock.jumpMs = jumpMs;
    await pass(clock, ttlMs);
    assert.equal(lease.lost, false);
    hold.answer = never;
    await pass(clock, ttlMs);
    assert.equal(lease.lost, true);
  }
});

test("a store that is busy with the holder keeps the lock, and the time counts from the last look but one", async () => {
  const { clock, hold, lease, lostAt } = setUp();
  hold.answer = () => hold.becomeBusy();
  await pass(clock, 5 * ttlMs);
  assert.deepEqual([lease.lost, hold.renewals.length], [false, 1]);
  hold.renewals[0]?.call.answered();
  hold.busy = false;
  await pass(clock, 719);
  assert.equal(lease.lost, false);
  await pass(clock, 1);
  assert.deepEqual(lostAt, [5 * ttlMs + 720]);
});

test("a renewal that was sent only after the store was busy counts from then", async () => {
  const { clock, hold, lostAt } = setUp();
  let answer: (ours: boolean) => void = () => {};
  hold.answer = () => {
    hold.busy = true;
    return new Promise((resolve) => answer = resolve);
  };
  await pass(clock, 5 * ttlMs);
  hold.renewals[0]?.call.answered();
  hold.busy = false;
  hold.answer = never;
  await pass(clock, 100);
  answer(true);
  await pass(clock, 709);
  assert.deepEqual(lostAt, []);
  await pass(clock, 1);
  assert.deepEqual(lostAt, [5 * ttlMs + 810]);
});

test("after a block a busy store is no excuse: it may have answered at the beginning of the block", async () => {
  for (const timerIsFirst of [true, false]) {
    const { clock, hold, lease } = setUp();
    hold.answer = () => hold.becomeBusy();
    await pass(clock, 2 * ttlMs);
    clock.block(ttlMs);
    if (timerIsFirst) clock.advance(0);
    hold.renewals[0]?.call.answered();
    hold.busy = false;
    assert.deepEqual([lease.signal.aborted, hold.abandoned], [true, 1]);
  }
});

test("an ended lease is neither renewed nor lost, and ends the renewal that runs", async () => {
  const { clock, hold, lease, lostAt } = setUp();
  hold.answer = never;
  await pass(clock, 300);
  lease.end();
  lease.end();
  assert.equal(hold.renewals[0]?.call.signal.aborted, true);
  await pass(clock, 2 * ttlMs);
  hold.loss.abort();
  assert.deepEqual([lease.lost, lease.signal.aborted, lostAt], [false, false, []]);
  assert.deepEqual([hold.renewals.length, hold.abandoned, clock.pendingTimers], [1, 0, 0]);
});

test("a signal that aborts for the caller is no loss, and the lock is renewed on", async () => {
  const { clock, hold, lease } = setUp();
  lease.abort("the caller has left");
  await pass(clock, 2 * ttlMs);
  assert.deepEqual([lease.lost, hold.renewals.length], [false, 6]);
  assert.equal(lease.signal.reason, "the caller has left");
});
