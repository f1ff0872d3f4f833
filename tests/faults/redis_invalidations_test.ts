import assert from "node:assert/strict";
import { createCluster } from "redis";
import { RedisCacheProvider } from "../../cache/adapters/redis.ts";
import { serverTarget } from "../../core/redis/channel.ts";
import { CACHE_AREA } from "../../cache/adapters/redis/cache_area.ts";
import { RedisConnection } from "../../core/redis/connection.ts";
import { RedisInvalidationChannel } from "../../cache/adapters/redis/invalidation_channel.ts";
import { keysOf } from "../../cache/adapters/redis/keys.ts";
import { RedisStore } from "../../cache/adapters/redis/store.ts";
import { parseRedisUrl } from "../../core/redis/redis_url.ts";
import type { TieredStore } from "../../cache/invalidations.ts";
import { TieredCacheProvider } from "../../cache/tiered.ts";
import { systemClock } from "../../core/clock.ts";
import { silentObserver } from "../../core/observer.ts";
import { type PrivateRedis, startRedis } from "../support/private_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { startRedisCluster } from "../support/redis_cluster.ts";
import { timeout } from "../support/toxics.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

/** The server is found again within 5 s, and this machine is busy. */
const RECOVERY_MS = 8_000;

const NAMESPACE = "faults";

interface Tier {
  readonly server: PrivateRedis;
  readonly cache: TieredCacheProvider;
  readonly store: RedisCacheProvider;
  readonly counts: Map<string, number>;
}

/** Runs a test with a server of its own and a tier in front of it that keeps values for long. */
async function withTier(fn: (tier: Tier) => Promise<void>, ttlMs = 600_000): Promise<void> {
  await using server = await startRedis();
  const counts = new Map<string, number>();
  const count = (name: string): unknown => counts.set(name, (counts.get(name) ?? 0) + 1);
  const observer = { ...silentObserver, count };
  const url = server.url;
  await using store = await RedisCacheProvider.connect({ url, namespace: NAMESPACE, observer });
  await using cache = await TieredCacheProvider.connect({ store, ttlMs, observer });
  await fn({ server, cache, store, counts });
}

/** Puts a value into memory. */
async function remember({ store, cache }: Tier): Promise<void> {
  await store.set("k", "old");
  assert.equal(await cache.get("k"), "old");
}

/** Changes the value as another program would that sends no message. */
function changeSilently(server: PrivateRedis): Promise<unknown> {
  return server.command("SET", `${NAMESPACE}:k`, '"new"');
}

/** Waits until memory does not have the old value any more. */
function untilNew({ cache }: Tier): Promise<void> {
  return until("the change is seen", async () => await cache.get("k") === "new", RECOVERY_MS);
}

