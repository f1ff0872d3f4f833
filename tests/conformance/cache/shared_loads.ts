import assert from "node:assert/strict";
import type { CacheProvider } from "../../../cache/cache.ts";
import { type CacheHarness, type CacheTest, gate, rejects } from "./harness.ts";

/** What providers do that share a store, as those of several processes. */
export function testSharedLoads(test: CacheTest, harness: CacheHarness): void {
  type Pair = { cache: CacheProvider; other: CacheProvider };
  const testPair = (name: string, fn: (pair: Pair) => Promise<void>): void =>
    test(name, async ({ cache, opened }) => {
      const other = await harness.open(opened);
      try {
        await fn({ cache, other });
      } finally {
        await other.close();
      }
    });

  testPair("providers that share a store share one load", async ({ cache, other }) => {
    const [started, release] = [gate(), gate()];
    let loads = 0;
    const loader = async (): Promise<unknown> => {
      loads++;
      started.open();
      await release.opened;
      return { n: 1 };
    };
    const callers = [cache, other, cache, other].map((one) => one.getOrSet("k", loader));
    await started.opened;
    release.open();
    assert.deepEqual(await Promise.all(callers), Array(4).fill({ n: 1 }));
    assert.equal(loads, 1);
  });

  testPair("if the load of one fails, another one loads", async ({ cache, other }) => {
    const [started, release] = [gate(), gate()];
    const failing = rejects(
      cache.getOrSet("k", async () => {
        started.open();
        await release.opened;
        throw Object.assign(new Error("the database is down"), { code: "E_DOWN" });
      }),
      "E_DOWN",
    );
    await started.opened;
    const waiting = other.getOrSet("k", () => "theirs");
    await other.exists("settle");
    release.open();
    await failing;
    assert.equal(await waiting, "theirs");
    assert.equal(await cache.get("k"), "theirs");
  });

  testPair(
    "a caller that waits for a value that does not fit its schema loads another",
    async ({ cache, other }) => {
      const [started, release] = [gate(), gate()];
      const first = cache.getOrSet("k", async () => {
        started.open();
        await release.opened;
        return 5;
      });
      await started.opened;
      const parse = (value: unknown): string => {
        if (typeof value === "string") return value;
        throw new TypeError("it is no text");
      };
      const second = other.getOrSet("k", () => "text", { schema: { parse } });
      await other.exists("settle");
      release.open();
      assert.deepEqual(await Promise.all([first, second]), [5, "text"]);
      assert.equal(await other.get("k"), "text");
    },
  );

  for (const change of ["set", "delete", "deletePattern", "invalidateTag"] as const) {
    testPair(
      `a ${change} by another provider wins over a load that is running`,
      async ({ cache, other }) => {
        const [started, release] = [gate(), gate()];
        const old = cache.getOrSet("k", async () => {
          started.open();
          await release.opened;
          return "old";
        }, { tags: ["t"] });
        await started.opened;
        if (change === "set") await other.set("k", "new");
        if (change === "delete") await other.delete("k");
        if (change === "deletePattern") await other.deletePattern("k*");
        if (change === "invalidateTag") await other.invalidateTag("t");
        if (change !== "invalidateTag") {
          const later = cache.getOrSet("k", () => "new");
          assert.equal(await later, "new", "who comes after the change does not join the old load");
        }
        release.open();
        assert.equal(await old, "old");
        const left = change === "invalidateTag" ? undefined : "new";
        assert.equal(await cache.get("k"), left);
        assert.equal(await other.get("k"), left);
      },
    );
  }

  testPair("a provider that closes gives its load to the next", async ({ cache, other }) => {
    const started = gate();
    const closing = rejects(
      other.getOrSet("k", () => {
        started.open();
        return new Promise(() => {});
      }),
      "closed",
    );
    await started.opened;
    const waiting = cache.getOrSet("k", () => "ours");
    await cache.exists("settle");
    await other.close();
    await closing;
    assert.equal(await waiting, "ours");
  });

  testPair("a stale value is loaded again by one of them", async ({ cache, other }) => {
    const options = { ttlMs: 300, staleMs: 20_000 };
    await cache.getOrSet("k", () => "old", options);
    await harness.passTime(400);
    const [started, release] = [gate(), gate()];
    let loads = 0;
    const loader = async (): Promise<string> => {
      loads++;
      started.open();
      await release.opened;
      return "new";
    };
    assert.equal(await cache.getOrSet("k", loader, options), "old");
    await started.opened;
    for (let i = 0; i < 3; i++) assert.equal(await other.getOrSet("k", loader, options), "old");
    await other.exists("settle");
    release.open();
    while (await other.get("k") !== "new") await other.exists("settle");
    assert.equal(loads, 1);
  });
}
