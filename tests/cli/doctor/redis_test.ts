import assert from "node:assert/strict";
import { examine } from "../../support/examined.ts";
import { freePort } from "../../support/free_port.ts";
import { type PrivateRedis, type RedisOptions, startRedis } from "../../support/private_redis.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("redis");
const PASSWORD = "s3cr3t-of-redis";

async function withServer(
  options: RedisOptions,
  use: (server: PrivateRedis) => Promise<void>,
): Promise<void> {
  const server = await startRedis(options);
  try {
    await use(server);
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

async function examineUrl(url: string, ...args: string[]) {
  return await examine({ REDIS_URL: url }, { secret: PASSWORD, args });
}

test("a server that keeps what it has is well", () =>
  withServer({ password: PASSWORD, settings: { appendonly: true } }, async ({ url }) => {
    const { code, names } = await examineUrl(url);
    assert.equal(code, 0);
    const expected =
      "reachable,credentials,version,role,eviction,persistence,scripts,latency,clock";
    assert.deepEqual(names, expected.split(",").map((name) => `ok ${name}`));
  }));

test("a wrong password, and none, are refusals of the credentials", () =>
  withServer({ password: PASSWORD }, async ({ url, port }) => {
    const wrong = url.replace(encodeURIComponent(PASSWORD), "other-s3cr3t");
    for (const one of [wrong, `redis://127.0.0.1:${port}`]) {
      const { code, names } = await examine({ REDIS_URL: one }, { secret: "other-s3cr3t" });
      assert.deepEqual([code, names], [1, ["ok reachable", "failed credentials"]]);
    }
  }));

test("a closed port, a silent server and a URL that cannot be are told", async () => {
  const closed = `redis://:${PASSWORD}@127.0.0.1:${await freePort()}`;
  assert.deepEqual((await examineUrl(closed)).names, ["failed reachable"]);
  const { names } = await examineUrl(`redis://:${PASSWORD}@h/x`);
  assert.deepEqual(names, ["failed configuration"]);
  await withServer({}, async (server) => {
    server.pause();
    const { names } = await examineUrl(server.url, "--timeout-ms", "300");
    assert.deepEqual(names, ["failed reachable"]);
    server.resume();
  });
});

test("what loses events of streams is a warning", () =>
  withServer(
    { settings: { maxmemory: "64mb", "maxmemory-policy": "allkeys-lru" } },
    async (server) => {
      const { code, findings } = await examineUrl(server.url);
      assert.equal(code, 0);
      assert.match(findings.get("warning eviction")!.found, /^allkeys-lru above 64 MiB/);
      assert.match(findings.get("warning persistence")!.found, /^appendonly is off/);
      await server.command("CONFIG", "SET", "maxmemory-policy", "volatile-ttl");
      assert.ok((await examineUrl(server.url)).findings.has("ok eviction"));
    },
  ));

test("a replica fails, a node of a cluster is a warning", async () => {
  const replicaof = `127.0.0.1 ${await freePort()}`;
  await withServer({ settings: { replicaof } }, async ({ url }) => {
    const { code, findings } = await examineUrl(url);
    assert.deepEqual([code, findings.has("failed role")], [1, true]);
  });
  await withServer({ settings: { "cluster-enabled": true } }, async ({ url }) => {
    assert.ok((await examineUrl(url)).findings.has("warning role"));
  });
});

test("a user who may not run something is told what", () =>
  withServer({}, async (server) => {
    await server.command(
      "ACL",
      "SETUSER",
      "limited",
      "on",
      `>${PASSWORD}`,
      "~*",
      "+hello",
      "+time",
      "+ping",
    );
    const url = `redis://limited:${PASSWORD}@127.0.0.1:${server.port}`;
    const { code, names } = await examineUrl(url);
    assert.equal(code, 1);
    const expected = ["ok reachable", "ok credentials", "failed settings", "failed scripts"];
    assert.deepEqual(names, [...expected, "ok latency", "ok clock"]);
  }));
