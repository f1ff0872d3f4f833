import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { createClient, createCluster } from "redis";
import { RedisCacheProvider } from "../../cache/adapters/redis.ts";
import type { RedisCacheConfig, RedisClientLike } from "../../cache/adapters/redis.ts";
import type { CacheProvider } from "../../cache/cache.ts";
import { CacheError, ConfigurationError, InfrastructureError } from "../../core/errors.ts";
import { createCertificate } from "../support/certificate.ts";
import { Reports, withCache, within, withServer } from "../support/faulty_redis.ts";
import { freePort } from "../support/free_port.ts";
import { lazily } from "../support/lazily.ts";
import { startRedis } from "../support/private_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

/** No error may show these, however they are encoded. */
const SECRETS = ["canary-7d20", "canary-51c7", "canary-key-44aa", "canary-value-9e02"];

const PASSWORD = encodeURIComponent("canary-7d20/ü@:");
const WRONG = encodeURIComponent("canary-51c7 #?");

const test = privateServerTest("redis");

const plain = lazily(() => startRedis({ password: decodeURIComponent(PASSWORD) }));

const secure = lazily(async () => {
  const authority = await createCertificate("DNS:localhost");
  const password = decodeURIComponent(PASSWORD);
  return { server: await startRedis({ password, tls: authority }), ca: authority.certificate };
});

test("a server whose certificate authority is given is trusted, and its password works", async () => {
  const { server, ca } = await secure();
  const url = `rediss://:${PASSWORD}@localhost:${server.port}`;
  await withCache({ url, ca }, async ({ cache }) => {
    await cache.set("a", 1);
    assert.equal(await cache.get("a"), 1);
  });
});

const UNTRUSTED: Readonly<Record<string, () => Promise<RedisCacheConfig>>> = {
  "an unknown certificate authority": async () => ({
    url: `rediss://:${PASSWORD}@localhost:${(await secure()).server.port}`,
  }),
  "another certificate authority than the given one": async () => ({
    url: `rediss://:${PASSWORD}@localhost:${(await secure()).server.port}`,
    ca: (await createCertificate("DNS:localhost")).certificate,
  }),
  "a certificate for another host": async () => {
    const { server, ca } = await secure();
    return { url: `rediss://:${PASSWORD}@127.0.0.1:${server.port}`, ca };
  },
  "no TLS although the URL wants it": async () => ({
    url: `rediss://:${PASSWORD}@127.0.0.1:${(await plain()).port}`,
  }),
  "TLS although the URL does not want it": async () => ({
    url: `redis://:${PASSWORD}@127.0.0.1:${(await secure()).server.port}`,
  }),
};

for (const [what, config] of Object.entries(UNTRUSTED)) {
  test(`a server with ${what} is refused in time, and nothing shows the password`, async () => {
    const connectTimeoutMs = 1_000;
    const options = { ...await config(), connectTimeoutMs };
    const error = await within(connectTimeoutMs, () => failureOf(options));
    assert.ok(error instanceof CacheError, String(error));
    assert.ok(["unavailable", "timeout"].includes(error.code), error.code);
  });
}

const MALFORMED = [
  `redis://:${PASSWORD}`,
  `redis://:${PASSWORD}@`,
  `redis://:${PASSWORD}@host:port`,
  `redis://:${PASSWORD}@host:99999`,
  `redis://:${PASSWORD}%@host`,
  `redis://:${PASSWORD}/@host`,
  `redis://:${PASSWORD}#@host`,
  `redis://:${PASSWORD}?@host`,
  `redis://:${PASSWORD}@host/zero`,
  `redis://host/${PASSWORD}`,
  `redis://host?password=${PASSWORD}`,
  `redis://host#${PASSWORD}`,
  `http://:${PASSWORD}@host`,
  `//:${PASSWORD}@host`,
  `:${PASSWORD}@host`,
  PASSWORD,
];

test("a malformed URL is a mistake of the configuration that does not show it", async () => {
  for (const url of MALFORMED) {
    for (const config of [{ url }, { cluster: ["redis://host", url] }]) {
      assert.ok(await failureOf(config) instanceof ConfigurationError, url);
    }
  }
});

