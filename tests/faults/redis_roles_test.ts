import assert from "node:assert/strict";
import type { CacheProvider } from "../../cache/cache.ts";
import {
  failureOf,
  killClients,
  type OpenCache,
  withCache,
  within,
  withServer,
  works,
} from "../support/faulty_redis.ts";
import { freePort } from "../support/free_port.ts";
import type { PrivateRedis } from "../support/private_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

test("a server that became a replica is left for another connection, and writes work when it leads", () =>
  withOne(async ({ cache, server, reports }) => {
    await cache.set("kept", 1);
    await followNobody(server);
    const { code, outcome, retryable } = await failureOf(cache.increment("counter"));
    assert.deepEqual([code, outcome, retryable], ["unavailable", "not-applied", true]);
    assert.equal(reports.of("cache.connection_lost").length, 1);
    assert.equal(await cache.get("kept"), 1);
    await cache.set("kept", 2);
    assert.deepEqual(reports.dropped, ["unavailable"]);
    assert.equal(await cache.get("kept"), undefined);
    assert.equal(await cache.getOrSet("new", () => 3), 3);
    await server.command("REPLICAOF", "NO", "ONE");
    await works({ cache });
    assert.equal(await cache.increment("counter"), 1);
  }));

test("what a replica refused to remove is removed when it leads", () =>
  withOne(async ({ cache, server, prefix }) => {
    await cache.mset([["a", 1], ["b:1", 1], ["c", 1]]);
    await cache.set("tagged", 1, { tags: ["tag"] });
    await followNobody(server);
    const calls = [cache.delete("a"), cache.deletePattern("b:*"), cache.invalidateTag("tag")];
    for (const { code } of await Promise.all(calls.map(failureOf))) {
      assert.equal(code, "unavailable");
    }
    const found = await cache.mget(["a", "b:1", "tagged", "c"]);
    assert.deepEqual(found, [undefined, undefined, undefined, 1]);
    assert.equal(await server.command("EXISTS", `${prefix}a`, `${prefix}b:1`), 2);
    await server.command("REPLICAOF", "NO", "ONE");
    await until("they are gone", async () => {
      assert.deepEqual(await cache.mget(["a", "b:1", "tagged"]), Array(3).fill(undefined));
      return await server.command("EXISTS", `${prefix}a`, `${prefix}b:1`) === 0;
    });
  }));

test("a replica that has lost its master and serves nothing makes reads a miss", () =>
  withOne(async ({ cache, server, reports }) => {
    await cache.set("kept", 1);
    await server.command("CONFIG", "SET", "replica-serve-stale-data", "no");
    await followNobody(server);
    assert.equal(await cache.get("kept"), undefined);
    assert.deepEqual(await cache.mget(["kept"]), [undefined]);
    assert.equal(await cache.getOrSet("kept", () => 2), 2);
    assert.equal((await failureOf(cache.exists("kept"))).code, "unavailable");
    assert.ok(reports.of("cache.connection_lost").length >= 1);
    await server.command("REPLICAOF", "NO", "ONE");
    await works({ cache });
    assert.equal(await cache.get("kept"), 1);
  }));

test("a server that loads its data makes reads a miss, and is used when it has loaded", () => {
  const settings = { "key-load-delay": 500, "loading-process-events-interval-bytes": 1_024 };
  return withServer({ settings }, (server) =>
    withCache({ url: server.url }, async ({ cache }) => {
      await cache.mset(Array.from({ length: 3_000 }, (_, i) => [`key-${i}`, i]));
      await server.command("SAVE");
      await server.stop("kill");
      let isLoaded = false;
      const started = server.start().then(() => isLoaded = true);
      let sawLoading = false;
      await until("it is loaded", async () => {
        const value = await within(0, () => cache.get("key-2999"));
        assert.ok(value === undefined || value === 2_999);
        const error = await cache.exists("key-1").then(() => undefined, (error) => error);
        sawLoading ||= /LOADING/.test(error?.message);
        if (error) assert.equal(error.code, "unavailable");
        return isLoaded;
      }, 20_000);
      await started;
      await works({ cache });
      assert.equal(await cache.get("key-2999"), 2_999);
      assert.ok(sawLoading);
    }));
});

