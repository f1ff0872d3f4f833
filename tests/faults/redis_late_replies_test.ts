import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { RedisCacheProvider } from "../../cache/adapters/redis.ts";
import {
  failureOf,
  withCache,
  within,
  withProxiedCache,
  withServer,
  works,
} from "../support/faulty_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { latency, timeout } from "../support/toxics.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

const OPTIONS = { readTimeoutMs: 250, timeoutMs: 500 };

test("a server that hangs for less than a second is used again, on the same connection", () =>
  withServer(
    {},
    (server) =>
      withCache({ ...OPTIONS, url: server.url }, async ({ cache, reports }) => {
        await cache.set("kept", 1);
        server.pause();
        assert.equal(await cache.get("kept"), undefined);
        server.resume();
        await until("it is found again", async () => await cache.get("kept") === 1);
        assert.deepEqual(reports.of("cache.connection_lost"), []);
      }),
  ));

test("a server that hangs for longer, or is cut off, is connected to anew when it is back", () =>
  withServer(
    {},
    (server) =>
      withProxiedCache(server, OPTIONS, async ({ cache, proxy, reports }) => {
        const faults = [
          { begin: () => server.pause(), end: () => server.resume() },
          { begin: () => proxy.add(timeout()), end: () => proxy.heal() },
        ];
        for (const [i, { begin, end }] of faults.entries()) {
          begin();
          await until("the connection is given up", async () => {
            assert.equal(await within(250, () => cache.get("a")), undefined);
            return reports.of("cache.connection_lost").length > i;
          });
          // Attempts to connect end at their deadline, too.
          assert.equal(await within(250, () => cache.getOrSet("a", () => 1)), 1);
          end();
          await works({ cache });
        }
      }),
  ));

test("a server whose late reply is an error is used again", () =>
  withServer(
    {},
    (server) =>
      withCache({ ...OPTIONS, url: server.url }, async ({ cache, prefix }) => {
        await server.command("LPUSH", `${prefix}list`, "element");
        await cache.set("kept", 1);
        server.pause();
        assert.equal(await cache.get("list"), undefined);
        server.resume();
        await until("it is found again", async () => await cache.get("kept") === 1);
      }),
  ));

test("behind a late reply calls fail at once, so that a thousand take little longer than one", () =>
  withServer({}, (server) =>
    withCache({ ...OPTIONS, url: server.url }, async ({ cache }) => {
      server.pause();
      await within(1_000, async () => {
        for (let i = 0; i < 1_000; i++) assert.equal(await cache.get(`key-${i}`), undefined);
      });
    })));

test("calls fail at once, too, behind a call that has much time left", () =>
  withServer({}, (server) =>
    withCache({ ...OPTIONS, url: server.url }, async ({ cache }) => {
      server.pause();
      const patient = cache.increment("counter", 1, { timeoutMs: 20_000 });
      // It is sent by then.
      await new Promise((resolve) => setTimeout(resolve, 10));
      await within(1_000, async () => {
        for (let i = 0; i < 1_000; i++) assert.equal(await cache.get(`key-${i}`), undefined);
      });
      server.resume();
      assert.equal(await patient, 1);
      await works({ cache });
    })));

test("an unused connection that leads nowhere is replaced before it is needed", () =>
  withServer(
    {},
    (server) =>
      withProxiedCache(server, OPTIONS, async ({ cache, proxy, reports }) => {
        await cache.set("kept", 1);
        proxy.add(timeout());
        const isLost = (): boolean => reports.of("cache.connection_lost").length > 0;
        await until("the cache notices", isLost, 10_000);
        proxy.heal();
        await works({ cache });
      }),
  ));

test("a connection that leads nowhere is replaced although a patient call waits on it", () =>
  withServer(
    {},
    (server) =>
      withProxiedCache(server, OPTIONS, async ({ cache, proxy }) => {
        proxy.add(timeout());
        // Else it would wait for the lock for half a minute, and then say `timeout`.
        const call = cache.withLock("a", () => {}, { waitMs: 30_000 });
        assert.equal((await failureOf(call)).code, "unavailable");
        proxy.heal();
        await works({ cache });
      }),
  ));

