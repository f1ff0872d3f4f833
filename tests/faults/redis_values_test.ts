import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import process from "node:process";
import { deflateRawSync } from "node:zlib";
import fc from "fast-check";
import type { CacheProvider } from "../../cache/cache.ts";
import { type OpenCache, withCache } from "../support/faulty_redis.ts";
import { type RedisArgument, type SendRedisCommand, withRedis } from "../support/redis.ts";
import { findService, serviceTest } from "../support/services.ts";

const test = serviceTest(await findService("redis"));

const VALUE = { text: "a value that is long enough to be compressed ".repeat(3), list: [1, null] };

/** What a frame begins with: NUL, its kind, and flags. */
const [IS_BYTES, IS_COMPRESSED, HAS_RECORD, HAS_TAGS] = [1, 2, 4, 8];

const LATER = "000000060000";

/** What can be at a key, but not from this version of the library. */
const UNDECODABLE: Readonly<Record<string, Uint8Array>> = {
  "no bytes": bytes(""),
  "text that is not JSON": bytes("{'a': 1}"),
  "half of a JSON text": bytes('{"a":'),
  "bytes that are not UTF-8": Uint8Array.of(0xff, 0xfe, 0x80),
  "NUL alone": bytes("\0"),
  "a frame without flags": bytes("\0V"),
  "a frame of a kind of a later version": bytes("\0W\x01later"),
  "a lease that is too short": bytes("\0Lshort"),
  "nothing, with something": bytes("\0Nothing"),
  "an empty value": bytes("\0V\0"),
  "a compressed value that is none": bytes("\0V\x02not deflated"),
  "a compressed value that is empty": bytes("\0V\x02"),
  "a record that is too short": bytes("\0V\x04"),
  "a record whose numbers are none": bytes(`\0V\x04${"t".repeat(16)}${"x".repeat(32)}1`),
  "tags that are longer than the frame": record(HAS_TAGS, "99999999", "{}"),
  "tags that are no JSON": record(HAS_TAGS, "00000004", "tags1"),
  "tags that are null": record(HAS_TAGS, "00000004", "null1"),
  "tags that are a list": record(HAS_TAGS, "00000004", '["a"]1'.slice(0, 4) + "1"),
  "tags whose versions are none": record(HAS_TAGS, "00000007", '{"a":1}1'),
};

for (const [what, stored] of Object.entries(UNDECODABLE)) {
  test(`${what} at a key is a miss, removed and reported`, (url) =>
    withStored(url, async ({ cache, reports, send, put }) => {
      for (const read of ["get", "mget", "getOrSet", "getOrSet with staleMs"] as const) {
        reports.counts.length = 0;
        const key = await put(stored);
        assert.equal(await readers[read](cache), read.startsWith("getOrSet") ? "new" : undefined);
        assert.deepEqual(reports.dropped, ["undecodable"], read);
        if (read === "get" || read === "mget") assert.equal(await send("EXISTS", key), 0);
      }
    }));
}

const readers = {
  get: (cache: CacheProvider) => cache.get("key"),
  mget: async (cache: CacheProvider) => (await cache.mget(["key"]))[0],
  getOrSet: (cache: CacheProvider) => cache.getOrSet("key", () => "new"),
  "getOrSet with staleMs": (cache: CacheProvider) =>
    cache.getOrSet("key", () => "new", { ttlMs: 60_000, staleMs: 60_000, tags: ["tag"] }),
};

const OTHER_TYPES: Readonly<Record<string, (key: string) => string[]>> = {
  list: (key) => ["LPUSH", key, "element"],
  hash: (key) => ["HSET", key, "__proto__", "value"],
  set: (key) => ["SADD", key, "element"],
  "sorted set": (key) => ["ZADD", key, "1", "element"],
  stream: (key) => ["XADD", key, "*", "field", "value"],
};

