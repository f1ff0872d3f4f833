import assert from "node:assert/strict";
import { createCluster } from "redis";
import { RedisCacheProvider } from "../../../cache/adapters/redis.ts";
import { cacheConformance } from "../../conformance/cache.ts";
import { failureOf, type OpenCache, withCache, within, works } from "../../support/faulty_redis.ts";
import { lazily } from "../../support/lazily.ts";
import type { PrivateRedis } from "../../support/private_redis.ts";
import { testNamespace } from "../../support/redis.ts";
import { type RedisCluster, startRedisCluster } from "../../support/redis_cluster.ts";
import { privateServerTest } from "../../support/services.ts";
import { until } from "../../support/until.ts";

const test = privateServerTest("redis");

const cluster = lazily(async () => {
  const started = await startRedisCluster();
  for (const node of started.nodes) {
    // So that the others serve their slots when one is away.
    await node.command("CONFIG", "SET", "cluster-require-full-coverage", "no");
  }
  return started;
});

const KEYS = Array.from({ length: 60 }, (_, i) => `key-${i}`);

const base = testNamespace();
const passTime = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

cacheConformance(test, {
  name: "redis cluster",
  capabilities: { shared: true, atomicMany: false },
  open: async ({ space, observer }) =>
    RedisCacheProvider.connect({
      cluster: [(await cluster()).urls[0]!],
      namespace: `${base}-${space}`,
      readTimeoutMs: 10_000,
      timeoutMs: 10_000,
      observer,
    }),
  passTime,
});

test("calls on many keys reach all nodes", () =>
  withNodes(async ({ cache, nodes, prefix }) => {
    await cache.mset(KEYS.map((key) => [key, key]));
    assert.deepEqual(await cache.mget(["missing", ...KEYS]), [undefined, ...KEYS]);
    assert.equal((await ownersOf(nodes, prefix)).size, 3);
    await cache.set("kept", 1);
    assert.equal(await cache.deletePattern("key-1?"), 10);
    assert.equal(await cache.deletePattern("key-*"), 50);
    assert.deepEqual(await cache.mget([...KEYS, "kept"]), [...KEYS.map(() => undefined), 1]);
  }));

test("a tag drops values on all nodes, wherever its version is", () =>
  withNodes(async ({ cache }) => {
    for (const tag of ["a", "b", "c"]) {
      for (const key of KEYS) await cache.set(key, key, { tags: [tag, "other"] });
      assert.deepEqual(await cache.mget(KEYS), KEYS);
      await cache.invalidateTag(tag);
      assert.deepEqual(await cache.mget(KEYS), KEYS.map(() => undefined));
    }
  }));

test("loads are shared whichever node has the key", () =>
  withNodes(async ({ cache, prefix }) => {
    const namespace = prefix.slice(0, -1);
    const { urls } = await cluster();
    await withCache({ namespace, cluster: [urls[2]!] }, async ({ cache: other }) => {
      let loads = 0;
      const load = async (): Promise<number> => {
        loads++;
        await passTime(20);
        return 1;
      };
      const calls = KEYS.flatMap((key) => [cache, other].map((one) => one.getOrSet(key, load)));
      await Promise.all(calls);
      assert.equal(loads, KEYS.length);
    });
  }));

test("keys with one hash tag are on one node, and are kept apart", () =>
  withNodes(async ({ cache, nodes, prefix }) => {
    const keys = KEYS.map((key) => `{user:1}:${key}`);
    await cache.mset(keys.map((key) => [key, key]));
    assert.equal((await ownersOf(nodes, prefix)).size, 1);
    assert.deepEqual(await cache.mget(keys), keys);
    assert.equal(await cache.deletePattern("{user:1}:*"), keys.length);
  }));

test("scripts are sent to each node that does not have them", () =>
  withNodes(async ({ cache, nodes }) => {
    for (let round = 1; round <= 2; round++) {
      const sums = await Promise.all(KEYS.map((key) => cache.increment(`counter-${key}`)));
      assert.deepEqual(sums, KEYS.map(() => round));
      for (const node of nodes) await node.command("SCRIPT", "FLUSH");
    }
  }));

