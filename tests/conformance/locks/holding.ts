import assert from "node:assert/strict";
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

/** What happens while a lock is held, and when it is released. */
export function testHolding(test: LockTest, harness: LockHarness): void {
  testResults(test);
  testExclusion(test, harness);
  testTokens(test);
  testRenewal(test, harness);
}

function testResults(test: LockTest): void {
  test("withLock returns what fn returns, also without a promise, and releases the lock", async ({ one, two }) => {
    const result = { deep: [1] };
    assert.equal(await one.withLock("n", () => result), result);
    assert.equal(await isHeld(two, "n"), false);
    assert.equal(await one.withLock("n", () => Promise.resolve(undefined)), undefined);
    assert.equal(await isHeld(two, "n"), false);
  });

  test("the lock is held until the promise of fn settles", async ({ one, two }) => {
    const held = await hold(one, "n");
    assert.equal(await isHeld(two, "n"), true);
    assert.equal(await isHeld(one, "n"), true);
    assert.equal(held.lock.signal.aborted, false);
    assert.equal(await held.finish(), "done");
    assert.equal(await isHeld(one, "n"), false);
    assert.equal(held.lock.signal.aborted, false);
  });

  test("what fn throws is thrown as it is, and the lock is released", async ({ one, two }) => {
    for (const failure of [new TypeError("mine"), "text", undefined]) {
      await assert.rejects(
        one.withLock("n", () => Promise.reject(failure)),
        (error) => error === failure,
      );
      assert.equal(await isHeld(two, "n"), false);
      const thrower = (): never => {
        throw failure;
      };
      await assert.rejects(one.withLock("n", thrower), (error) => error === failure);
      assert.equal(await isHeld(two, "n"), false);
    }
  });

  test("a caller's signal that fires while the lock is held aborts its signal, and fn decides", async ({ one, two }) => {
    const caller = new AbortController();
    const reason = new Error("enough");
    const held = await hold(one, "n", { signal: caller.signal });
    caller.abort(reason);
    assert.deepEqual([held.lock.signal.aborted, held.lock.signal.reason], [true, reason]);
    assert.equal(await isHeld(two, "n"), true);
    assert.equal(await held.finish(), "done");
    assert.equal(await isHeld(two, "n"), false);
  });
}

function testExclusion(test: LockTest, harness: LockHarness): void {
  test("of 50 callers over two providers one runs at a time, and all run", async ({ one, two }) => {
    let counter = 0;
    let running = 0;
    const increment = async (): Promise<void> => {
      assert.equal(++running, 1);
      const read = counter;
      await turn();
      counter = read + 1;
      running--;
    };
    const callers = Array.from(
      { length: 50 },
      (_, i) => (i % 2 === 0 ? one : two).withLock("n", increment, { waitMs: 2 * SOON_MS }),
    );
    await Promise.all(callers);
    assert.equal(counter, 50);
  });

  if (harness.capabilities.manyAtOnce) {
    test("locks of different names do not know each other", async ({ one, two }) => {
      const names = ["n", "N", "n:1", "{n}:1", "constructor", "世".repeat(170), "k".repeat(512)];
      const holds = await Promise.all(names.map((name, i) => hold(i % 2 === 0 ? one : two, name)));
      assert.equal(await isHeld(two, "other"), false);
      for (const name of names) assert.equal(await isHeld(one, name), true);
      for (const held of holds) assert.equal(await held.finish(), "done");
    });
  }

  test("a holder that asks for its own lock waits for itself", async ({ one }) => {
    await one.withLock("n", async () => assert.equal(await isHeld(one, "n"), true));
  });
}

function testTokens(test: LockTest): void {
  test("the token is a safe integer that grows with each holder, over providers and failures", async ({ one, two }) => {
    const tokens: number[] = [];
    for (const provider of [one, two, two, one, one, two]) {
      await provider.withLock("n", ({ token }) => void tokens.push(token));
      const failure = new Error("mine");
      const fail = ({ token }: { readonly token: number }): never => {
        tokens.push(token);
        throw failure;
      };
      await assert.rejects(provider.withLock("n", fail), failure);
    }
    assert.equal(tokens.length, 12);
    assert.ok(tokens.every(Number.isSafeInteger), tokens.join());
    tokens.slice(1).forEach((token, i) => assert.ok(token > tokens[i]!, tokens.join()));
  });

  test("the token of who has waited is greater than that of whom it waited for", async ({ one, two }) => {
    const tokens: number[] = [];
    const callers = Array.from(
      { length: 10 },
      (_, i) =>
        (i % 2 === 0 ? one : two).withLock("n", async ({ token }) => {
          tokens.push(token);
          await turn();
        }, { waitMs: SOON_MS }),
    );
    await Promise.all(callers);
    assert.deepEqual(tokens, [...tokens].sort((a, b) => a - b));
    assert.equal(new Set(tokens).size, 10);
  });
}

function testRenewal(test: LockTest, harness: LockHarness): void {
  test("a living holder keeps the lock for longer than three times ttlMs", async ({ one, two, ttlMs }) => {
    const held = await hold(one, "n", { ttlMs });
    for (let i = 0; i < 7; i++) {
      await harness.passTime(ttlMs / 2);
      assert.equal(await isHeld(two, "n"), true);
    }
    assert.equal(held.lock.signal.aborted, false);
    assert.equal(await held.finish(), "done");
    assert.equal(await isHeld(two, "n"), false);
  });

  test("a holder that its caller has told to stop keeps the lock until it has", async ({ one, two, ttlMs }) => {
    const caller = new AbortController();
    const held = await hold(one, "n", { ttlMs, signal: caller.signal });
    caller.abort();
    await aborted(held.lock.signal);
    await harness.passTime(2 * ttlMs);
    assert.equal(await isHeld(two, "n"), true);
    const failure = new Error("stopped");
    await assert.rejects(held.finish(failure), failure);
    assert.equal(await isHeld(two, "n"), false);
    await rejects(one.withLock("n", () => {}, { signal: caller.signal }), { code: "aborted" });
  });
}