for (const [type, command] of Object.entries(OTHER_TYPES)) {
  test(`a ${type} at a key is no value: every call does what it does with a missing key`, (url) =>
    withStored(url, async ({ cache, reports, send, prefix }) => {
      const calls: readonly (readonly [() => Promise<unknown>, unknown])[] = [
        [() => cache.get("key"), undefined],
        [() => cache.getOrSet("key", () => 1), 1],
        [() => cache.exists("key"), false],
        [() => cache.ttl("key"), undefined],
        [() => cache.expire("key", 1_000), false],
        [() => cache.setNx("key", 1), true],
        [() => cache.increment("key"), 1],
        [() => cache.delete("key"), false],
      ];
      for (const [call, expected] of calls) {
        await send("UNLINK", `${prefix}key`);
        await send(...command(`${prefix}key`));
        assert.equal(await call(), expected);
      }
      assert.deepEqual(reports.dropped, calls.map(() => "wrong_type"));
      await send("UNLINK", `${prefix}key`);
      await send(...command(`${prefix}key`));
      assert.deepEqual(await cache.mget(["key"]), [undefined]);
      await cache.set("key", 1);
      assert.equal(await cache.get("key"), 1);
      await send("UNLINK", `${prefix}key`);
      await send(...command(`${prefix}key`));
      await cache.deletePattern("k*");
      assert.equal(await send("EXISTS", `${prefix}key`), 0);
    }));
}

const WAYS: Readonly<Record<string, (cache: CacheProvider) => Promise<unknown>>> = {
  "a JSON value": (cache) => cache.set("key", VALUE),
  "a compressed value": (cache) => cache.set("key", { ...VALUE, more: VALUE.text.repeat(50) }),
  "a value with a record": (cache) =>
    cache.getOrSet("key", () => VALUE, {
      ttlMs: 60_000,
      staleMs: 60_000,
      tags: ["tag", "__proto__"],
    }),
};

for (const [way, write] of Object.entries(WAYS)) {
  test(`${way} that was cut off anywhere is a miss, removed and reported`, (url) =>
    withStored(url, async ({ cache, reports, put, stored }) => {
      await write(cache);
      const frame = await stored();
      for (let length = 0; length < frame.length; length++) {
        await put(frame.subarray(0, length));
        assert.equal(await cache.get("key"), undefined, `${length} of ${frame.length} bytes`);
      }
      assert.deepEqual(reports.dropped, Array(frame.length).fill("undecodable"));
    }));

  test(`${way} with any one byte changed is never an exception`, (url) =>
    withStored(url, async ({ cache, put, stored, send, prefix }) => {
      await write(cache);
      const frame = await stored();
      for (let i = 0; i < frame.length; i++) {
        for (const change of [0x01, 0x04, 0x80, 0xff]) {
          const changed = Buffer.from(frame);
          changed[i]! ^= change;
          await put(changed);
          await cache.get("key");
          await put(changed);
          await cache.mget(["key"]);
          await cache.ttl("key");
        }
      }
      await send("UNLINK", `${prefix}key`);
    }));
}

test("arbitrary bytes at a key are never an exception, whichever call meets them", (url) =>
  withStored(url, async ({ cache, put }) => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.tuple(fc.constantFrom("\0V", "\0L", "\0N"), fc.uint8Array({ maxLength: 80 }))
        .map(([head, rest]) => Buffer.concat([bytes(head), rest])),
      fc.tuple(fc.integer({ min: 0, max: 15 }), fc.uint8Array({ maxLength: 20 }))
        .map(([flags, rest]) => Buffer.concat([record(flags, "00000000", ""), rest])),
    );
    const calls: readonly ((cache: CacheProvider) => Promise<unknown>)[] = [
      (cache) => cache.get("key"),
      (cache) => cache.mget(["key", "other"]),
      (cache) => cache.exists("key"),
      (cache) => cache.ttl("key"),
      (cache) => cache.expire("key", 60_000),
      (cache) => cache.setNx("key", 1),
      (cache) => cache.delete("key"),
      (cache) => cache.deletePattern("*"),
    ];
    await fc.assert(
      fc.asyncProperty(anything, fc.constantFrom(...calls), async (stored, call) => {
        await put(stored);
        await call(cache);
      }),
      { numRuns: 500 },
    );
  }));

