import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryCacheProvider } from "../../cache/adapters/memory.ts";
import { cacheConformance } from "../conformance/cache.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

const clock = new ManualClock();

cacheConformance(test, {
  name: "memory",
  capabilities: { shared: false, atomicMany: true },
  open: ({ observer }) => Promise.resolve(new MemoryCacheProvider({ clock, observer })),
  openSmall: ({ observer }) =>
    Promise.resolve(new MemoryCacheProvider({ maxBytes: 10_000, clock, observer })),
  passTime: (ms) => Promise.resolve(clock.advance(ms)),
});

test("a value expires to the millisecond, also on a clock that starts at 0", async () => {
  for (const startMs of [0, Date.UTC(2026, 0, 1)]) {
    const clock = new ManualClock(startMs);
    const cache = new MemoryCacheProvider({ clock });
    await cache.set("k", 1, { ttlMs: 100 });
    clock.advance(99);
    assert.equal(await cache.ttl("k"), 1);
    assert.equal(await cache.get("k"), 1);
    clock.advance(1);
    assert.equal(await cache.get("k"), undefined);
    assert.equal(await cache.ttl("k"), undefined);
  }
});

test("time stands still for reads alone, not for what changes something or tells the time left", async () => {
  const clock = Object.assign(new ManualClock(1_000), { coarseNow: (): number => 1_000 });
  const cache = new MemoryCacheProvider({ clock });
  for (const key of ["ttl", "exists", "expire", "setNx", "n"]) {
    await cache.set(key, 1, { ttlMs: 5 });
  }
  clock.advance(5);
  assert.equal(await cache.get("expire"), 1, "the coarse clock is late");
  assert.equal(await cache.ttl("ttl"), undefined);
  assert.equal(await cache.exists("exists"), false);
  assert.equal(await cache.expire("expire", 1_000), false);
  assert.equal(await cache.setNx("setNx", 2), true);
  assert.equal(await cache.increment("n", 1), 1);
  assert.equal(await cache.ttl("n"), null);
  await cache.close();
});

test("a value that is there has a millisecond left, also if time goes on while it is asked", async () => {
  let nowMs = 0;
  const clock = Object.assign(new ManualClock(), { now: (): number => nowMs++ });
  const cache = new MemoryCacheProvider({ clock });
  for (let ttlMs = 1; ttlMs < 9; ttlMs++) {
    await cache.set("k", 1, { ttlMs });
    assert.notEqual(await cache.ttl("k"), 0);
  }
  await cache.close();
});

test("a session of 30 days expires on time and not early", async () => {
  const ttlMs = 30 * 86_400_000;
  const clock = new ManualClock();
  const cache = new MemoryCacheProvider({ clock, defaultTtlMs: ttlMs });
  await cache.set("session", 1);
  await cache.set("renewed", 1, { ttlMs: 1 });
  await cache.expire("renewed", ttlMs);
  clock.advance(ttlMs - 1);
  assert.deepEqual(await cache.mget(["session", "renewed"]), [1, 1]);
  clock.advance(1);
  assert.deepEqual(await cache.mget(["session", "renewed"]), [undefined, undefined]);
});

test("what is written without a TTL gets the default one, and a new counter too", async () => {
  const cache = new MemoryCacheProvider({ clock, defaultTtlMs: 1_000 });
  await cache.set("k", 1);
  await cache.increment("n");
  await cache.getOrSet("loaded", () => 1);
  await cache.set("own", 1, { ttlMs: 5 });
  const ttls = await Promise.all(["k", "n", "loaded", "own"].map((key) => cache.ttl(key)));
  assert.deepEqual(ttls, [1_000, 1_000, 1_000, 5]);
});

test("a JSON value is handed out as one deeply frozen object, without a copy", async () => {
  const cache = new MemoryCacheProvider();
  await cache.set("k", { list: [{ n: 1 }] });
  const value = await cache.get<{ list: { n: number }[] }>("k");
  assert.equal(await cache.get("k"), value);
  assert.equal((await cache.mget(["k"]))[0], value);
  assert.equal(await cache.getOrSet<unknown>("k", () => 1), value);
  assert.ok(Object.isFrozen(value) && Object.isFrozen(value?.list[0]));
});

test("ten times the limit stays within the limit, and the newest values stay", async () => {
  const maxBytes = 200_000;
  const cache = new MemoryCacheProvider({ maxBytes });
  for (let i = 0; i < 10_000; i++) {
    await cache.set(
      `k:${i}`,
      i % 2 ? { n: i, text: "x".repeat(i % 300) } : new Uint8Array(i % 300),
    );
    const { bytes } = await cache.health();
    assert.ok(Number(bytes) <= maxBytes, `it takes ${bytes}`);
  }
  const { bytes, entries } = await cache.health();
  assert.ok(Number(bytes) > maxBytes * 0.9 && Number(entries) > 100);
  assert.equal(await cache.exists("k:9999"), true);
  assert.equal(await cache.exists("k:0"), false);
});

test("overwriting and deleting give the room back", async () => {
  const cache = new MemoryCacheProvider();
  await cache.set("k", "x".repeat(1_000));
  await cache.set("k", 1);
  const small = Number((await cache.health()).bytes);
  assert.ok(small < 300, `it takes ${small}`);
  await cache.delete("k");
  assert.deepEqual(await cache.health(), {
    adapter: "memory",
    entries: 0,
    bytes: 0,
    maxBytes: 64 * 1024 * 1024,
  });
});

test("tags take room by their length, as keys do", async () => {
  const cache = new MemoryCacheProvider();
  const bytesOf = async (tags: string[]): Promise<number> => {
    await cache.set("k", 1, { tags });
    return Number((await cache.health()).bytes);
  };
  const short = await bytesOf(["a", "b"]);
  assert.equal(await bytesOf(["a".repeat(501), "b"]), short + 1_000);
  await cache.close();
});

test("what was read lately stays longer than what was not", async () => {
  const cache = new MemoryCacheProvider({ maxBytes: 3_000 });
  await cache.set("read", 1);
  for (let i = 0; i < 100; i++) {
    await cache.set(`k:${i}`, "x".repeat(100));
    assert.equal(await cache.get("read"), 1);
  }
});

test("a counter without any room rejects with code resource_exhausted", async () => {
  const cache = new MemoryCacheProvider({ maxBytes: 1 });
  await assert.rejects(cache.increment("n"), { code: "resource_exhausted" });
});

test("getOrSet waits 30 seconds by default", async () => {
  const cache = new MemoryCacheProvider({ clock });
  const call = cache.getOrSet("k", () => new Promise(() => {}));
  const timedOut = assert.rejects(call, {
    code: "timeout",
    message: "Cannot finish CacheProvider.getOrSet: it did not settle within 30000 ms",
  });
  clock.advance(30_000);
  await timedOut;
});

test("an observer that throws harms nobody", async () => {
  const broken = (): never => assert.fail("a broken observer");
  const observer = { log: broken, count: broken, duration: broken };
  const cache = new MemoryCacheProvider({ maxBytes: 1_000, observer });
  await cache.set("k", "x".repeat(10_000));
  assert.equal(await cache.exists("k"), false);
});

test("a bad limit or default TTL is refused by its name", () => {
  for (const maxBytes of [0, -1, 0.5, NaN, Infinity]) {
    assert.throws(() => new MemoryCacheProvider({ maxBytes }), { field: "maxBytes" });
  }
  for (const defaultTtlMs of [0, NaN, 315_360_000_001]) {
    assert.throws(() => new MemoryCacheProvider({ defaultTtlMs }), { field: "defaultTtlMs" });
  }
});
