import assert from "node:assert/strict";
import {
  failureOf,
  type OpenCache,
  withCache,
  within,
  withServer,
} from "../support/faulty_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

test("set and mset on a full server resolve, report it, and the old values are gone", () =>
  withFullServer(async ({ cache, reports, fill }) => {
    await cache.mset([["set", 1], ["mset", 1], ["tagged", 1], ["kept", 1]]);
    await fill();
    await cache.set("set", 2);
    await cache.mset([["mset", 2]], { ttlMs: 60_000 });
    await cache.set("tagged", 2, { tags: ["tag"] });
    assert.deepEqual(reports.dropped, ["no_room", "no_room", "no_room"]);
    const found = await cache.mget(["set", "mset", "tagged", "kept"]);
    assert.deepEqual(found, [undefined, undefined, undefined, 1]);
  }));

test("what gives room works on a full server", () =>
  withFullServer(async ({ cache, reports, fill }) => {
    await cache.mset([["a:1", 1], ["a:2", 2], ["b", 3]]);
    await cache.set("tagged", 4, { tags: ["tag"], ttlMs: 60_000 });
    await fill();
    assert.equal(await cache.exists("tagged"), true);
    assert.equal(await cache.expire("tagged", 50_000), true);
    assert.ok(await cache.ttl("tagged") as number <= 50_000);
    await cache.invalidateTag("tag");
    assert.equal(await cache.get("tagged"), undefined);
    assert.equal(await cache.deletePattern("a:*"), 2);
    assert.equal(await cache.delete("b"), true);
    assert.deepEqual(await cache.mget(["a:1", "a:2", "b", "tagged"]), Array(4).fill(undefined));
    assert.deepEqual(reports.of("cache.invalidation_delayed"), []);
  }));

test("setNx and increment on a full server reject as resource_exhausted and change nothing", () =>
  withFullServer(async ({ cache, fill }) => {
    await cache.set("counter", 41);
    await fill();
    const calls = [
      cache.setNx("new", 1),
      cache.setNx("tagged", 1, { tags: ["tag"] }),
      cache.increment("new"),
      cache.increment("counter"),
    ];
    for (const { code, outcome } of await Promise.all(calls.map(failureOf))) {
      assert.deepEqual([code, outcome], ["resource_exhausted", "not-applied"]);
    }
    const found = await cache.mget(["new", "tagged", "counter"]);
    assert.deepEqual(found, [undefined, undefined, 41]);
    assert.equal(await cache.setNx("counter", 1), false);
  }));

test("getOrSet on a full server returns what was loaded, and reports that it was not kept", () =>
  withFullServer(async ({ cache, reports, fill }) => {
    await cache.set("kept", 1);
    await fill();
    assert.equal(await cache.getOrSet("kept", () => 2), 1);
    assert.equal(await within(0, () => cache.getOrSet("new", () => 2)), 2);
    assert.equal(await cache.getOrSet("tagged", () => 3, { tags: ["tag"] }), 3);
    assert.deepEqual(reports.dropped, ["no_room", "no_room"]);
    assert.deepEqual(await cache.mget(["new", "tagged"]), [undefined, undefined]);
  }));

test("a server that becomes full during a load: the value is returned, and the key is free", () =>
  withFullServer(async ({ cache, reports, fill, empty }) => {
    const load = async (): Promise<number> => {
      await fill();
      return 1;
    };
    assert.equal(await cache.getOrSet("a", load), 1);
    assert.deepEqual(reports.dropped, ["no_room"]);
    await empty();
    assert.equal(await within(0, () => cache.getOrSet("a", () => 2)), 2);
    assert.equal(await cache.get("a"), 2);
  }));

test("a stale value on a full server is handed out; that it was not replaced is reported", () =>
  withFullServer(async ({ cache, reports, fill }) => {
    const options = { ttlMs: 1, staleMs: 60_000 };
    assert.equal(await cache.getOrSet("a", () => 1, options), 1);
    await fill();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(await cache.getOrSet("a", () => 2, options), 1);
    await until("it is reported", () => reports.of("cache.refresh_failed").length > 0);
    assert.deepEqual(reports.of("cache.refresh_failed"), [{ code: "resource_exhausted" }]);
  }));

test("on a full server only so many loaders run at once", () =>
  withFullServer(async ({ cache, fill }) => {
    await fill();
    let running = 0;
    let most = 0;
    const load = async (): Promise<number> => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return running--;
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => cache.getOrSet(`key-${i}`, load)));
    assert.equal(most, 2);
  }, { maxConcurrentLoads: 2 }));

test("a value that is too large for the room that is left is not kept, and a small one is", () =>
  withFullServer(async ({ cache, reports, leave }) => {
    await cache.mset([["set", 1], ["mset", 1]]);
    await leave(15_000_000);
    // While it arrives it takes up to twice its size.
    const large = "x".repeat(10_000_000);
    await cache.set("set", large);
    await cache.mset([["mset", large], ["fits", 1]]);
    assert.equal(await cache.getOrSet("load", () => large), large);
    assert.equal((await failureOf(cache.setNx("new", large))).code, "resource_exhausted");
    const found = await cache.mget(["set", "mset", "load", "new", "fits"]);
    assert.deepEqual(found, [undefined, undefined, undefined, undefined, 1]);
    assert.deepEqual(reports.dropped, ["no_room", "no_room", "no_room"]);
  }));

/** A cache whose server a test can fill up and empty again. */
interface FullServer extends OpenCache {
  fill(): Promise<void>;
  leave(bytes: number): Promise<void>;
  empty(): Promise<void>;
}

function withFullServer(
  use: (open: FullServer) => Promise<void>,
  options: { readonly maxConcurrentLoads?: number } = {},
): Promise<void> {
  return withServer({ settings: { "maxmemory-policy": "noeviction" } }, (server) => {
    const limit = async (bytes: number): Promise<void> => {
      await server.command("CONFIG", "SET", "maxmemory", String(bytes));
    };
    const leave = async (bytes: number): Promise<void> => {
      const info = String(await server.command("INFO", "memory"));
      await limit(Number(/used_memory:(\d+)/.exec(info)?.[1]) + bytes);
    };
    const room = { fill: () => limit(1), leave, empty: () => limit(0) };
    return withCache({ url: server.url, ...options }, (open) => use({ ...open, ...room }));
  });
}
