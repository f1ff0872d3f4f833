import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../../core/clock.ts";
import { Attempts } from "../../../storage/adapters/s3/attempts.ts";
import { type FailureDetails, S3Failure } from "../../../storage/adapters/s3/failure.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
import { settle } from "../../support/fake_driver.ts";

/** A clock that notes every pause and ends it at once. */
class HastyClock implements Clock {
  readonly pauses: number[] = [];

  now(): number {
    return 0;
  }

  monotonic(): number {
    return 0;
  }

  after(delayMs: number, callback: () => void): () => void {
    this.pauses.push(delayMs);
    queueMicrotask(callback);
    return () => {};
  }
}

const { signal } = new AbortController();
const DOWN: FailureDetails = { status: 500 };

/** Fails with the failures in order, then succeeds with how many attempts it took. */
function attempted(failures: readonly FailureDetails[]): () => Promise<number> {
  let count = 0;
  return () => {
    const failure = failures[count++];
    return failure ? Promise.reject(new S3Failure(failure)) : Promise.resolve(count);
  };
}

/** The pauses of a request that is sent ten times, all in vain. */
async function pausesOf(failure: FailureDetails): Promise<readonly number[]> {
  const clock = new HastyClock();
  const attempts = new Attempts({ maxAttempts: 10, clock });
  await assert.rejects(attempts.run(signal, attempted(Array(10).fill(failure))), S3Failure);
  return clock.pauses;
}

/** The longest of the first, the second and so on pauses of many requests. */
async function longestPauses(failure: FailureDetails): Promise<readonly number[]> {
  const all = await Promise.all(Array.from({ length: 200 }, () => pausesOf(failure)));
  return Array.from({ length: 9 }, (_, i) => Math.max(...all.map((pauses) => pauses[i] as number)));
}

test("a request is repeated until it succeeds, maxAttempts times at most", async () => {
  for (const maxAttempts of [1, 3, 10]) {
    const attempts = new Attempts({ maxAttempts, clock: new HastyClock() });
    const lucky = Array<FailureDetails>(maxAttempts - 1).fill(DOWN);
    assert.equal(await attempts.run(signal, attempted(lucky)), maxAttempts);
    await assert.rejects(attempts.run(signal, attempted([...lucky, DOWN])), { status: 500 });
  }
});

test("only what can succeed in a moment is repeated", async () => {
  const clock = new HastyClock();
  const attempts = new Attempts({ maxAttempts: 2, clock });
  for (const failure of [{ status: 403 }, { status: 404 }, { status: 412 }, { status: 501 }]) {
    await assert.rejects(attempts.run(signal, attempted([failure])), failure);
  }
  assert.deepEqual(clock.pauses, []);
  const name = "ECONNRESET";
  for (const failure of [{ name, why: "lost" }, { status: 503 }, { status: 408 }]) {
    assert.equal(await attempts.run(signal, attempted([failure])), 2);
  }
  assert.equal(clock.pauses.length, 3);
});

test("an error that is no failure of the server passes at once", async () => {
  const error = new Error("no credentials");
  let count = 0;
  const attempts = new Attempts({ maxAttempts: 10, clock: new HastyClock() });
  const sent = attempts.run(signal, () => {
    count++;
    return Promise.reject(error);
  });
  await assert.rejects(sent, (thrown) => thrown === error);
  assert.equal(count, 1);
});

test("pauses are random, and their bound grows from 100 ms to 2 s", async () => {
  const bounds = [100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000, 2_000];
  const longest = await longestPauses(DOWN);
  bounds.forEach((bound, i) => {
    const pause = longest[i] as number;
    assert.ok(pause > bound / 2 && pause <= bound, `pause ${i} of ${pause} ms`);
  });
});

test("pauses of a server that throttles have a bound that grows from 500 ms to 8 s", async () => {
  const bounds = [500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000];
  const longest = await longestPauses({ status: 503, name: "SlowDown" });
  bounds.forEach((bound, i) => {
    const pause = longest[i] as number;
    assert.ok(pause > bound / 2 && pause <= bound, `pause ${i} of ${pause} ms`);
  });
});

test("a pause lasts as long as the server asks for, but no longer than 20 s", async () => {
  const asked = { status: 429, retryAfterMs: 15_000 };
  assert.deepEqual(await pausesOf(asked), Array(9).fill(15_000));
  const tooLong = { status: 429, retryAfterMs: 3_600_000 };
  assert.deepEqual(await pausesOf(tooLong), Array(9).fill(20_000));
});

test("the next attempt begins when the pause has passed, not before", async () => {
  const clock = new ManualClock();
  const attempts = new Attempts({ maxAttempts: 2, clock });
  let count = 0;
  const sent = attempts.run(signal, () => {
    count++;
    const failure = new S3Failure({ status: 503, retryAfterMs: 5_000 });
    return count === 1 ? Promise.reject(failure) : Promise.resolve("sent");
  });
  await settle();
  clock.advance(4_999);
  await settle();
  assert.equal(count, 1);
  clock.advance(1);
  assert.equal(await sent, "sent");
});

test("a signal that fires in a pause ends it at once, with its reason", async () => {
  const clock = new ManualClock();
  const aborter = new AbortController();
  const attempts = new Attempts({ maxAttempts: 3, clock });
  const sent = attempts.run(aborter.signal, attempted([DOWN]));
  await settle();
  assert.equal(clock.pendingTimers, 1);
  const reason = new Error("enough");
  aborter.abort(reason);
  await assert.rejects(sent, (thrown) => thrown === reason);
  assert.equal(clock.pendingTimers, 0);
});

test("a failure remembers whether an attempt before it may have worked", async () => {
  const lost = { name: "ECONNRESET", why: "lost" };
  const refused = { name: "ECONNREFUSED", why: "lost" };
  const cases: readonly [readonly FailureDetails[], boolean][] = [
    [[{ status: 403 }], false],
    [[lost, { status: 403 }], true],
    [[DOWN, { status: 412 }], true],
    [[{ status: 408 }, { status: 412 }], true],
    [[refused, { status: 403 }], false],
    [[{ status: 429 }, { status: 403 }], false],
    [[lost, refused, refused], true],
  ];
  for (const [failures, mayHaveWorked] of cases) {
    const attempts = new Attempts({ maxAttempts: 3, clock: new HastyClock() });
    await assert.rejects(attempts.run(signal, attempted(failures)), { mayHaveWorked });
  }
});

/** How many of the requests that fail are repeated until no repetition is left. */
async function repetitionsLeft(attempts: Attempts): Promise<number> {
  for (let repeated = 0;; repeated++) {
    let count = 0;
    const sent = attempts.run(signal, () => {
      count++;
      return Promise.reject(new S3Failure(DOWN));
    });
    await assert.rejects(sent, S3Failure);
    if (count === 1) return repeated;
  }
}

test("repetitions come out of a budget of 50, to which a success gives back a tenth of one", async () => {
  const attempts = new Attempts({ maxAttempts: 2, clock: new HastyClock() });
  const succeed = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await attempts.run(signal, attempted([]));
  };
  await succeed(100);
  assert.equal(await repetitionsLeft(attempts), 50);
  await succeed(9);
  assert.equal(await repetitionsLeft(attempts), 0);
  await succeed(2);
  assert.equal(await repetitionsLeft(attempts), 1);
});