test("a process that was busy for longer than its deadlines finds the replies that came meanwhile", () =>
  withServer(
    {},
    (server) =>
      withCache({ ...OPTIONS, url: server.url }, async ({ cache, reports }) => {
        await cache.set("kept", 1);
        server.pause();
        const call = cache.get("kept");
        // It is sent by then, and the reply comes while this process is busy. Timers come before replies afterwards.
        for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => setImmediate(resolve));
        server.resume();
        const endMs = performance.now() + 1_200;
        while (performance.now() < endMs);
        assert.equal(await call, 1);
        assert.deepEqual(reports.of("cache.connection_lost"), []);
      }),
  ));

test("a call of several steps settles by its deadline, however quick each of them is", () =>
  withServer({}, (server) =>
    withProxiedCache(server, {}, async ({ cache, proxy }) => {
      await cache.mset(Array.from({ length: 10_000 }, (_, i) => [`key-${i}`, i]));
      await cache.set("tagged", 1, { tags: ["tag"] });
      proxy.add(latency(200));
      const timeoutMs = 300;
      assert.equal(await within(timeoutMs, () => cache.get("tagged", { timeoutMs })), undefined);
      const calls = [
        () => cache.deletePattern("key-*", { timeoutMs }),
        () => cache.ttl("tagged", { timeoutMs }),
        () => cache.delete("tagged", { timeoutMs }),
      ];
      for (const call of calls) {
        await until("it answers", () => cache.exists("none").then(() => true, () => false));
        const { code } = await within(timeoutMs, () => failureOf(call()));
        assert.equal(code, "timeout");
      }
    })));

test("many calls at once are given up together, and nothing of them is kept", () =>
  withServer({}, (server) =>
    withCache({ ...OPTIONS, url: server.url }, async ({ cache }) => {
      server.pause();
      const found = await within(
        250,
        () => Promise.all(Array.from({ length: 5_000 }, (_, i) => cache.get(`key-${i}`))),
      );
      assert.ok(found.every((value) => value === undefined));
      server.resume();
      await works({ cache });
      const patient = { timeoutMs: 30_000 };
      await Promise.all(Array.from({ length: 5_000 }, (_, i) => cache.set(`key-${i}`, i, patient)));
      assert.deepEqual(await cache.mget(["key-7", "key-4999"], patient), [7, 4_999]);
    })));

test("calls that wait while a cache closes reject as closed", () =>
  withServer({}, async (server) => {
    const cache = await RedisCacheProvider.connect({ ...OPTIONS, url: server.url });
    server.pause();
    const calls = [cache.increment("a"), cache.exists("b"), cache.getOrSet("c", () => 1)];
    const failures = calls.map(failureOf);
    await within(500, () => cache.close());
    for (const { code } of await Promise.all(failures)) assert.equal(code, "closed");
    assert.equal((await failureOf(cache.get("a"))).code, "closed");
  }));

test("calls beyond those that can wait for replies are refused, and room comes back", () =>
  withServer(
    {},
    (server) =>
      withCache(
        { url: server.url, whenUnavailable: "error", timeoutMs: 60_000 },
        async ({ cache }) => {
          server.pause();
          const options = { timeoutMs: 60_000 };
          const calls = Array.from({ length: 65_636 }, (_, i) => cache.get(`key-${i}`, options));
          const refused = await Promise.allSettled(calls.slice(65_536));
          for (const result of refused) {
            assert.ok(result.status === "rejected");
            assert.equal(result.reason.code, "overloaded");
          }
          server.resume();
          for (const value of await Promise.all(calls.slice(0, 65_536))) {
            assert.equal(value, undefined);
          }
          assert.equal(await cache.get("a"), undefined);
        },
      ),
  ));
