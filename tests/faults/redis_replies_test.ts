import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createClient } from "redis";
import { RedisCacheProvider } from "../../cache/adapters/redis.ts";
import type { CacheProvider } from "../../cache/cache.ts";
import {
  failureOf,
  killClients,
  withCache,
  withProxiedCache,
  withServer,
  works,
} from "../support/faulty_redis.ts";
import type { PrivateRedis } from "../support/private_redis.ts";
import { testNamespace } from "../support/redis.ts";
import { privateServerTest } from "../support/services.ts";
import { latency, limitData, swallowReply, type Toxic } from "../support/toxics.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

const KEYS = Array.from({ length: 500 }, (_, i) => `key-${i}`);

test("a client of the package redis hands one caller's reply to another after a listener has thrown", () =>
  withServer({}, async (server) => {
    const client = clientOf(server);
    const errors: Error[] = [];
    client.on("error", (error) => errors.push(error));
    await client.connect();
    try {
      const { alice, bob } = await replyInOneChunkBehindAListenerThatThrows(server, client);
      const carol = client.get("carol");
      // What the library guards against: if this fails, the package has mended it.
      assert.equal(await alice, "carol's");
      assert.deepEqual([errors.map(({ message }) => message), client.isReady], [["thrown"], true]);
      assert.equal(await settledWithin(Promise.all([bob, carol]), 200), false);
    } finally {
      client.destroy();
    }
  }));

test("a cache does not share the connection of the client that was passed in, nor its fate", () =>
  withServer({}, async (server) => {
    const client = clientOf(server);
    client.on("error", () => {});
    await client.connect();
    const namespace = testNamespace();
    const cache = await RedisCacheProvider.connect(client, { namespace });
    try {
      await cache.mset(KEYS.map((key) => [key, key]));
      await replyInOneChunkBehindAListenerThatThrows(server, client);
      for (const key of KEYS) assert.equal(await cache.get(key), key);
    } finally {
      await cache.close();
      client.destroy();
    }
  }));

test("replies that come all at once after a pause reach their callers", () =>
  withServer({}, (server) =>
    withCache({ url: server.url }, async ({ cache }) => {
      await cache.mset(KEYS.map((key) => [key, key]));
      await server.command("CLIENT", "PAUSE", "300", "ALL");
      const found = await Promise.all(KEYS.map((key) => cache.get(key)));
      assert.deepEqual(found, KEYS);
    })));

test("callers that have gone before such replies come shift nothing", () =>
  withServer({}, (server) =>
    withCache({ url: server.url }, async ({ cache }) => {
      await cache.mset(KEYS.map((key) => [key, key]));
      await server.command("CLIENT", "PAUSE", "300", "ALL");
      const found = await Promise.all(
        KEYS.map((key, i) => cache.get(key, i % 2 === 0 ? { timeoutMs: 50 } : {})),
      );
      // Of the patient ones, those that came when the server was late already are a miss.
      found.forEach((value, i) => assert.ok(value === KEYS[i] || value === undefined));
      await works({ cache });
      for (const key of KEYS) assert.equal(await cache.get(key), key);
    })));

const DAMAGES: Readonly<Record<string, Toxic>> = {
  "bytes that are no reply": before(Buffer.from([0xff, 0xfe, 0x00, 0x0d, 0x0a])),
  "a reply of a type that there is not": before(Buffer.from("?what\r\n")),
  "a reply that lacks its beginning": () => (data, direction) =>
    direction === "request" ? data : data.subarray(7),
  "the end of the connection in a reply": limitData(7),
};