/** Waits until a message of another program drops what is in memory. */
async function untilHeard({ server, store, cache }: Tier): Promise<void> {
  await until("messages are heard", async () => {
    await store.set("heard", 1);
    await cache.get("heard");
    await server.command("SET", `${NAMESPACE}:heard`, "2");
    await server.command(
      "PUBLISH",
      `${NAMESPACE}/invalidations`,
      '{"kind":"key","keys":["heard"]}',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    return await cache.get("heard") === 2;
  }, RECOVERY_MS);
}

test("a change while the subscription is killed is seen as soon as there is a new one", () =>
  withTier(async (tier) => {
    await remember(tier);
    await tier.server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await changeSilently(tier.server);
    await untilNew(tier);
    await untilHeard(tier);
    assert.equal(tier.counts.get("cache.subscription_lost"), 1);
  }));

test("a subscriber that the server drops because it is too slow loses nothing for long", () =>
  withTier(async (tier) => {
    await tier.server.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 256kb 0 0");
    await remember(tier);
    const flood = JSON.stringify({ kind: "tag", tag: "x".repeat(1_000_000) });
    await tier.server.command("PUBLISH", `${NAMESPACE}/invalidations`, flood);
    await changeSilently(tier.server);
    await untilNew(tier);
    await untilHeard(tier);
    assert.ok((tier.counts.get("cache.subscription_lost") ?? 0) >= 1);
  }));

for (const mode of ["graceful", "kill"] as const) {
  test(`after a restart (${mode}) memory is dropped, and messages are heard again`, () =>
    withTier(async (tier) => {
      await remember(tier);
      await tier.server.stop(mode);
      await until("the loss is seen", () => tier.counts.has("cache.subscription_lost"));
      await tier.server.start();
      await changeSilently(tier.server);
      await untilNew(tier);
      await untilHeard(tier);
    }));
}

test("a server that hangs is a gap, and messages are heard when it goes on", () =>
  withTier(async (tier) => {
    await remember(tier);
    tier.server.pause();
    await until(
      "the loss is seen",
      () => tier.counts.has("cache.subscription_lost"),
      RECOVERY_MS,
    );
    tier.server.resume();
    await changeSilently(tier.server);
    await untilNew(tier);
    await untilHeard(tier);
  }));

test("what cannot be published is published when the server takes it", () =>
  withTier(async (tier) => {
    const { server, store, cache, counts } = tier;
    await using other = await TieredCacheProvider.connect({ store, ttlMs: 600_000 });
    await remember({ ...tier, cache: other });
    await server.command("ACL", "SETUSER", "default", "-publish");
    await cache.set("k", "new");
    await until("it could not be published", () => counts.has("cache.invalidation_delayed"));
    assert.equal(await other.get("k"), "old");
    await server.command("ACL", "SETUSER", "default", "+publish");
    await untilNew({ ...tier, cache: other });
  }));

test("a server that refuses to be subscribed to says so when the tier connects", () =>
  withTier(async ({ server }) => {
    await server.command("ACL", "SETUSER", "default", "resetchannels");
    await using store = await RedisCacheProvider.connect({ url: server.url });
    await assert.rejects(TieredCacheProvider.connect({ store }), { code: "permission_denied" });
  }));

/** The store with invalidations that come through a proxy. */
async function withProxiedMessages(
  tier: Tier,
  fn: (proxied: { store: TieredStore; proxy: TcpProxy }) => Promise<void>,
): Promise<void> {
  await using proxy = await TcpProxy.start({ host: "127.0.0.1", port: tier.server.port });
  const settings = { connectTimeoutMs: 1_000, clock: systemClock, observer: silentObserver };
  const connection = await RedisConnection.open({
    ...settings,
    area: CACHE_AREA,
    target: serverTarget({
      address: parseRedisUrl(tier.server.url),
      connectTimeoutMs: 2_000,
    }),
    prepare: () => Promise.resolve(),
  });
  const invalidations = new RedisInvalidationChannel({
    ...settings,
    store: new RedisStore(connection, keysOf(NAMESPACE), 1_000),
    target: serverTarget({
      address: parseRedisUrl(proxy.through(tier.server.url)),
      connectTimeoutMs: 2_000,
    }),
    namespace: NAMESPACE,
  });
  const store = new Proxy(tier.store, {
    get: (target, name) => {
      if (name === "invalidations") return invalidations;
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  try {
    await fn({ store, proxy });
  } finally {
    await invalidations.close();
    connection.close();
  }
}

test("a half-open link is found by its silence, and messages are heard when it is mended", () =>
  withTier((tier) =>
    withProxiedMessages(tier, async ({ store, proxy }) => {
      await using cache = await TieredCacheProvider.connect({ store, ttlMs: 600_000 });
      const proxied = { ...tier, cache };
      await remember(proxied);
      proxy.add(timeout());
      await tier.cache.set("k", "new");
      await untilNew(proxied);
      proxy.heal();
      await untilHeard(proxied);
    })
  ));

test("what was read while there was no subscription is dropped when there is one again", () =>
  withTier((tier) =>
    withProxiedMessages(tier, async ({ store, proxy }) => {
      const counts: string[] = [];
      const observer = { ...silentObserver, count: (name: string) => void counts.push(name) };
      await using cache = await TieredCacheProvider.connect({ store, ttlMs: 600_000, observer });
      await proxy.down();
      await until("the loss is seen", () => counts.includes("cache.memory_dropped"));
      await remember({ ...tier, cache });
      await changeSilently(tier.server);
      assert.equal(await cache.get("k"), "old");
      await proxy.up();
      await untilNew({ ...tier, cache });
    })
  ));

test("behind a half-open link a change is seen after ttlMs at most", () =>
  withTier((tier) =>
    withProxiedMessages(tier, async ({ store, proxy }) => {
      const ttlMs = 1_000;
      await using cache = await TieredCacheProvider.connect({ store, ttlMs });
      proxy.add(timeout());
      await remember({ ...tier, cache });
      await tier.cache.set("k", "new");
      const changedMs = performance.now();
      await untilNew({ ...tier, cache });
      const seenMs = performance.now() - changedMs;
      assert.ok(seenMs < ttlMs + 500, `seen after ${seenMs} ms`);
    })
  ));

test("in a cluster a change through one tier reaches the others, also after a node was restarted", async () => {
  await using cluster = await startRedisCluster();
  const connect = (): Promise<RedisCacheProvider> =>
    RedisCacheProvider.connect({ cluster: cluster.urls, namespace: NAMESPACE });
  const client = createCluster({ rootNodes: cluster.urls.map((url) => ({ url })) });
  await using stores = disposeAll(
    await Promise.all([
      connect(),
      connect(),
      RedisCacheProvider.connect(client, { namespace: NAMESPACE }),
    ]),
  );
  const open = (store: TieredStore): Promise<TieredCacheProvider> =>
    TieredCacheProvider.connect({ store, ttlMs: 600_000 });
  await using tiers = disposeAll(await Promise.all(stores.all.map(open)));
  const keys = ["a", "b", "c", "d"];
  const changeAll = async (value: string): Promise<void> => {
    const [first] = tiers.all;
    for (const key of keys) await first?.set(key, value);
    for (const tier of tiers.all) {
      const isNew = async (key: string): Promise<boolean> => await tier.get(key) === value;
      for (const key of keys) await until(`${key} is ${value}`, () => isNew(key), RECOVERY_MS);
    }
  };
  await changeAll("one");
  await changeAll("two");
  await cluster.nodes[1]?.stop("kill");
  await cluster.nodes[1]?.start();
  await cluster.untilReady();
  await until(
    "writes are taken again",
    () => tiers.all[0]!.increment("n").then(() => true, () => false),
    RECOVERY_MS,
  );
  await changeAll("three");
  await changeAll("four");
});

function disposeAll<T extends AsyncDisposable>(all: T[]): AsyncDisposable & { readonly all: T[] } {
  const dispose = async (): Promise<void> => {
    for (const one of all) await one[Symbol.asyncDispose]();
  };
  return { all, [Symbol.asyncDispose]: dispose };
}
