import assert from "node:assert/strict";
import type { CacheProvider } from "../../cache/cache.ts";
import {
  failureOf,
  withCache,
  within,
  withProxiedCache,
  withServer,
  works,
} from "../support/faulty_redis.ts";
import type { PrivateRedis } from "../support/private_redis.ts";
import { privateServerTest } from "../support/services.ts";
import type { TcpProxy } from "../support/tcp_proxy.ts";
import { latency, timeout } from "../support/toxics.ts";
import { until } from "../support/until.ts";

/** What a fault does, and what ends it. */
interface Fault {
  begin(server: PrivateRedis, proxy: TcpProxy): Promise<void> | void;
  end(server: PrivateRedis, proxy: TcpProxy): Promise<void> | void;
}

const test = privateServerTest("redis");

const FAULTS: Readonly<Record<string, Fault>> = {
  "is killed": {
    begin: (server) => server.stop("kill"),
    end: (server) => server.start(),
  },
  "is stopped in order": {
    begin: (server) => server.stop("graceful"),
    end: (server) => server.start(),
  },
  "hangs": {
    begin: (server) => server.pause(),
    end: (server) => server.resume(),
  },
  "is behind a black hole": {
    begin: (_, proxy) => proxy.add(timeout()),
    end: (_, proxy) => proxy.heal(),
  },
  "answers two seconds late": {
    begin: (_, proxy) => proxy.add(latency(2_000)),
    end: (_, proxy) => proxy.heal(),
  },
  "refuses connections": {
    begin: (_, proxy) => proxy.down(),
    end: (_, proxy) => proxy.up(),
  },
};

const OPTIONS = { readTimeoutMs: 250, timeoutMs: 500 };

/** What needs the server's answer. */
const ANSWERED: Readonly<Record<string, (cache: CacheProvider) => Promise<unknown>>> = {
  setNx: (cache) => cache.setNx("new", 1),
  increment: (cache) => cache.increment("counter"),
  exists: (cache) => cache.exists("old"),
  ttl: (cache) => cache.ttl("old"),
  expire: (cache) => cache.expire("old", 1_000),
  delete: (cache) => cache.delete("other"),
  deletePattern: (cache) => cache.deletePattern("other*", { timeoutMs: 500 }),
  invalidateTag: (cache) => cache.invalidateTag("tag"),
  health: (cache) => cache.health(),
};

for (const [fault, { begin, end }] of Object.entries(FAULTS)) {
  test(`while the server ${fault}, a read is a miss in time, and a loader runs`, () =>
    withServer(
      {},
      (server) =>
        withProxiedCache(server, OPTIONS, async ({ cache, reports, proxy }) => {
          await cache.set("old", 1);
          await begin(server, proxy);
          const isMiss = async (): Promise<void> => {
            assert.equal(await within(250, () => cache.get("old")), undefined);
            assert.deepEqual(await within(250, () => cache.mget(["old", "b"])), [
              undefined,
              undefined,
            ]);
            assert.equal(await within(1_000, () => cache.getOrSet("old", () => 2)), 2);
          };
          await isMiss();
          await isMiss();
          assert.ok(reports.of("cache.unavailable").length >= 4);
          await end(server, proxy);
          await works({ cache });
          assert.equal(await cache.getOrSet("fresh", () => 3), 3);
          assert.equal(await cache.get("fresh"), 3);
        }),
    ));

  test(`while the server ${fault}, what needs its answer rejects in time, and works after`, () =>
    withServer(
      {},
      (server) =>
        withProxiedCache(server, OPTIONS, async ({ cache, reports, proxy }) => {
          await cache.set("old", 1);
          await begin(server, proxy);
          await within(500, () => cache.set("old", 2));
          await within(500, () => cache.mset([["a", 1], ["b", 2]]));
          assert.deepEqual(reports.dropped, ["unavailable", "unavailable", "unavailable"]);
          for (const [method, call] of Object.entries(ANSWERED)) {
            const { code } = await within(500, () => failureOf(call(cache)));
            assert.ok(code === "unavailable" || code === "timeout", `${method}: ${code}`);
          }
          await end(server, proxy);
          await works({ cache });
          for (const call of Object.values(ANSWERED)) await call(cache);
        }),
    ));
}

test("with whenUnavailable error, every call rejects while the server hangs", () =>
  withServer(
    {},
    (server) =>
      withCache({ ...OPTIONS, url: server.url, whenUnavailable: "error" }, async ({ cache }) => {
        server.pause();
        const calls: Record<string, (cache: CacheProvider) => Promise<unknown>> = {
          ...ANSWERED,
          get: (cache) => cache.get("a"),
          mget: (cache) => cache.mget(["a"]),
          set: (cache) => cache.set("a", 1),
          mset: (cache) => cache.mset([["a", 1]]),
          getOrSet: (cache) => cache.getOrSet("a", () => assert.fail("it must not load")),
        };
        for (const [method, call] of Object.entries(calls)) {
          const { code } = await within(500, () => failureOf(call(cache)));
          assert.ok(code === "unavailable" || code === "timeout", `${method}: ${code}`);
        }
        server.resume();
        await until("it works again", () => cache.get("a").then(() => true, () => false));
      }),
  ));