test("what a server refuses or cannot do shows no password", async () => {
  const { port, url } = await plain();
  const host = `127.0.0.1:${port}`;
  const configs: readonly RedisCacheConfig[] = [
    { url: `redis://:${WRONG}@${host}` },
    { url: `redis://somebody:${WRONG}@${host}` },
    { url: `${url}/99999` },
    { url: `redis://:${PASSWORD}@127.0.0.1:${await freePort()}` },
    { url: `redis://:${PASSWORD}@missing.invalid:6379` },
    { cluster: [url] },
    { cluster: [`redis://:${WRONG}@${host}`, `redis://:${PASSWORD}@missing.invalid:1`] },
  ];
  for (const config of configs) {
    assert.ok(await failureOf({ connectTimeoutMs: 2_000, ...config }) instanceof CacheError);
  }
});

test("the password of a client that was passed in is not shown either", async () => {
  const wrong = `redis://:${WRONG}@127.0.0.1:${(await plain()).port}`;
  const clients: readonly RedisClientLike[] = [
    createClient({ url: wrong }),
    createCluster({ rootNodes: [{ url: wrong }], defaults: { password: WRONG } }),
    createClient({ url: `rediss://:${WRONG}@127.0.0.1:${(await plain()).port}` }),
  ];
  for (const client of clients) await failureOf(client, { connectTimeoutMs: 1_000 });
});

const CALLS: readonly ((cache: CacheProvider) => Promise<unknown>)[] = [
  (cache) => cache.get("canary-key-44aa"),
  (cache) => cache.set("canary-key-44aa", "canary-value-9e02"),
  (cache) => cache.setNx("canary-key-44aa", "canary-value-9e02"),
  (cache) => cache.increment("canary-key-44aa"),
  (cache) => cache.delete("canary-key-44aa"),
  (cache) => cache.deletePattern("canary-key-44aa*"),
  (cache) => cache.invalidateTag("canary-key-44aa"),
  (cache) => cache.getOrSet("canary-key-44aa", () => "canary-value-9e02"),
];

test("no error of a call, no report and no view of the cache shows a password, key or value", () =>
  withServer(
    { password: decodeURIComponent(PASSWORD) },
    (server) =>
      withCache(
        { url: server.url, whenUnavailable: "error" },
        async ({ cache, reports, prefix }) => {
          const failAll = async (): Promise<void> => {
            for (const call of CALLS) await call(cache).catch(showsNoSecret);
            showsNoSecret(cache);
          };
          await failAll();
          await server.command("UNLINK", `${prefix}canary-key-44aa`);
          await server.command("LPUSH", `${prefix}canary-key-44aa`, "canary-value-9e02");
          await failAll();
          await server.command("CONFIG", "SET", "maxmemory", "1");
          await failAll();
          await server.stop("kill");
          await failAll();
          assert.ok(reports.records.length > 0);
          showsNoSecret(reports);
        },
      ),
  ));

test("attempts to connect that are given up in a TLS handshake leave no socket behind", async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.resume());
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  for (const url of [`rediss://127.0.0.1:${port}`, `redis://127.0.0.1:${port}`]) {
    const error = await within(200, () => failureOf({ url, connectTimeoutMs: 200 }));
    assert.equal((error as CacheError).code, "timeout");
  }
  await until("every socket is closed", () => sockets.size === 0);
  server.close();
});

test("the servers of these tests stop", async () => {
  await (await plain())[Symbol.asyncDispose]();
  await (await secure()).server[Symbol.asyncDispose]();
});

/** The error of an attempt to connect, which with all that was reported shows no secret. */
async function failureOf(
  source: RedisCacheConfig | RedisClientLike,
  options: RedisCacheConfig = {},
): Promise<InfrastructureError> {
  const observer = new Reports();
  const config = "duplicate" in source ? source : { ...source, observer };
  const error = await RedisCacheProvider.connect(config, { ...options, observer })
    .then(() => undefined, (error) => error);
  assert.ok(error instanceof InfrastructureError, String(error));
  showsNoSecret(error);
  showsNoSecret(observer);
  return error;
}

function showsNoSecret(thing: unknown): void {
  const shown = viewsOf(thing).join("\n");
  for (const secret of SECRETS) assert.ok(!shown.includes(secret), shown);
}

/** Everything that a logger may make of it. */
function viewsOf(thing: unknown): string[] {
  const { message, stack, cause } = Object(thing) as Partial<Error>;
  return [
    inspect(thing, { depth: 10, showHidden: true }),
    JSON.stringify(thing),
    String(thing),
    String(message),
    String(stack),
    ...(cause === undefined ? [] : viewsOf(cause)),
  ];
}