test("a cluster client that was passed in is used as an example only, and stays open", async () => {
  const { urls } = await cluster();
  const options = { rootNodes: [{ url: urls[1]! }], defaults: { socket: { noDelay: true } } };
  const client = createCluster(options);
  await client.connect();
  const before = structuredClone(options);
  try {
    const namespace = testNamespace();
    const cache = await RedisCacheProvider.connect(client, { namespace });
    await cache.mset(KEYS.map((key) => [key, key]));
    assert.deepEqual(await cache.mget(KEYS), KEYS);
    await cache.close();
    assert.equal(await client.get(`${namespace}:key-1`), '"key-1"');
    assert.deepEqual(options, before);
  } finally {
    client.destroy();
  }
});

test("a cluster of which one URL leads nowhere is found by the others", async () => {
  const { urls } = await cluster();
  for (let i = 0; i < 5; i++) {
    const config = { cluster: ["redis://127.0.0.1:1", urls[1]!] };
    await withCache(config, async ({ cache }) => {
      await cache.set("a", 1);
      assert.equal(await cache.get("a"), 1);
    });
  }
});

test("while a slot moves to another node, no error reaches a reader, and its values stay", () =>
  withNodes(async ({ cache, nodes, prefix, reports }) => {
    const key = await keyOn(nodes[0]!, prefix);
    await cache.mset([[key, "moving"], ...KEYS.map((one) => [one, one] as const)]);
    let isOver = false;
    const reading = (async () => {
      while (!isOver) {
        const value = await cache.get(key);
        assert.ok(value === "moving" || value === undefined);
        assert.deepEqual(await cache.mget(KEYS), KEYS);
      }
    })();
    await moveSlot(nodes[0]!, nodes[1]!, `${prefix}${key}`);
    await passTime(200);
    isOver = true;
    await reading;
    assert.equal(await cache.get(key), "moving");
    assert.equal(await cache.increment(`{${prefix}${key}}`), 1);
    assert.deepEqual(reports.of("cache.connection_lost"), []);
    await moveSlot(nodes[1]!, nodes[0]!, `${prefix}${key}`);
    assert.equal(await cache.get(key), "moving");
  }));

// The node of the only URL is among them.
for (const index of [0, 1, 2]) {
  test(`when node ${index} is killed, the keys of the others still work, and all do when it is back`, () =>
    withNodes(async ({ cache, nodes, prefix }) => {
      const [dead, ...alive] = [nodes[index]!, ...nodes.filter((_, i) => i !== index)];
      const keys = await Promise.all(nodes.map((node) => keyOn(node, prefix)));
      const lost = keys[index]!;
      await cache.mset(keys.map((key) => [key, key]));
      await dead.stop("kill");
      try {
        const expected = keys.map((key) => key === lost ? undefined : key);
        await until("the others are found", async () => {
          const found = await cache.mget(keys);
          return found.every((value, i) => value === expected[i]);
        });
        for (let i = 0; i < 20; i++) {
          assert.deepEqual(await within(0, () => cache.mget(keys)), expected);
          const [first] = keys.filter((key) => key !== lost);
          await cache.set(first!, first);
          assert.equal(await cache.getOrSet(lost, () => "loaded"), "loaded");
        }
        assert.equal((await failureOf(cache.increment(lost))).code, "unavailable");
        const failed = await failureOf(cache.deletePattern("none*", { timeoutMs: 1_000 }));
        assert.equal(failed.code, "unavailable");
        const config = { cluster: [alive[0]!.url], namespace: prefix.slice(0, -1) };
        await withCache(config, async ({ cache: late }) => {
          assert.deepEqual(await late.mget(keys), expected);
        });
      } finally {
        await dead.start();
        await dead.command("CONFIG", "SET", "cluster-require-full-coverage", "no");
        await (await cluster()).untilReady();
      }
      await works({ cache });
      await until("every key works again", async () => {
        await cache.mset(keys.map((key) => [key, key]));
        return (await cache.mget(keys)).every((value, i) => value === keys[i]);
      });
    }));
}

