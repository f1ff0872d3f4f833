import assert from "node:assert/strict";
import { createClient } from "redis";
import { RedisCacheProvider } from "../../cache/adapters/redis.ts";
import type { RedisClientLike } from "../../cache/adapters/redis.ts";
import { failureOf, killClients, Reports, withServer, works } from "../support/faulty_redis.ts";
import type { PrivateRedis } from "../support/private_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

test("a client that was passed in is open and works after the cache has closed", () =>
  withClient(async ({ client, server }) => {
    await withCacheOf(client, async (cache) => {
      await cache.set("a", 1);
      assert.equal(await cache.get("a"), 1);
      assert.equal(await client.get("exchange:a"), "1");
    });
    assert.equal(client.isReady, true);
    assert.equal(await client.get("exchange:a"), "1");
    await until("only the client is connected", async () => await clientCount(server) === 1);
  }));

test("a client that was passed in goes on when the cache's connections break, and hears nothing", () =>
  withClient(async ({ client, server, events }) => {
    await withCacheOf(client, async (cache, reports) => {
      const own = await client.clientId();
      for (let round = 1; round <= 3; round++) {
        await killOthers(server, own);
        await until("the cache notices", () => reports.of("cache.connection_lost").length >= round);
        await works({ cache });
      }
      assert.equal(await client.clientId(), own);
    });
    assert.deepEqual(events, []);
  }));

test("the cache works while the client that was passed in is not connected, or closed", () =>
  withServer({}, async (server) => {
    const client = createClient({ url: server.url });
    await withCacheOf(client, async (cache) => {
      await cache.set("a", 1);
      assert.equal(client.isOpen, false);
      await client.connect();
      client.destroy();
      await killClients(server.url);
      await works({ cache });
    });
    assert.equal(client.isOpen, false);
  }));

test("the options of a client that was passed in are kept, and not changed", () =>
  withServer({ password: "right" }, async (server) => {
    await server.command("ACL", "SETUSER", "app", "on", ">password", "+@all", "allkeys");
    const options = {
      username: "app",
      password: "password",
      database: 3,
      name: "somebody",
      RESP: 2 as const,
      socket: { port: server.port, host: "127.0.0.1", connectTimeout: 1_234 },
      commandOptions: { timeout: 1_234 },
    };
    const client = createClient(options);
    client.on("error", () => {});
    const before = JSON.stringify(options);
    await withCacheOf(client, async (cache, reports) => {
      await cache.set("a", { b: 1 });
      assert.deepEqual(await cache.get("a"), { b: 1 });
      assert.equal(await server.command("GET", "exchange:a"), null);
      const clients = String(await server.command("CLIENT", "LIST"));
      assert.match(clients, / name=somebody .* db=3 .* user=app /);
      await killClients(server.url);
      await until("it notices", () => reports.of("cache.connection_lost").length > 0);
      await works({ cache });
    });
    assert.equal(JSON.stringify(options), before);
  }));

test("a client that was passed in and cannot connect is told in time, and is not connected", () =>
  withServer({}, async (server) => {
    await server.stop("kill");
    const client = createClient({ url: server.url });
    const call = RedisCacheProvider.connect(client, { connectTimeoutMs: 500 });
    assert.equal((await failureOf(call)).code, "unavailable");
    assert.equal(client.isOpen, false);
    await server.start();
    assert.equal(await clientCount(server), 0);
  }));

interface OpenClient {
  readonly client: ReturnType<typeof clientOf>;
  readonly server: PrivateRedis;
  /** What the client has told its listeners since it was connected. */
  readonly events: string[];
}

function clientOf({ url }: PrivateRedis) {
  return createClient({ url });
}

function withClient(use: (open: OpenClient) => Promise<void>): Promise<void> {
  return withServer({}, async (server) => {
    const client = clientOf(server);
    const events: string[] = [];
    await client.connect();
    for (const event of ["error", "end", "reconnecting", "connect", "ready", "terminated"]) {
      client.on(event, () => events.push(event));
    }
    try {
      await use({ client, server, events });
    } finally {
      client.destroy();
    }
  });
}

async function withCacheOf(
  client: RedisClientLike,
  use: (cache: RedisCacheProvider, reports: Reports) => Promise<void>,
): Promise<void> {
  const observer = new Reports();
  const patient = { readTimeoutMs: 10_000, timeoutMs: 10_000, connectTimeoutMs: 10_000 };
  const cache = await RedisCacheProvider.connect(client, { ...patient, observer });
  try {
    await use(cache, observer);
  } finally {
    await cache.close();
  }
}

/** How many clients the server has besides the one that asks. */
async function clientCount(server: PrivateRedis): Promise<number> {
  return String(await server.command("CLIENT", "LIST")).trim().split("\n").length - 1;
}

/** Ends all connections but one. */
async function killOthers(server: PrivateRedis, kept: number): Promise<void> {
  const clients = String(await server.command("CLIENT", "LIST")).matchAll(
    /^id=(\d+) .*cmd=(\S+)/gm,
  );
  for (const [, id, command] of clients) {
    if (Number(id) === kept || command === "client|list") continue;
    await server.command("CLIENT", "KILL", "ID", id!);
  }
}
