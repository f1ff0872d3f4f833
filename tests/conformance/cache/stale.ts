import assert from "node:assert/strict";
import { type CacheHarness, type CacheTest, gate, missesForEveryCall, rejects } from "./harness.ts";

/** A slow store may take a while for a call: the times are far apart. */
const TTL_MS = 400;
const STALE_MS = 20_000;
const EXPIRED_MS = 500;

/** Values that outlive their `ttlMs`, or are loaded before it ends, or are none. */
export function testStale(test: CacheTest, harness: CacheHarness): void {
  testServedStale(test, harness);
  testFailedRefresh(test, harness);
  testStaleIsMissing(test, harness);
  testEarlyRefresh(test, harness);
  testNegative(test, harness);
  testJitter(test);
}

/** Waits for what goes on in the background, in real time on every clock. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail("it did not become so");
}

const options = { ttlMs: TTL_MS, staleMs: STALE_MS };

function testServedStale(test: CacheTest, harness: CacheHarness): void {
  test("with staleMs an expired value is handed out while one load runs in the background", async ({ cache }) => {
    await cache.getOrSet("k", () => "old", options);
    await harness.passTime(EXPIRED_MS);
    const release = gate();
    let loads = 0;
    const loader = async (): Promise<string> => {
      loads++;
      await release.opened;
      return "new";
    };
    const served = Array.from({ length: 20 }, () => cache.getOrSet("k", loader, options));
    assert.deepEqual(await Promise.all(served), Array(20).fill("old"));
    await eventually(() => Promise.resolve(loads === 1));
    release.open();
    await eventually(async () => await cache.get("k") === "new");
    assert.equal(await cache.getOrSet("k", loader, options), "new");
    assert.equal(loads, 1);
  });

  test("a background load has nobody's signal: its caller's abort does not end it", async ({ cache }) => {
    await cache.getOrSet("k", () => "old", options);
    await harness.passTime(EXPIRED_MS);
    const controller = new AbortController();
    const [started, release] = [gate(), gate()];
    const loader = async (): Promise<string> => {
      started.open();
      await release.opened;
      return "new";
    };
    const { signal } = controller;
    assert.equal(await cache.getOrSet("k", loader, { ...options, signal }), "old");
    await started.opened;
    controller.abort();
    release.open();
    await eventually(async () => await cache.get("k") === "new");
  });

  test("a value that was written or removed meanwhile is not replaced by a background load", async ({ cache }) => {
    for (const change of ["set", "delete"]) {
      const key = `k:${change}`;
      await cache.getOrSet(key, () => "old", options);
      await harness.passTime(EXPIRED_MS);
      const [started, release, done] = [gate(), gate(), gate()];
      await cache.getOrSet(key, async () => {
        started.open();
        await release.opened;
        done.open();
        return "late";
      }, options);
      await started.opened;
      if (change === "set") await cache.set(key, "newer");
      else await cache.delete(key);
      release.open();
      await done.opened;
      await cache.exists("settle");
      await cache.exists("settle");
      assert.equal(await cache.get(key), change === "set" ? "newer" : undefined);
    }
  });
}

function testFailedRefresh(test: CacheTest, harness: CacheHarness): void {
  test("if the load in the background fails, the stale value stays, and none starts for a second", async ({ cache, failures }) => {
    await cache.getOrSet("k", () => "old", options);
    await harness.passTime(EXPIRED_MS);
    let loads = 0;
    const failing = (): Promise<string> => {
      loads++;
      return Promise.reject(new Error("the database is down"));
    };
    assert.equal(await cache.getOrSet("k", failing, options), "old");
    await eventually(() => Promise.resolve(failures.length === 1));
    for (let i = 0; i < 5; i++) assert.equal(await cache.getOrSet("k", failing, options), "old");
    assert.equal(loads, 1);
    await harness.passTime(1_100);
    await eventually(async () =>
      await cache.getOrSet("k", () => "recovered", options) === "recovered"
    );
  });
}

function testStaleIsMissing(test: CacheTest, harness: CacheHarness): void {
  test("for every call but getOrSet with staleMs a stale value is missing", async ({ cache }) => {
    const keys = ["get", "exists", "ttl", "expire", "delete", "increment", "setNx", "load"];
    // All at once, because on a slow way to the store the first would be stale before the last is loaded.
    await Promise.all(keys.map((key) => cache.getOrSet(key, () => 1, options)));
    const values = await Promise.all(keys.map((key) => cache.get(key)));
    assert.deepEqual(values, keys.map(() => 1));
    const left = await cache.ttl("ttl");
    assert.ok(typeof left === "number" && left >= 1 && left <= TTL_MS, `got ${left}`);
    await harness.passTime(EXPIRED_MS);
    assert.deepEqual(await cache.mget(["get", "load"]), [undefined, undefined]);
    await missesForEveryCall(cache);
    assert.equal(await cache.get("load"), 2);
  });

  test("staleMs ends, and expire prolongs both", async ({ cache }) => {
    const short = { ttlMs: TTL_MS, staleMs: 100 };
    await cache.getOrSet("k", () => "old", short);
    await cache.getOrSet("longer", () => "old", short);
    await cache.expire("longer", 60_000);
    await harness.passTime(EXPIRED_MS + 200);
    assert.equal(await cache.getOrSet("k", () => "new", short), "new");
    assert.equal(await cache.get("longer"), "old");
  });

  test("staleMs needs a ttlMs, and is a TTL itself", async ({ cache }) => {
    await rejects(cache.getOrSet("k", () => 1, { staleMs: 5 }), "invalid_input", "staleMs");
    for (const staleMs of [0, -1, NaN, 0.5]) {
      await rejects(
        cache.getOrSet("k", () => 1, { ttlMs: 5, staleMs }),
        "invalid_input",
        "staleMs",
      );
    }
    assert.equal(await cache.exists("k"), false);
  });
}

function testEarlyRefresh(test: CacheTest, harness: CacheHarness): void {
  for (const wrong of [-1, NaN, 1_001, "1"]) {
    test(`earlyRefresh ${typeof wrong} ${wrong} is refused`, async ({ cache }) => {
      const earlyRefresh = wrong as number;
      const call = cache.getOrSet("k", () => 1, { ttlMs: 5, earlyRefresh });
      await rejects(call, "invalid_input", "earlyRefresh");
    });
  }

  test("without earlyRefresh a fresh value is never loaded again", async ({ cache }) => {
    const never = (): string => assert.fail("the loader must not run");
    await cache.getOrSet("k", () => "first", { ttlMs: 60_000 });
    for (let i = 0; i < 50; i++) await cache.getOrSet("k", never, { ttlMs: 60_000 });
    for (let i = 0; i < 50; i++) {
      await cache.getOrSet("k", never, { ttlMs: 60_000, earlyRefresh: 1 });
    }
  });

  test("a value that is due early is handed out and loaded in the background", async ({ cache }) => {
    const slowly = async (value: string): Promise<string> => {
      await harness.passTime(20);
      return value;
    };
    // By the formula, each read is due with a probability of 1/e or more.
    const early = { ttlMs: 20_000, earlyRefresh: 1_000 };
    assert.equal(await cache.getOrSet("k", () => slowly("first"), early), "first");
    assert.equal(await cache.getOrSet("k", () => slowly("second"), early), "first");
    await eventually(async () =>
      await cache.getOrSet("k", () => slowly("second"), early) === "second"
    );
  });
}

function testNegative(test: CacheTest, harness: CacheHarness): void {
  test("with negativeTtlMs a loaded undefined is remembered, and missing for every other call", async ({ cache }) => {
    let loads = 0;
    const nothing = (): undefined => void loads++;
    const remembering = { negativeTtlMs: TTL_MS };
    assert.equal(await cache.getOrSet("k", nothing, remembering), undefined);
    assert.equal(await cache.getOrSet("k", nothing, remembering), undefined);
    assert.equal(await cache.getOrSet("k", nothing), undefined);
    assert.equal(loads, 1);
    assert.equal(await cache.get("k"), undefined);
    assert.deepEqual(await cache.mget(["k"]), [undefined]);
    assert.equal(await cache.exists("k"), false);
    assert.equal(await cache.ttl("k"), undefined);
    assert.equal(await cache.expire("k", 60_000), false);
    assert.equal(await cache.deletePattern("k*"), 0);
    assert.equal(await cache.getOrSet("k", nothing, remembering), undefined);
    assert.equal(loads, 2);
    await harness.passTime(EXPIRED_MS);
    assert.equal(await cache.getOrSet<unknown>("k", () => "there", remembering), "there");
  });

  test("what is written ends a remembered nothing", async ({ cache }) => {
    const remembering = { negativeTtlMs: 60_000 };
    await cache.getOrSet("set", () => undefined, remembering);
    await cache.getOrSet("setNx", () => undefined, remembering);
    await cache.getOrSet("increment", () => undefined, remembering);
    await cache.getOrSet("delete", () => undefined, remembering);
    await cache.set("set", 1);
    assert.equal(await cache.setNx("setNx", 1), true);
    assert.equal(await cache.increment("increment"), 1);
    assert.equal(await cache.delete("delete"), false);
    for (const key of ["set", "setNx", "increment", "delete"]) {
      assert.equal(await cache.getOrSet<unknown>(key, () => 1), 1);
    }
    await rejects(
      cache.getOrSet("k", () => undefined, { negativeTtlMs: 0 }),
      "invalid_input",
      "negativeTtlMs",
    );
  });
}

function testJitter(test: CacheTest): void {
  test("ttlJitter takes up to its share off ttlMs, at random for each value", async ({ cache }) => {
    const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
    await cache.mset(keys.map((key) => [key, 1]), { ttlMs: 1_000_000, ttlJitter: 0.5 });
    const ttls = await Promise.all(keys.map((key) => cache.ttl(key)));
    for (const ttlMs of ttls) {
      assert.ok(
        typeof ttlMs === "number" && ttlMs >= 490_000 && ttlMs <= 1_000_000,
        `got ${ttlMs}`,
      );
    }
    assert.ok(new Set(ttls).size > 15);
    await cache.set("all", 1, { ttlMs: 1_000_000, ttlJitter: 1 });
    assert.ok(Number(await cache.ttl("all")) >= 1 || !(await cache.exists("all")));
  });

  for (const wrong of [-0.1, 1.1, NaN, "0.5"]) {
    test(`ttlJitter ${typeof wrong} ${wrong} is refused`, async ({ cache }) => {
      const ttlJitter = wrong as number;
      await rejects(cache.set("k", 1, { ttlMs: 5, ttlJitter }), "invalid_input", "ttlJitter");
    });
  }
}
