import assert from "node:assert/strict";
import { type CacheTest, rejects } from "./harness.ts";

/** What is written comes back, isolated from its writer and its readers. */
export function testValues(test: CacheTest): void {
  testReading(test);
  testIsolation(test);
  testSchemas(test);
}

function testReading(test: CacheTest): void {
  test("get returns the value, or undefined for a missing key", async ({ cache }) => {
    assert.equal(await cache.get("k"), undefined);
    for (const value of [{ a: [1, "é", null, true] }, [], {}, "", "text", 0, -1.5, false]) {
      await cache.set("k", value);
      assert.deepEqual(await cache.get("k"), value);
    }
  });

  test("null is a value like any other", async ({ cache }) => {
    await cache.set("k", null);
    assert.equal(await cache.get("k"), null);
    assert.equal(await cache.exists("k"), true);
  });

  test("dates come back as ISO strings, undefined members are left out", async ({ cache }) => {
    await cache.set("k", { at: new Date(0), gone: undefined });
    assert.deepEqual(await cache.get("k"), { at: "1970-01-01T00:00:00.000Z" });
  });

  test("bytes come back as bytes", async ({ cache }) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await cache.set("k", bytes);
    assert.deepEqual(await cache.get("k"), bytes);
    await cache.set("k", new Uint8Array(0));
    assert.deepEqual(await cache.get("k"), new Uint8Array(0));
  });

  test("set writes the value, whatever was there before", async ({ cache }) => {
    await cache.set("k", new Uint8Array(1));
    await cache.set("k", "second");
    assert.equal(await cache.get("k"), "second");
  });

  test("keys are equal when their code units are, without normalization", async ({ cache }) => {
    await cache.set("caf\u00e9", "composed");
    await cache.set("cafe\u0301", "decomposed");
    await cache.set("__proto__", "prototype");
    assert.deepEqual(
      await cache.mget(["caf\u00e9", "cafe\u0301", "CAF\u00e9", "__proto__"]),
      ["composed", "decomposed", undefined, "prototype"],
    );
  });

  test("delete and exists tell whether the key was there", async ({ cache }) => {
    assert.equal(await cache.delete("k"), false);
    await cache.set("k", 1);
    assert.equal(await cache.exists("k"), true);
    assert.equal(await cache.delete("k"), true);
    assert.equal(await cache.exists("k"), false);
    assert.equal(await cache.get("k"), undefined);
  });
}

function testIsolation(test: CacheTest): void {
  test("a value is copied when it is written", async ({ cache }) => {
    const value = { list: [1] };
    const bytes = new Uint8Array([1]);
    await cache.mset([["json", value], ["bytes", bytes]]);
    value.list.push(2);
    bytes[0] = 2;
    assert.deepEqual(await cache.get("json"), { list: [1] });
    assert.deepEqual(await cache.get("bytes"), new Uint8Array([1]));
  });

  test("changing what was read never changes what is cached", async ({ cache }) => {
    await cache.mset([["json", { list: [{ n: 1 }] }], ["bytes", new Uint8Array([1])]]);
    const json = await cache.get<{ list: { n: number }[] }>("json");
    const [bytes] = await cache.mget<Uint8Array>(["bytes"]);
    assert.ok(json && bytes);
    try {
      json.list[0] = { n: 2 };
      json.list.push({ n: 3 });
    } catch (error) {
      assert.ok(error instanceof TypeError, "a frozen value throws a TypeError");
    }
    bytes[0] = 2;
    assert.deepEqual(await cache.get("json"), { list: [{ n: 1 }] });
    assert.deepEqual(await cache.get("bytes"), new Uint8Array([1]));
  });
}

const numberSchema = {
  parse(value: unknown): number {
    if (typeof value !== "number") throw new TypeError("it is not a number");
    return value + 0.5;
  },
};

function testSchemas(test: CacheTest): void {
  test("what fits the schema is handed out as parse returns it", async ({ cache, dropped }) => {
    await cache.set("k", 1);
    assert.equal(await cache.get("k", { schema: numberSchema }), 1.5);
    assert.deepEqual(await cache.mget(["k"], { schema: numberSchema }), [1.5]);
    assert.equal(await cache.getOrSet("k", () => 7, { schema: numberSchema }), 1.5);
    assert.deepEqual(dropped, []);
  });

  test("a stored value that does not fit the schema is a miss, removed and reported", async (context) => {
    const { cache, dropped } = context;
    await cache.mset([["a", "text"], ["b", 1], ["c", "text"], ["d", "text"]]);
    const schema = numberSchema;
    assert.equal(await cache.get("a", { schema }), undefined);
    assert.deepEqual(await cache.mget(["b", "c"], { schema }), [1.5, undefined]);
    assert.equal(await cache.getOrSet("d", () => 2, { schema }), 2.5);
    assert.equal(await cache.exists("a"), false);
    assert.equal(await cache.exists("c"), false);
    assert.equal(await cache.get("d"), 2);
    assert.deepEqual(dropped, Array(3).fill("schema_mismatch"));
  });

  test("a loaded value that does not fit the schema rejects and is not written", async ({ cache }) => {
    const loader = (): number => "text" as unknown as number;
    await rejects(
      cache.getOrSet("k", loader, { schema: numberSchema }),
      "invalid_input",
      "loaded",
    );
    assert.equal(await cache.exists("k"), false);
  });
}
