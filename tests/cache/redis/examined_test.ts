import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { RedisCacheProvider } from "../../../cache/adapters/redis.ts";
import { serverTarget } from "../../../core/redis/channel.ts";
import { CACHE_AREA } from "../../../cache/adapters/redis/cache_area.ts";
import { RedisConnection } from "../../../core/redis/connection.ts";
import { keysOf } from "../../../cache/adapters/redis/keys.ts";
import { RedisStore } from "../../../cache/adapters/redis/store.ts";
import { RedisValues } from "../../../cache/adapters/redis/values.ts";
import { parseRedisUrl } from "../../../core/redis/redis_url.ts";
import { systemClock } from "../../../core/clock.ts";
import { silentObserver } from "../../../core/observer.ts";
import { testNamespace } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";

const test = serviceTest(await findService("redis"));

test("a value that was replaced after it was read is not taken for as fresh as the new one", async (url) => {
  const namespace = testNamespace();
  const connection = await RedisConnection.open({
    area: CACHE_AREA,
    target: serverTarget({ address: parseRedisUrl(url), connectTimeoutMs: 5_000 }),
    connectTimeoutMs: 5_000,
    clock: systemClock,
    observer: silentObserver,
    prepare: () => Promise.resolve(),
  });
  const store = new RedisStore(connection, keysOf(namespace), 5_000);
  const values = new RedisValues(store, {
    compressAboveBytes: Infinity,
    onDropped: () => {},
    isTagOwed: () => false,
  });
  const cache = await RedisCacheProvider.connect({ url, namespace });
  const call = { operation: "test" };
  const options = { ttlMs: 60_000, staleMs: 60_000 };
  try {
    await cache.getOrSet("k", () => "old", options);
    const read = await store.send("GET", "value", "k", [], call) as Buffer;
    await cache.delete("k");
    const gone = await values.examineBytes("k", read, call);
    assert.deepEqual(gone, { kind: "missing" });
    await cache.getOrSet("k", () => "new", options);
    const found = await values.examineBytes("k", read, call);
    assert.equal(found.kind === "value" && found.value, "new");
  } finally {
    await cache.delete("k");
    await cache.close();
    connection.close();
  }
});

test("a value with tags that another process writes all the time is there for every call", async (url) => {
  const options = { url, namespace: testNamespace(), readTimeoutMs: 10_000, timeoutMs: 10_000 };
  const [cache, other] = await Promise.all([1, 2].map(() => RedisCacheProvider.connect(options)));
  assert.ok(cache && other);
  let isOver = false;
  const write = async (): Promise<void> => {
    do await other.set("k", 1, { tags: ["t"], ttlMs: 60_000 }); while (!isOver);
  };
  const writers = Array.from({ length: 40 }, write);
  try {
    while (!await cache.exists("k"));
    for (let round = 0; round < 3; round++) {
      const left = Number(await cache.ttl("k"));
      assert.ok(left > 50_000 && left <= 60_000, `got ${left}`);
      await assert.rejects(cache.increment("k"), { code: "conflict" });
      assert.equal(await cache.setNx("k", 2), false);
    }
    assert.equal(await cache.delete("k"), true);
  } finally {
    isOver = true;
    await Promise.all(writers);
    await cache.deletePattern("*");
    await Promise.all([cache.close(), other.close()]);
  }
});