for (const [damage, toxic] of Object.entries(DAMAGES)) {
  test(`after ${damage} no caller gets another's value, and the connection is replaced`, () =>
    withServer({}, (server) =>
      withProxiedCache(server, {}, async ({ cache, reports, proxy }) => {
        await cache.mset(KEYS.map((key) => [key, key]));
        proxy.add(once(toxic));
        const waves = [];
        for (let i = 0; i < 50; i++) {
          waves.push(getsOwnValues(cache));
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        await Promise.all(waves);
        await until("it works again", async () => await getsOwnValues(cache) === KEYS.length);
        assert.equal(reports.of("cache.connection_lost").length, 1);
      })));
}

for (const whenUnavailable of ["miss", "error"] as const) {
  test(`thousands of calls while their connections are killed get their own values (${whenUnavailable})`, () =>
    withServer(
      {},
      (server) =>
        withProxiedCache(server, { whenUnavailable }, async ({ cache, reports, proxy }) => {
          await cache.mset(KEYS.map((key) => [key, key]));
          proxy.add(latency(1));
          let isOver = false;
          const killing = (async () => {
            for (let i = 0; i < 30; i++) {
              if (i % 2 === 0) await killClients(server.url);
              else proxy.resetAll();
              await new Promise((resolve) => setTimeout(resolve, 30));
            }
            isOver = true;
          })();
          let found = 0;
          while (!isOver) {
            found += await getsOwnValues(cache);
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
          await killing;
          assert.ok(found > 0, "the connections were killed before a value was found");
          assert.ok(reports.of("cache.connection_lost").length > 0);
          await until("all are found", async () => await getsOwnValues(cache) === KEYS.length);
        }),
    ));
}

test("what cannot be repeated is not repeated when its reply is lost, and says so", () =>
  withServer({}, (server) =>
    withProxiedCache(server, {}, async ({ cache, proxy, reports }) => {
      await cache.increment("other");
      await cache.setNx("another", 1);
      proxy.add(once(swallowReply(/counter/)));
      const { code, outcome } = await failureOf(cache.increment("counter"));
      assert.deepEqual([code, outcome], ["unavailable", "unknown"]);
      proxy.add(once(swallowReply(/first/)));
      assert.equal((await failureOf(cache.setNx("first", 1))).outcome, "unknown");
      await works({ cache });
      assert.deepEqual(await cache.mget(["counter", "first"]), [1, 1]);
      assert.equal(reports.of("cache.connection_lost").length, 2);
    })));

test("what can be repeated is repeated once on a new connection, and its caller notices nothing", () =>
  withServer({}, (server) =>
    withProxiedCache(server, {}, async ({ cache, proxy, reports }) => {
      const calls: readonly ((key: string) => Promise<unknown>)[] = [
        (key) => cache.get(key),
        (key) => cache.mget([key]),
        (key) => cache.exists(key),
        (key) => cache.ttl(key),
        (key) => cache.expire(key, 50_000),
        // That it was there nobody knows any more.
        async (key) => await cache.delete(key) === false,
      ];
      await cache.set("kept", 1, { ttlMs: 60_000 });
      // The server has each script then.
      for (const call of calls) await call("other");
      for (const [i, call] of calls.entries()) {
        proxy.add(once(swallowReply(/kept/)));
        assert.ok(await call("kept"));
        assert.equal(reports.of("cache.connection_lost").length, i + 1);
      }
      assert.equal(await cache.exists("kept"), false);
    })));

/** Reads all keys at once, in both ways; what is found is counted, and is what belongs to its key. */
async function getsOwnValues(cache: CacheProvider): Promise<number> {
  // Each time in another order, so that a reply to an earlier call would be seen.
  const first = Math.floor(Math.random() * KEYS.length);
  const keys = [...KEYS.slice(first), ...KEYS.slice(0, first)];
  const many = cache.mget(keys).catch(unavailable);
  const found = await Promise.all(keys.map((key) => cache.get(key).catch(unavailable)));
  const all = await many;
  keys.forEach((key, i) => {
    for (const value of [found[i], all?.[i]]) assert.ok(value === key || value === undefined);
  });
  return found.filter((value) => value !== undefined).length;
}

function unavailable(error: { readonly code?: unknown }): undefined {
  assert.equal(error.code, "unavailable", String(error));
}

type Client = ReturnType<typeof clientOf>;

function clientOf({ url }: PrivateRedis) {
  return createClient({ url });
}

/** Two reads of the client whose replies arrive together with a message, for a listener that throws. */
async function replyInOneChunkBehindAListenerThatThrows(
  server: PrivateRedis,
  client: Client,
): Promise<{ readonly alice: Promise<string | null>; readonly bob: Promise<string | null> }> {
  await client.mSet({ alice: "alice's", bob: "bob's", carol: "carol's" });
  const thrown = new Promise<void>((resolve) =>
    client.subscribe("channel", () => {
      resolve();
      throw new Error("thrown");
    })
  );
  await client.ping();
  const publisher = clientOf(server);
  await publisher.connect();
  try {
    await server.command("CLIENT", "PAUSE", "300", "ALL");
    const published = publisher.publish("channel", "message");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const [alice, bob] = [client.get("alice"), client.get("bob")];
    for (const read of [alice, bob]) read.catch(() => {});
    await Promise.all([published, thrown]);
    return { alice, bob };
  } finally {
    publisher.destroy();
  }
}

async function settledWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const limit = new Promise<false>((resolve) => setTimeout(() => resolve(false), limitMs));
  return await Promise.race([promise.then(() => true, () => true), limit]);
}

/** Harms only the first connection on which something passes. */
function once(toxic: Toxic): Toxic {
  let isUsed = false;
  return (connection) => {
    if (isUsed) return (data) => data;
    isUsed = true;
    return toxic(connection);
  };
}

/** The next reply has these bytes before it. */
function before(bytes: Buffer): Toxic {
  return () => {
    let isDone = false;
    return (data, direction) => {
      if (direction === "request" || isDone) return data;
      isDone = true;
      return Buffer.concat([bytes, data]);
    };
  };
}
