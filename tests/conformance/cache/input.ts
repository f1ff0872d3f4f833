import type { CacheProvider } from "../../../cache/cache.ts";
import assert from "node:assert/strict";
import { BAD_KEYS } from "../bad_keys.ts";
import { type CacheTest, rejects } from "./harness.ts";

/** What is refused, by the same rules in every adapter. */
export function testInput(test: CacheTest): void {
  testKeys(test);
  testShapes(test);
  testRefusedValues(test);
  testCallOptions(test);
}

function everyCall(
  cache: CacheProvider,
  key: string,
): [field: string, call: () => Promise<unknown>][] {
  return [
    ["key", () => cache.get(key)],
    ["keys[1]", () => cache.mget(["ok", key])],
    ["key", () => cache.set(key, 1)],
    ["entries[0].key", () => cache.mset([[key, 1], ["ok", 1]])],
    ["key", () => cache.setNx(key, 1)],
    ["key", () => cache.delete(key)],
    ["key", () => cache.exists(key)],
    ["key", () => cache.increment(key)],
    ["key", () => cache.ttl(key)],
    ["key", () => cache.expire(key, 1_000)],
    ["key", () => cache.getOrSet(key, () => 1)],
  ];
}

function testKeys(test: CacheTest): void {
  for (const [name, key] of BAD_KEYS) {
    test(`every call refuses a key ${name}`, async ({ cache }) => {
      for (const [field, call] of everyCall(cache, key as string)) {
        await rejects(call(), "invalid_input", field);
      }
      assert.equal(await cache.exists("ok"), false);
    });
  }

  for (
    const pattern of ["", "user:[ab]", "user:\\*", "user: *", "\0*", "*".repeat(513), undefined]
  ) {
    test(`deletePattern refuses ${JSON.stringify(pattern)?.slice(0, 20)}`, async ({ cache }) => {
      await cache.set("user:a", 1);
      await rejects(cache.deletePattern(pattern as string), "invalid_input", "pattern");
      assert.equal(await cache.exists("user:a"), true);
    });
  }

  test("a key of 512 bytes and a key of rare characters are kept", async ({ cache }) => {
    for (const key of ["k".repeat(512), "世".repeat(170), "{tag}:a/b.c-d_e@f#😀", "constructor"]) {
      await cache.set(key, key);
      assert.equal(await cache.get(key), key);
    }
  });
}

function testShapes(test: CacheTest): void {
  for (const wrong of [5, null, undefined, {}, "k"] as never[]) {
    const name = JSON.stringify(wrong);
    test(`keys, entries and a loader that are ${name} are refused by their name`, async ({ cache }) => {
      await cache.set("k", 1);
      await rejects(cache.mget(wrong), "invalid_input", "keys");
      if (wrong !== "k") await rejects(cache.mset(wrong), "invalid_input", "entries");
      await rejects(cache.mset([["k", 2], wrong]), "invalid_input", "entries[1]");
      // A value that is there needs no loader; a wrong one is refused all the same.
      for (const key of ["k", "new"]) {
        await rejects(cache.getOrSet(key, wrong), "invalid_input", "loader");
      }
      assert.deepEqual(await cache.mget(["k", "new"]), [1, undefined]);
    });
  }

  for (const wrong of [5, null, {}] as never[]) {
    test(`a schema that is ${JSON.stringify(wrong)} is refused, and costs no value`, async ({ cache }) => {
      await cache.set("k", 1);
      const options = { schema: wrong };
      for (const key of ["k", "missing"]) {
        await rejects(cache.get(key, options), "invalid_input", "schema");
        await rejects(cache.mget([key], options), "invalid_input", "schema");
        await rejects(cache.getOrSet(key, () => 2, options), "invalid_input", "schema");
      }
      assert.deepEqual(await cache.mget(["k", "missing"]), [1, undefined]);
    });
  }

  test("entries are what any iterable of pairs gives", async ({ cache }) => {
    await cache.mset(new Map([["a", 1], ["b", 2]]));
    assert.deepEqual(await cache.mget(["a", "b"]), [1, 2]);
  });
}

function cyclic(): unknown {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}

const BAD_VALUES: [name: string, value: () => unknown][] = [
  ["undefined", () => undefined],
  ["NaN", () => NaN],
  ["Infinity inside", () => ({ a: [Infinity] })],
  ["a bigint", () => 1n],
  ["a function", () => () => 1],
  ["a symbol", () => Symbol("s")],
  ["a map", () => new Map()],
  ["an instance of a class", () => new URL("http://localhost")],
  ["an invalid date", () => new Date(NaN)],
  ["undefined in an array", () => [undefined]],
  ["bytes inside an object", () => ({ a: new Uint8Array(1) })],
  ["a buffer", () => new ArrayBuffer(1)],
  ["a cycle", cyclic],
  ["a key named __proto__", () => JSON.parse('{"__proto__": 1}')],
  ["NUL in a string", () => "\0"],
  ["a lone surrogate", () => ["\ud800"]],
  ["bytes above 64 MiB", () => new Uint8Array(64 * 1024 * 1024 + 1)],
];

function testRefusedValues(test: CacheTest): void {
  for (const [name, value] of BAD_VALUES) {
    test(`every write refuses ${name}, before anything changes`, async ({ cache }) => {
      await cache.set("k", "old");
      const refused = value();
      await rejects(cache.set("k", refused), "invalid_input");
      await rejects(cache.setNx("new", refused), "invalid_input");
      await rejects(cache.mset([["new", 1], ["k", refused]]), "invalid_input");
      assert.deepEqual(await cache.mget(["k", "new"]), ["old", undefined]);
    });
  }
}

function callsWith(
  cache: CacheProvider,
  options: { signal?: AbortSignal; timeoutMs?: number },
): (() => Promise<unknown>)[] {
  return [
    () => cache.get("k", options),
    () => cache.mget(["k"], options),
    () => cache.set("k", 2, options),
    () => cache.mset([["k", 2]], options),
    () => cache.setNx("new", 2, options),
    () => cache.delete("k", options),
    () => cache.deletePattern("*", options),
    () => cache.exists("k", options),
    () => cache.increment("k", 1, options),
    () => cache.ttl("k", options),
    () => cache.expire("k", 1_000, options),
    () => cache.getOrSet("new", () => 2, options),
    () => cache.health(options),
  ];
}

function testCallOptions(test: CacheTest): void {
  test("with an aborted signal every call rejects with code aborted and changes nothing", async ({ cache }) => {
    await cache.set("k", 1);
    for (const call of callsWith(cache, { signal: AbortSignal.abort() })) {
      await rejects(call(), "aborted");
    }
    assert.deepEqual(await cache.mget(["k", "new"]), [1, undefined]);
    assert.equal(await cache.ttl("k"), null);
  });

  test("every call refuses a signal that cannot abort", async ({ cache }) => {
    await cache.set("k", 1);
    for (const call of callsWith(cache, { signal: 5 as unknown as AbortSignal })) {
      await rejects(call(), "invalid_input", "signal");
    }
    assert.deepEqual(await cache.mget(["k", "new"]), [1, undefined]);
  });

  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    test(`every call refuses timeoutMs ${timeoutMs}`, async ({ cache }) => {
      await cache.set("k", 1);
      for (const call of callsWith(cache, { timeoutMs })) {
        await rejects(call(), "invalid_input", "timeoutMs");
      }
      assert.deepEqual(await cache.mget(["k", "new"]), [1, undefined]);
    });
  }
}
