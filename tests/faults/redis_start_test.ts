import assert from "node:assert/strict";
import { RedisCacheProvider } from "../../cache/adapters/redis.ts";
import {
  failureOf,
  killClients,
  withCache,
  within,
  withProxiedCache,
  withServer,
  works,
} from "../support/faulty_redis.ts";
import { createClient, createCluster } from "redis";
import { freePort } from "../support/free_port.ts";
import { withRedis } from "../support/redis.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

const OPTIONS = { readTimeoutMs: 250, timeoutMs: 500 };

test("nobody answers: connecting rejects as unavailable, at once when refused", async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  const error = await within(0, () => failureOf(RedisCacheProvider.connect({ url })));
  assert.deepEqual([error.code, error.retryable], ["unavailable", true]);
});

test("a server that hangs: connecting rejects at connectTimeoutMs", () =>
  withServer({}, async (server) => {
    server.pause();
    const call = RedisCacheProvider.connect({ url: server.url, connectTimeoutMs: 300 });
    assert.equal((await within(300, () => failureOf(call))).code, "timeout");
  }));

test("a wrong password is unauthenticated at once, and so is a missing one", () =>
  withServer({ password: "right" }, async (server) => {
    for (const login of [":wrong@", "somebody:wrong@", ""]) {
      const url = `redis://${login}127.0.0.1:${server.port}`;
      const error = await within(0, () => failureOf(RedisCacheProvider.connect({ url })));
      assert.deepEqual([error.code, error.retryable], ["unauthenticated", false], login);
    }
  }));

test("a server that takes no more clients is unavailable", () =>
  withServer(
    { settings: { maxclients: 1 } },
    (server) =>
      withCache({ url: server.url }, async () => {
        const error = await failureOf(RedisCacheProvider.connect({ url: server.url }));
        assert.deepEqual([error.code, error.retryable], ["unavailable", true]);
      }),
  ));

test("a password that is changed while the server is away makes reads a miss, and writes say why", () =>
  withServer(
    { password: "right" },
    (server) =>
      withCache({ ...OPTIONS, url: server.url }, async ({ cache }) => {
        await server.command("CONFIG", "SET", "requirepass", "other");
        const other = server.url.replace("right", "other");
        await killClients(other);
        await until(
          "it is refused",
          async () => (await failureOf(cache.increment("a"))).code === "unauthenticated",
        );
        assert.equal(await cache.get("a"), undefined);
        assert.equal(await cache.getOrSet("a", () => 1), 1);
        await withRedis(other, (send) => send("CONFIG", "SET", "requirepass", "right"));
        await works({ cache });
      }),
  ));

test("a server that takes no more clients when its cache comes back makes reads a miss", () =>
  withServer(
    { settings: { maxclients: 3 } },
    (server) =>
      withProxiedCache(server, OPTIONS, async ({ cache, proxy }) => {
        await proxy.down();
        const others = [1, 2, 3].map(() => createClient({ url: server.url }));
        try {
          await Promise.all(others.map((other) => other.connect()));
          await proxy.up();
          const isRefused = async (): Promise<boolean> => {
            assert.equal(await cache.get("a"), undefined);
            assert.equal((await failureOf(cache.increment("a"))).code, "unavailable");
            return !(await others[0]!.info("stats")).includes("rejected_connections:0");
          };
          await until("the server has refused the cache", isRefused);
          assert.ok(await isRefused());
          others.pop()?.destroy();
          await works({ cache });
        } finally {
          for (const other of others) other.destroy();
        }
      }),
  ));

test("an error of connecting says which server was tried, also when it is missed later", async () => {
  const port = await freePort();
  const url = `redis://user:s3cr3t@127.0.0.1:${port}/3`;
  const shown = `the connection failed with ECONNREFUSED, tried 127.0.0.1:${port}`;
  for (const source of [{ url }, createClient({ url })]) {
    const error = await failureOf(RedisCacheProvider.connect(source));
    assert.equal(error.message, `Cannot finish RedisCacheProvider.connect: ${shown}`);
  }
  await withServer({}, (server) =>
    withCache({ ...OPTIONS, url: server.url }, async ({ cache }) => {
      await server.stop();
      await until("it was tried again", async () => {
        const { cause } = await failureOf(cache.increment("a"));
        return String(cause).endsWith(`ECONNREFUSED, tried 127.0.0.1:${server.port}`);
      });
    }));
});

test("a server that is silent is named as well", () =>
  withServer({}, async (server) => {
    server.pause();
    const call = RedisCacheProvider.connect({ url: server.url, connectTimeoutMs: 100 });
    assert.match((await failureOf(call)).message, new RegExp(`tried 127.0.0.1:${server.port}$`));
  }));

test("an error of connecting to a cluster says which nodes were tried", async () => {
  const ports = [await freePort(), await freePort()];
  const cluster = ports.map((port) => `redis://:s3cr3t@127.0.0.1:${port}`);
  const rootNodes = cluster.map((url) => ({ url }));
  for (const source of [{ cluster }, createCluster({ rootNodes })]) {
    const names = ports.map((port) => `127.0.0.1:${port}`).join(" and ");
    const { message } = await failureOf(RedisCacheProvider.connect(source));
    assert.match(message, new RegExp(`, tried ${names}$`));
  }
});

test("a node of a cluster that refuses the password is told from one that is away", () =>
  withServer({ password: "right" }, async (server) => {
    const refused = `redis://:wrong@127.0.0.1:${server.port}`;
    const away = `redis://127.0.0.1:${await freePort()}`;
    // Several times, because the client begins with any of the nodes.
    for (const cluster of [[refused], ...Array.from({ length: 10 }, () => [refused, away])]) {
      const error = await failureOf(RedisCacheProvider.connect({ cluster }));
      assert.deepEqual([error.code, error.retryable], ["unauthenticated", false], error.message);
    }
    const error = await failureOf(RedisCacheProvider.connect({ cluster: [away] }));
    assert.match(error.message, /failed with ECONNREFUSED/);
  }));
