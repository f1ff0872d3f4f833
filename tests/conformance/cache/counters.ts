import assert from "node:assert/strict";
import { type CacheTest, rejects } from "./harness.ts";

/** `increment` and `setNx`: what is atomic on one key. */
export function testCounters(test: CacheTest): void {
  testIncrement(test);
  testRefusedIncrement(test);
  testSetNx(test);
}

function testIncrement(test: CacheTest): void {
  test("increment counts a missing key as 0, adds 1 by default, and returns the sum", async ({ cache }) => {
    assert.equal(await cache.increment("n"), 1);
    assert.equal(await cache.increment("n", 41), 42);
    assert.equal(await cache.increment("n", -50), -8);
    assert.equal(await cache.increment("n", 0), -8);
    assert.equal(await cache.get("n"), -8);
  });

  test("a number that set wrote is a counter", async ({ cache }) => {
    await cache.set("n", 5);
    assert.equal(await cache.increment("n", 2), 7);
  });

  test("increments at the same time all count", async ({ cache }) => {
    const sums = await Promise.all(Array.from({ length: 100 }, () => cache.increment("n")));
    assert.equal(new Set(sums).size, 100);
    assert.equal(await cache.get("n"), 100);
  });

  test("increment gives a missing key its ttlMs, and an existing one keeps its expiry", async ({ cache }) => {
    await cache.increment("n", 1, { ttlMs: 60_000 });
    await cache.increment("n", 1, { ttlMs: 3_600_000 });
    const ttlMs = await cache.ttl("n");
    assert.ok(typeof ttlMs === "number" && ttlMs <= 60_000, `it has ${ttlMs} ms left`);
    await cache.set("forever", 1);
    await cache.increment("forever", 1, { ttlMs: 60_000 });
    assert.equal(await cache.ttl("forever"), null);
  });
}

function testRefusedIncrement(test: CacheTest): void {
  for (const value of ["5", "text", 1.5, null, true, [1], { n: 1 }, new Uint8Array([53])]) {
    test(`increment rejects, changing nothing, when the value is ${show(value)}`, async ({ cache }) => {
      await cache.set("n", value);
      await rejects(cache.increment("n"), "conflict");
      assert.deepEqual(await cache.get("n"), value);
    });
  }

  test("increment rejects, changing nothing, when the sum would not be a safe integer", async ({ cache }) => {
    const max = Number.MAX_SAFE_INTEGER;
    assert.equal(await cache.increment("n", max), max);
    await rejects(cache.increment("n", 1), "conflict");
    assert.equal(await cache.get("n"), max);
    assert.equal(await cache.increment("n", -max), 0);
    assert.equal(await cache.increment("n", -max), -max);
    await rejects(cache.increment("n", -1), "conflict");
    assert.equal(await cache.get("n"), -max);
  });

  for (const by of [0.5, NaN, Infinity, 2 ** 53, "1" as unknown as number]) {
    test(`increment by ${show(by)} is refused`, async ({ cache }) => {
      await rejects(cache.increment("n", by), "invalid_input", "by");
      assert.equal(await cache.exists("n"), false);
    });
  }
}

function testSetNx(test: CacheTest): void {
  test("setNx writes only if the key is missing, and returns whether it wrote", async ({ cache }) => {
    assert.equal(await cache.setNx("k", "first", { ttlMs: 60_000 }), true);
    assert.equal(await cache.setNx("k", "second"), false);
    assert.equal(await cache.get("k"), "first");
    assert.equal(typeof await cache.ttl("k"), "number");
    await cache.set("null", null);
    assert.equal(await cache.setNx("null", 1), false);
  });

  test("of many setNx at the same time one writes", async ({ cache }) => {
    const wrote = await Promise.all(Array.from({ length: 50 }, (_, i) => cache.setNx("k", i)));
    assert.equal(wrote.filter(Boolean).length, 1);
    assert.equal(await cache.get("k"), wrote.indexOf(true));
  });
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return "bytes";
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}
