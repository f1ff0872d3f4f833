import assert from "node:assert/strict";
import {
  type CacheHarness,
  type CacheTest,
  type CacheTestContext,
  dropObserver,
  rejects,
} from "./harness.ts";

/** The store behind a provider: who sees it, what has no room, and its end. */
export function testStore(test: CacheTest, harness: CacheHarness): void {
  testSharedStore(test, harness);
  testLocksAndLimits(test);
  testEnd(test);
  if (harness.openSmall) testNoRoom(test, harness);
}

function testSharedStore(test: CacheTest, harness: CacheHarness): void {
  test("the capabilities are what the adapter is known for", ({ cache }) => {
    assert.deepEqual(cache.capabilities, harness.capabilities);
    return Promise.resolve();
  });

  const seen = harness.capabilities.shared ? "sees" : "does not see";
  test(`another provider on the same store ${seen} what this one writes`, async (context) => {
    const { cache, opened } = context;
    await cache.set("k", "value");
    const other = await harness.open(opened);
    const expected = harness.capabilities.shared ? "value" : undefined;
    assert.equal(await other.get("k"), expected);
    await other.close();
    assert.equal(await cache.get("k"), "value");
  });

  test("a pattern stays in its own space", async ({ cache, opened }) => {
    const other = await harness.open({ ...opened, space: `${opened.space}x` });
    await other.set("k", "other");
    await cache.set("k", "value");
    assert.equal(await cache.deletePattern("*"), 1);
    assert.equal(await other.get("k"), "other");
    await other.close();
  });
}

function testLocksAndLimits(test: CacheTest): void {
  test("withLock runs its function, and nobody else's meanwhile", async ({ cache }) => {
    const held = await cache.withLock("n", async ({ token, signal }) => {
      await rejects(cache.withLock("n", () => 1, { waitMs: 0 }), "timeout");
      return Number.isSafeInteger(token) && !signal.aborted;
    });
    assert.equal(held, true);
    assert.equal(await cache.withLock("n", () => "free again", { waitMs: 0 }), "free again");
  });

  test("checkRateLimit counts what passes, apart from keys and locks of the same name", async ({ cache }) => {
    const minute = { limit: 2, windowMs: 60_000 };
    await cache.set("n", 1);
    const allowed = [1, 2, 3].map(() =>
      cache.withLock("n", async () => (await cache.checkRateLimit("n", minute)).allowed)
    );
    assert.deepEqual((await Promise.all(allowed)).sort(), [false, true, true]);
    await cache.deletePattern("*");
    assert.equal((await cache.checkRateLimit("n", minute)).allowed, false);
  });
}

function testEnd(test: CacheTest): void {
  test("health resolves with figures", async ({ cache }) => {
    const details = await cache.health();
    assert.equal(typeof details.adapter, "string");
    assert.doesNotThrow(() => JSON.stringify(details));
  });

  test("after close every call rejects with code closed; closing twice is fine", async ({ cache }) => {
    await cache.set("k", 1);
    await cache.close();
    await cache.close();
    await cache[Symbol.asyncDispose]();
    await rejects(cache.get("k"), "closed");
    await rejects(cache.set("k", 1), "closed");
    await rejects(cache.getOrSet("k", () => 1), "closed");
    await rejects(cache.deletePattern("*"), "closed");
    await rejects(cache.health(), "closed");
    await rejects(cache.invalidateTag("t"), "closed");
    await rejects(cache.withLock("n", () => 1), "closed");
    await rejects(cache.checkRateLimit("k", { limit: 1, windowMs: 1_000 }), "closed");
  });
}

function testNoRoom(test: CacheTest, harness: CacheHarness): void {
  const big = "x".repeat(100_000);
  const small = (
    name: string,
    fn: (context: CacheTestContext) => Promise<void>,
  ): void =>
    test(name, async ({ opened }) => {
      const dropped: string[] = [];
      const space = `${opened.space}-small`;
      const cache = await harness.openSmall?.({ space, observer: dropObserver(dropped) });
      assert.ok(cache);
      await fn({ cache, opened, dropped, failures: [] });
      await cache.close();
    });

  small(
    "a value that finds no room is not kept, reported, and its key's old value gone",
    async (context) => {
      const { cache, dropped } = context;
      await cache.mset([["set", 1], ["mset", 1]]);
      await cache.set("set", big);
      await cache.mset([["mset", big], ["fits", 1]]);
      assert.equal(await cache.getOrSet("load", () => big), big);
      assert.deepEqual(
        await cache.mget(["set", "mset", "fits", "load"]),
        [undefined, undefined, 1, undefined],
      );
      assert.deepEqual(dropped, Array(3).fill("no_room"));
    },
  );

  small(
    "setNx of a value that finds no room rejects with code resource_exhausted",
    async ({ cache }) => {
      await rejects(cache.setNx("k", big), "resource_exhausted");
      assert.equal(await cache.exists("k"), false);
    },
  );
}
