import assert from "node:assert/strict";
import type { CacheProvider } from "../../cache/cache.ts";
import type { TieredStore } from "../../cache/invalidations.ts";
import { TieredCacheProvider } from "../../cache/tiered.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { CacheError } from "../../core/errors.ts";
import {
  failureOf,
  owedBy,
  refusesAtOnce,
  withProxy,
  withServer,
  withTwoCaches,
} from "../support/faulty_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

const OLD = 41;

/** What asks for a key; fails if it sees the old value. */
const READS: Readonly<Record<string, (cache: TieredStore, key: string) => Promise<void>>> = {
  get: async (cache, key) => assert.equal(await cache.get(key), undefined),
  getEntry: async (cache, key) => assert.equal(await cache.getEntry(key), undefined),
  mget: async (cache, key) =>
    assert.deepEqual(await cache.mget([key, "b"]), [undefined, undefined]),
  getOrSet: async (cache, key) => assert.equal(await cache.getOrSet(key, () => "loaded"), "loaded"),
  exists: async (cache, key) => assert.equal(await cache.exists(key), false),
  ttl: async (cache, key) => assert.equal(await cache.ttl(key), undefined),
  expire: async (cache, key) => assert.equal(await cache.expire(key, 60_000), false),
  setNx: async (cache, key) => assert.equal(await cache.setNx(key, "new", { ttlMs: 60_000 }), true),
  increment: async (cache, key) => assert.equal(await cache.increment(key), 1),
};

const KEYS = Object.keys(READS).map((read) => `family:${read}`);

/** Calls after which no key has its old value, and which fail. */
const CHANGES: Readonly<Record<string, (cache: CacheProvider) => Promise<unknown>>> = {
  delete: (cache) => Promise.all(KEYS.map((key) => failureOf(cache.delete(key)))),
  set: (cache) => Promise.all(KEYS.map((key) => cache.set(key, "lost"))),
  mset: (cache) => cache.mset(KEYS.map((key) => [key, "lost"])),
  deletePattern: (cache) => failureOf(cache.deletePattern("fam?ly:*", { timeoutMs: 100 })),
  invalidateTag: (cache) => failureOf(cache.invalidateTag("tag")),
};

for (const [change, run] of Object.entries(CHANGES)) {
  const tags = change === "invalidateTag" ? ["tag", "another"] : [];

  test(`what ${change} could not do while the server was away: no call sees the old value afterwards`, () =>
    withServer({}, (server) =>
      withProxy(server.port, (proxy) => {
        const url = proxy.through(server.url);
        return withTwoCaches(server, { url }, async ({ cache, other }) => {
          await Promise.all(KEYS.map((key) => cache.set(key, OLD, { tags })));
          await proxy.down();
          await run(cache);
          assert.equal(await other.get(KEYS[0]!), OLD);
          await proxy.up();
          await neverSeesOld(cache, other);
        });
      })));

  test(`what ${change} could not do while the server hung: no call sees the old value afterwards`, () =>
    withServer(
      {},
      (server) =>
        withTwoCaches(server, { url: server.url, clock: slowInBackground() }, async ({ cache }) => {
          await Promise.all(KEYS.map((key) => cache.set(key, OLD, { tags })));
          server.pause();
          // It is on its way; what comes after it is not even sent.
          await until("the cache sends nothing more", () => refusesAtOnce(cache));
          await run(cache);
          server.resume();
          await until("the cache is used again", async () => {
            return await cache.setNx("probe", 1).then(() => true, () => false);
          });
          await Promise.all(KEYS.map((key) => sees(cache, key)));
        }),
    ));

  test(`what ${change} could not do while the server hung is carried out when it is back`, () =>
    withServer(
      {},
      (server) =>
        withTwoCaches(server, { url: server.url }, async ({ cache, other, reports }) => {
          await Promise.all(KEYS.map((key) => cache.set(key, OLD, { tags })));
          server.pause();
          await until("the cache sends nothing more", () => refusesAtOnce(cache));
          await run(cache);
          assert.ok(reports.of("cache.invalidation_delayed").length > 0);
          server.resume();
          await neverSeesOld(cache, other);
          await until("nothing is owed", async () => await owedBy(cache) === 0);
        }),
    ));
}

/** Until the old values are gone for others, this cache does not see them. */
async function neverSeesOld(cache: TieredStore, other: CacheProvider): Promise<void> {
  const seen = Promise.all(KEYS.map((key) => sees(cache, key)));
  await until("others do not find the old values", async () => {
    for (const value of await cache.mget(KEYS)) assert.notEqual(value, OLD);
    return (await other.mget(KEYS)).every((value) => value !== OLD);
  });
  await seen;
}

/** Calls what the key is named after until the server answers. */
async function sees(cache: TieredStore, key: string): Promise<void> {
  const read = READS[key.slice("family:".length)]!;
  await until(`the server answers ${key}`, async () => {
    try {
      await read(cache, key);
      return true;
    } catch (error) {
      if (error instanceof CacheError && error.code !== "conflict") return false;
      throw error;
    }
  });
}

/** What is done in the background comes much later, so that it is not what a test sees. */
function slowInBackground(): Clock {
  const after: Clock["after"] = (delayMs, callback, options) =>
    systemClock.after(options?.background ? delayMs * 50 : delayMs, callback, options);
  return { ...systemClock, after };
}

const REMOVALS: Readonly<Record<string, (cache: CacheProvider) => Promise<unknown>>> = {
  delete: (cache) => cache.delete("k"),
  deletePattern: (cache) => cache.deletePattern("k*"),
  invalidateTag: (cache) => cache.invalidateTag("t"),
};

for (const [what, remove] of Object.entries(REMOVALS)) {
  test(`a ${what} that is carried out late is told to other tiers then`, () =>
    withServer(
      {},
      (server) =>
        withTwoCaches(
          server,
          { url: server.url, timeoutMs: 5_000 },
          async ({ cache: store, other: otherStore }) => {
            await using tier = await TieredCacheProvider.connect({ store });
            await using other = await TieredCacheProvider.connect({
              store: otherStore,
              ttlMs: 600_000,
            });
            await otherStore.set("k", OLD, { tags: ["t"] });
            assert.equal(await other.get("k"), OLD);
            // A replica takes messages, but no removals.
            await server.command("REPLICAOF", "127.0.0.1", "1");
            await failureOf(remove(tier));
            await until("it is told", async () => (await other.health()).entries === 0);
            assert.equal(await other.get("k"), OLD);
            assert.equal((await other.health()).entries, 1);
            await server.command("REPLICAOF", "NO", "ONE");
            await until("it is seen", async () => await other.get("k") === undefined);
          },
        ),
    ));
}