test("a node that hangs costs misses, and all keys work when it is back", () =>
  withNodes(async ({ cache, nodes, prefix }) => {
    const keys = await Promise.all(nodes.map((node) => keyOn(node, prefix)));
    await cache.mset(keys.map((key) => [key, key]));
    nodes[1]!.pause();
    try {
      for (let i = 0; i < 100; i++) {
        const found = await within(250, () => cache.mget(keys));
        found.forEach((value, k) => assert.ok(value === keys[k] || value === undefined));
        await passTime(10);
      }
      const { code } = await within(
        300,
        () => failureOf(cache.deletePattern("none*", { timeoutMs: 300 })),
      );
      assert.ok(["unavailable", "timeout"].includes(code), code);
    } finally {
      nodes[1]!.resume();
    }
    await until("every key works again", async () => {
      return (await cache.mget(keys)).every((value, i) => value === keys[i]);
    });
  }, { readTimeoutMs: 250, timeoutMs: 500 }));

test("a node of a cluster that is given as a server says what it belongs to", async () => {
  const { urls: [url] } = await cluster();
  await using cache = await RedisCacheProvider.connect({ url, namespace: testNamespace() });
  const call = Promise.all(Array.from({ length: 50 }, (_, i) => cache.get(`key-${i}`)));
  assert.match((await failureOf(call)).message, /MOVED, it belongs to a cluster, .* as `cluster`$/);
});

test("the cluster of these tests stops", async () => {
  await (await cluster())[Symbol.asyncDispose]();
});

type Nodes = OpenCache & Pick<RedisCluster, "nodes">;

async function withNodes(
  use: (open: Nodes) => Promise<void>,
  options: { readonly readTimeoutMs?: number; readonly timeoutMs?: number } = {},
): Promise<void> {
  const { urls, nodes } = await cluster();
  await withCache({ cluster: [urls[0]!], ...options }, (open) => use({ ...open, nodes }));
}

/** The ports of the nodes that have keys of the namespace. */
async function ownersOf(nodes: readonly PrivateRedis[], prefix: string): Promise<Set<number>> {
  const owners = new Set<number>();
  for (const node of nodes) {
    const keys = await node.command("KEYS", `${prefix}*`) as unknown[];
    if (keys.length > 0) owners.add(node.port);
  }
  return owners;
}

/** A key of the namespace that this node has to keep. */
async function keyOn(node: PrivateRedis, prefix: string): Promise<string> {
  for (let i = 0;; i++) {
    const reply = await node.command("EXISTS", `${prefix}on-${i}`).catch((error) => error);
    if (reply === 0) return `on-${i}`;
  }
}

async function moveSlot(from: PrivateRedis, to: PrivateRedis, key: string): Promise<void> {
  const slot = String(await from.command("CLUSTER", "KEYSLOT", key));
  const [source, target] = [await idOf(from), await idOf(to)];
  await to.command("CLUSTER", "SETSLOT", slot, "IMPORTING", source);
  await from.command("CLUSTER", "SETSLOT", slot, "MIGRATING", target);
  await passTime(50);
  const keys = await from.command("CLUSTER", "GETKEYSINSLOT", slot, "1000") as string[];
  const where = ["127.0.0.1", String(to.port), "", "0", "5000", "KEYS"];
  if (keys.length > 0) await from.command("MIGRATE", ...where, ...keys);
  await passTime(50);
  await to.command("CLUSTER", "SETSLOT", slot, "NODE", target);
  await from.command("CLUSTER", "SETSLOT", slot, "NODE", target);
}

async function idOf(node: PrivateRedis): Promise<string> {
  return String(await node.command("CLUSTER", "MYID"));
}