test("a server that is emptied in the middle of everything costs the values only", () =>
  withOne(async ({ cache, server }) => {
    await cache.set("a", 1, { tags: ["tag"], ttlMs: 60_000 });
    const load = async (): Promise<number> => {
      await server.command("FLUSHALL");
      return 2;
    };
    assert.equal(await cache.getOrSet("b", load), 2);
    assert.deepEqual(await cache.mget(["a", "b"]), [undefined, undefined]);
    assert.equal(await cache.setNx("a", 3, { tags: ["tag"] }), true);
    assert.equal(await cache.get("a"), 3);
    assert.equal(await cache.getOrSet("b", () => 4), 4);
    assert.equal(await cache.get("b"), 4);
  }));

test("a tag that is lost drops its values", () =>
  withOne(async ({ cache, server, prefix }) => {
    await cache.set("a", 1, { tags: ["tag"] });
    await server.command("UNLINK", `${prefix.slice(0, -1)}/tag:tag`);
    assert.equal(await cache.get("a"), undefined);
    await cache.set("a", 2, { tags: ["tag"] });
    assert.equal(await cache.get("a"), 2);
  }));

test("scripts that the server has forgotten are sent again, and each runs once", () =>
  withOne(async ({ cache, server }) => {
    let isOver = false;
    const forgetting = (async () => {
      while (!isOver) await server.command("SCRIPT", "FLUSH");
    })();
    const sums = [];
    for (let i = 0; i < 50; i++) {
      const calls = Array.from({ length: 10 }, () => cache.increment("counter"));
      sums.push(...await Promise.all(calls));
    }
    isOver = true;
    await forgetting;
    assert.deepEqual(sums.sort((a, b) => a - b), Array.from({ length: 500 }, (_, i) => i + 1));
  }));

test("loads whose connections are killed give each caller what belongs to its key", () =>
  withOne(async ({ cache, server, reports }) => {
    for (let round = 0; round < 10; round++) {
      const keys = Array.from({ length: 100 }, (_, i) => `key-${round}-${i}`);
      const calls = keys.map((key) => cache.getOrSet(key, () => key));
      await killClients(server.url);
      assert.deepEqual(await Promise.all(calls), keys);
    }
    await works({ cache });
    assert.ok(reports.of("cache.connection_lost").length > 0);
  }));

const CALLS: Readonly<Record<string, (cache: CacheProvider) => Promise<unknown>>> = {
  get: (cache) => cache.get("kept"),
  mget: (cache) => cache.mget(["kept"]),
  set: (cache) => cache.set("kept", 2),
  setNx: (cache) => cache.setNx("new", 2),
  increment: (cache) => cache.increment("new"),
  delete: (cache) => cache.delete("kept"),
  deletePattern: (cache) => cache.deletePattern("*"),
  invalidateTag: (cache) => cache.invalidateTag("tag"),
  getOrSet: (cache) => cache.getOrSet("kept", () => assert.fail("it must not load")),
};

test("what the user may not do rejects as permission_denied, is no miss, and works once allowed", () =>
  withServer({}, async (server) => {
    const permit = (...rules: string[]): Promise<unknown> =>
      server.command("ACL", "SETUSER", "app", ...rules);
    await permit("on", ">password", "+@all", "allkeys");
    const url = server.url.replace("//", "//app:password@");
    await withCache({ url }, async ({ cache }) => {
      await cache.set("kept", 1);
      for (const rule of ["-@all", "resetkeys"]) {
        await permit(rule);
        for (const [method, call] of Object.entries(CALLS)) {
          // It looks at all keys, and finds none of its own.
          if (rule === "resetkeys" && method === "deletePattern") continue;
          const { code, retryable } = await failureOf(call(cache));
          assert.deepEqual([code, retryable], ["permission_denied", false], `${rule}: ${method}`);
        }
        await permit("+@all", "allkeys");
      }
      assert.equal(await cache.get("kept"), 1);
      assert.equal(await cache.increment("new"), 1);
    });
  }));

/** A replica of a server that there is not. */
async function followNobody(server: PrivateRedis): Promise<void> {
  await server.command("REPLICAOF", "127.0.0.1", String(await freePort()));
}

function withOne(
  use: (open: OpenCache & { readonly server: PrivateRedis }) => Promise<void>,
): Promise<void> {
  return withServer(
    {},
    (server) => withCache({ url: server.url }, (open) => use({ ...open, server })),
  );
}
