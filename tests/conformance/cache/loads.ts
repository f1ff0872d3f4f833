import type { CacheProvider, Loader } from "../../../cache/cache.ts";
import assert from "node:assert/strict";
import { type CacheHarness, type CacheTest, type Gate, gate, rejects } from "./harness.ts";

/** What happens while a load is running. */
export function testLoads(test: CacheTest, harness: CacheHarness): void {
  testSharing(test);
  testLeaving(test, harness);
  testOvertaking(test);
}

/** A load that starts, and ends when the test says so. */
interface HeldLoad {
  readonly loader: Loader<string>;
  readonly started: Gate;
  readonly release: Gate;
  /** The signals of the loads that ran. */
  readonly signals: AbortSignal[];
}

function held(value: string): HeldLoad {
  const load = { started: gate(), release: gate(), signals: [] as AbortSignal[] };
  return {
    ...load,
    async loader({ signal }): Promise<string> {
      load.signals.push(signal);
      load.started.open();
      await load.release.opened;
      return value;
    },
  };
}

/** Gives calls that were made before the time to reach the store. */
async function settle(cache: CacheProvider): Promise<void> {
  await cache.exists("settle");
  await cache.exists("settle");
}

function testSharing(test: CacheTest): void {
  test("callers that miss the same key share one load, that of the first", async ({ cache }) => {
    const load = held("value");
    const callers = Array.from({ length: 100 }, () => cache.getOrSet("k", load.loader));
    await load.started.opened;
    load.release.open();
    assert.deepEqual(await Promise.all(callers), Array(100).fill("value"));
    assert.equal(load.signals.length, 1);
    assert.equal(load.signals[0]?.aborted, false);
  });

  test("different keys load at the same time", async ({ cache }) => {
    const [a, b] = [held("a"), held("b")];
    const both = Promise.all([cache.getOrSet("a", a.loader), cache.getOrSet("b", b.loader)]);
    await Promise.all([a.started.opened, b.started.opened]);
    a.release.open();
    b.release.open();
    assert.deepEqual(await both, ["a", "b"]);
  });
}

function testLeaving(test: CacheTest, harness: CacheHarness): void {
  test("a caller that aborts stops waiting alone; the others go on", async ({ cache }) => {
    const load = held("value");
    const controller = new AbortController();
    const leaver = cache.getOrSet("k", load.loader, { signal: controller.signal });
    await load.started.opened;
    const stayer = cache.getOrSet("k", load.loader);
    await settle(cache);
    controller.abort();
    await rejects(leaver, "aborted");
    assert.equal(load.signals[0]?.aborted, false);
    load.release.open();
    assert.equal(await stayer, "value");
    assert.equal(load.signals.length, 1);
  });

  test("a caller that runs into its deadline stops waiting alone", async ({ cache }) => {
    const load = held("value");
    const stayer = cache.getOrSet("k", load.loader);
    await load.started.opened;
    const leaver = rejects(cache.getOrSet("k", load.loader, { timeoutMs: 100 }), "timeout");
    await settle(cache);
    await harness.passTime(150);
    await leaver;
    load.release.open();
    assert.equal(await stayer, "value");
  });

  test("a loader that asks for its own key waits for itself until its deadline", async ({ cache }) => {
    const started = gate();
    const caller = cache.getOrSet("k", () => {
      const itself = cache.getOrSet("k", () => "never", { timeoutMs: 100 });
      started.open();
      return itself;
    });
    const timedOut = rejects(caller, "timeout");
    await started.opened;
    await settle(cache);
    await harness.passTime(150);
    await timedOut;
  });

  test("the loader's signal aborts when no caller is left, and the next starts a new load", async ({ cache }) => {
    const load = held("abandoned");
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const callers = [1, 2].map(() => cache.getOrSet("k", load.loader, options));
    await load.started.opened;
    controller.abort();
    await Promise.all(callers.map((caller) => rejects(caller, "aborted")));
    assert.equal(load.signals[0]?.aborted, true);
    assert.equal(await cache.getOrSet("k", () => "fresh"), "fresh");
    load.release.open();
    await settle(cache);
    assert.equal(await cache.get("k"), "fresh");
  });

  test("close rejects running loads with code closed and aborts them", async ({ cache }) => {
    const [load, overtaken] = [held("value"), held("overtaken")];
    const callers = [
      rejects(cache.getOrSet("k", load.loader), "closed"),
      rejects(cache.getOrSet("overtaken", overtaken.loader), "closed"),
    ];
    await Promise.all([load.started.opened, overtaken.started.opened]);
    await cache.delete("overtaken");
    await cache.close();
    await Promise.all(callers);
    assert.equal(load.signals[0]?.aborted, true);
    assert.equal(overtaken.signals[0]?.aborted, true);
  });
}

const CHANGES: [name: string, change: (cache: CacheProvider) => Promise<unknown>, left: unknown][] =
  [
    ["set", (cache) => cache.set("k:1", "new"), "new"],
    ["mset", (cache) => cache.mset([["k:1", "new"]]), "new"],
    ["setNx", (cache) => cache.setNx("k:1", "new"), "new"],
    ["increment", (cache) => cache.increment("k:1", 5), 5],
    ["delete", (cache) => cache.delete("k:1"), undefined],
    ["deletePattern", (cache) => cache.deletePattern("k:*"), undefined],
  ];

function testOvertaking(test: CacheTest): void {
  for (const [name, change, left] of CHANGES) {
    test(`a ${name} during the load wins: the late value is not written`, async ({ cache }) => {
      const load = held("old");
      const waiting = cache.getOrSet<unknown>("k:1", load.loader);
      await load.started.opened;
      await change(cache);
      load.release.open();
      assert.equal(await waiting, "old");
      assert.equal(await cache.get("k:1"), left);
    });
  }

  test("callers that come after a removal do not join the old load", async ({ cache }) => {
    const [before, after] = [held("old"), held("new")];
    const early = cache.getOrSet("k", before.loader);
    await before.started.opened;
    await cache.delete("k");
    const late = cache.getOrSet("k", after.loader);
    await after.started.opened;
    before.release.open();
    assert.equal(await early, "old");
    assert.equal(await cache.exists("k"), false);
    after.release.open();
    assert.equal(await late, "new");
    assert.equal(await cache.get("k"), "new");
  });

  test("a change of another key does not disturb the load", async ({ cache }) => {
    const load = held("value");
    const waiting = cache.getOrSet("k", load.loader);
    await load.started.opened;
    await cache.set("other:1", 1);
    await cache.deletePattern("other:*");
    load.release.open();
    assert.equal(await waiting, "value");
    assert.equal(await cache.get("k"), "value");
  });
}