test("a small value that expands to 300 MB is refused, and memory stays bounded", (url) =>
  withStored(url, async ({ cache, reports, put }) => {
    const bomb = deflateRawSync(Buffer.alloc(300 * 1024 * 1024));
    for (const flags of [IS_COMPRESSED, IS_COMPRESSED | IS_BYTES]) {
      await put(Buffer.concat([bytes("\0V"), Uint8Array.of(flags), bomb]));
      const before = process.memoryUsage().rss;
      assert.equal(await cache.get("key"), undefined);
      const grown = process.memoryUsage().rss - before;
      assert.ok(grown < 600 * 1024 * 1024, `${grown} bytes more`);
    }
    assert.deepEqual(reports.dropped, ["undecodable", "undecodable"]);
  }));

test("JSON with __proto__ and constructor comes back as data, and changes no prototype", (url) =>
  withStored(url, async ({ cache, put }) => {
    const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},' +
      '"toString":1,"nested":[{"__proto__":null}]}';
    const read = async (): Promise<void> => {
      const value = await cache.get("key");
      assert.equal(JSON.stringify(value), text);
      assert.equal(Object.getPrototypeOf(value), Object.prototype);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    };
    await put(bytes(text));
    await read();
    await put(Buffer.concat([bytes("\0V\x02"), deflateRawSync(text)]));
    await read();
    await cache.set("key", 1, { tags: ["__proto__", "constructor"] });
    assert.equal(await cache.get("key"), 1);
    await cache.invalidateTag("__proto__");
    assert.equal(await cache.get("key"), undefined);
  }));

for (const compressAboveBytes of [undefined, 0, 64]) {
  const limit = compressAboveBytes ?? "nothing";
  test(`every JSON value and all bytes come back as they were, compressing above ${limit}`, (url) =>
    withStored(url, async ({ cache }) => {
      // A key of that name is refused, see the port.
      const json = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("__proto__"))
        .map((value) => JSON.parse(JSON.stringify(value)));
      const value = fc.oneof(json, fc.uint8Array({ maxLength: 300 }));
      const settings = fc.record({
        ttlMs: fc.constant(60_000),
        staleMs: fc.constantFrom(undefined, 60_000),
        tags: fc.uniqueArray(fc.constantFrom("tag", "__proto__", "é", "a:b"), { maxLength: 4 }),
      });
      await fc.assert(
        fc.asyncProperty(value, settings, async (value, { ttlMs, staleMs, tags }) => {
          await cache.set("set", value, { ttlMs, tags });
          await cache.delete("load");
          const loaded = await cache.getOrSet("load", () => value, { ttlMs, staleMs, tags });
          const found = [await cache.get("set"), await cache.get("load"), loaded];
          for (const one of found) assert.deepEqual(one, value);
          assert.deepEqual(await cache.mget(["load", "set"]), [value, value]);
        }),
        { numRuns: 200 },
      );
    }, { compressAboveBytes }));
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

/** The frame of a value with a record. */
function record(flags: number, tagsLength: string, rest: string): Buffer {
  const head = `\0V${String.fromCharCode(flags | HAS_RECORD)}${"t".repeat(16)}`;
  return bytes(`${head}${LATER}000000000001${tagsLength}${rest}`);
}

/** A cache, and the bytes behind its key `key`. */
interface Stored extends OpenCache {
  readonly send: SendRedisCommand;
  /** Puts bytes there, and resolves with the key of the server. */
  put(value: RedisArgument): Promise<string>;
  stored(): Promise<Buffer>;
}

function withStored(
  url: string,
  use: (stored: Stored) => Promise<void>,
  options: { readonly compressAboveBytes?: number | undefined } = { compressAboveBytes: 1_000 },
): Promise<void> {
  return withRedis(url, (send) =>
    withCache({ url, ...options }, async (open) => {
      const key = `${open.prefix}key`;
      try {
        await use({
          ...open,
          send,
          put: (value) => send("SET", key, value, "PX", "60000").then(() => key),
          stored: async () => await send("GET", key) as Buffer,
        });
      } finally {
        await open.cache.deletePattern("*");
      }
    }), { bytes: true, limitMs: 120_000 });
}
