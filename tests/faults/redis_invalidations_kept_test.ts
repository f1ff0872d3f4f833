import assert from "node:assert/strict";
import {
  failureOf,
  owedBy,
  refusesAtOnce,
  type TwoCaches,
  withProxy,
  withServer,
  withTwoCaches,
} from "../support/faulty_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

const OLD = 41;

test("a set that rejects with whenUnavailable error leaves no old value either", () =>
  withServer({}, (server) =>
    withProxy(server.port, (proxy) => {
      const url = proxy.through(server.url);
      return withTwoCaches(server, { url, whenUnavailable: "error" }, async ({ cache, other }) => {
        await cache.set("a", OLD);
        await proxy.down();
        assert.equal((await failureOf(cache.set("a", "new"))).code, "unavailable");
        await proxy.up();
        const isGone = async (): Promise<boolean> => {
          const value = await cache.get("a").catch(() => undefined);
          assert.equal(value, undefined);
          return await other.get("a") === undefined;
        };
        await until("the old value is gone", isGone);
      });
    })));

test("a value that does not fit its schema, but cannot be removed, is removed later", () =>
  withServer(
    {},
    (server) =>
      withProxy(
        server.port,
        (proxy) =>
          withTwoCaches(server, { url: proxy.through(server.url) }, async ({ cache, other }) => {
            await cache.set("a", OLD);
            let down: Promise<void> | undefined;
            const schema = {
              parse: () => {
                down = proxy.down();
                throw new TypeError("it does not fit");
              },
            };
            assert.equal(await cache.get("a", { schema }), undefined);
            await down;
            await until("it is owed", () => refusesAtOnce(cache));
            assert.equal(await other.get("a"), OLD);
            await proxy.up();
            await until("it is gone", async () => {
              assert.equal(await cache.get("a"), undefined);
              return await other.get("a") === undefined;
            });
          }),
      ),
  ));

test("a value that is set while its key is still owed stays, and takes the old one's place", () =>
  withServer({}, (server) =>
    withTwoCaches(server, { url: server.url }, async (open) => {
      await open.cache.set("a", OLD);
      server.pause();
      await until("the cache sends nothing more", () => refusesAtOnce(open.cache));
      await open.cache.set("a", "lost");
      server.resume();
      await staysWhenSet(open);
    })));

test("what is owed is carried out before a new connection is used: what is set on that stays", () =>
  withServer(
    {},
    (server) =>
      withProxy(
        server.port,
        (proxy) =>
          withTwoCaches(server, { url: proxy.through(server.url) }, async (open) => {
            await proxy.down();
            await open.cache.set("a", "lost");
            await proxy.up();
            await staysWhenSet(open);
          }),
      ),
  ));

test("more than 10,000 invalidations become one of everything", () =>
  withServer({}, (server) =>
    withProxy(server.port, (proxy) => {
      const url = proxy.through(server.url);
      return withTwoCaches(server, { url }, async ({ cache, other }) => {
        await cache.set("bystander", OLD);
        await proxy.down();
        await cache.mset(Array.from({ length: 10_000 }, (_, i) => [`key-${i}`, i]));
        assert.equal(await other.get("bystander"), OLD);
        await cache.set("one-more", 1);
        await proxy.up();
        const isGone = async (): Promise<boolean> => {
          assert.equal(await cache.get("bystander"), undefined);
          return await other.get("bystander") === undefined;
        };
        await until("everything is gone", isGone);
        await until("nothing is owed", async () => await owedBy(cache) === 0);
        await cache.set("bystander", "new");
        assert.equal(await cache.get("bystander"), "new");
      });
    })));

test("more than 100 patterns become one of everything", () =>
  withServer(
    {},
    (server) =>
      withProxy(server.port, (proxy) =>
        withTwoCaches(server, { url: proxy.through(server.url) }, async ({ cache, other }) => {
          await cache.set("bystander", OLD);
          await proxy.down();
          for (let i = 0; i < 101; i++) {
            await failureOf(cache.deletePattern(`*:pattern-${i}:*`));
          }
          assert.equal(await other.get("bystander"), OLD);
          await proxy.up();
          await until("everything is gone", async () => {
            assert.equal(await cache.get("bystander"), undefined);
            return await other.get("bystander") === undefined;
          });
        })),
  ));

test("what a caller aborts is not carried out later", () =>
  withServer(
    {},
    (server) =>
      withTwoCaches(server, { url: server.url, timeoutMs: 5_000 }, async ({ cache }) => {
        await cache.set("a", OLD);
        server.pause();
        const signal = AbortSignal.timeout(50);
        const calls = [
          cache.delete("a", { signal }),
          cache.set("a", 1, { signal }),
          cache.invalidateTag("tag", { signal }),
          cache.deletePattern("*", { signal }),
        ];
        for (const { code } of await Promise.all(calls.map(failureOf))) {
          assert.equal(code, "aborted");
        }
        server.resume();
        await until("it answers", () => owedBy(cache).then(() => true, () => false));
        assert.equal(await owedBy(cache), 0);
      }),
  ));

/** The first value that reaches the server is kept, also when what is owed is tried again. */
async function staysWhenSet({ cache, other, reports }: TwoCaches): Promise<void> {
  await until("a set reaches the server", async () => {
    reports.counts.length = 0;
    await cache.set("a", "kept");
    return reports.dropped.length === 0;
  });
  assert.equal(await cache.get("a", { timeoutMs: 10_000 }), "kept");
  const endMs = performance.now() + 700;
  await until("what is owed would have been tried again", async () => {
    assert.equal(await other.get("a"), "kept");
    return performance.now() > endMs;
  });
}
