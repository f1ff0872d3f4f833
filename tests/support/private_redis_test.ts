import assert from "node:assert/strict";
import process from "node:process";
import { createCertificate } from "./certificate.ts";
import { leftFolders, withOwnRun } from "./own_run.ts";
import {
  type PrivateRedis,
  type RedisOptions,
  startRedis,
  stopLeftRedis,
} from "./private_redis.ts";
import { isAlive } from "./process_signals.ts";
import { withRedis } from "./redis.ts";
import { privateServerTest } from "./services.ts";
import { Script } from "./spawn_script.ts";
import { until } from "./until.ts";

const test = privateServerTest("redis");

test("a private server answers with the settings asked for, and ends when disposed", async () => {
  let pid = 0;
  await withServer(
    { settings: { maxmemory: "2mb", "lazyfree-lazy-expire": true } },
    async (server) => {
      assert.deepEqual(await server.command("CONFIG", "GET", "maxmemory"), [
        "maxmemory",
        "2097152",
      ]);
      const expected = ["lazyfree-lazy-expire", "yes"];
      assert.deepEqual(await server.command("CONFIG", "GET", "lazyfree-lazy-expire"), expected);
      assert.deepEqual(await server.command("CONFIG", "GET", "bind"), ["bind", "127.0.0.1"]);
      assert.deepEqual(await server.command("CONFIG", "GET", "save"), ["save", ""]);
      pid = server.pid;
    },
  );
  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});

test("a server with a setting that it does not know is an error that says what is wrong", async () => {
  await withOwnRun(stopLeftRedis, async (run) => {
    const settings = { "no-such-directive": 1 };
    await assert.rejects(
      startRedis({ settings }),
      /Cannot start Redis: it ended[^]*no-such-directive/,
    );
    assert.deepEqual(await leftFolders(run), []);
  });
});

test("a command carries raw bytes, and its failure is the server's error", async () => {
  await withServer({}, async (server) => {
    assert.equal(await server.command("SET", "key", Uint8Array.of(0, 255, 13, 10)), "OK");
    assert.equal(await server.command("STRLEN", "key"), 4);
    const read = await withRedis(server.url, (send) => send("GET", "key"), { bytes: true });
    assert.deepEqual([...read as Uint8Array], [0, 255, 13, 10]);
    await assert.rejects(server.command("INCR", "key"), /ERR value is not an integer/);
    await assert.rejects(server.command("SHUTDOWN", "NOSAVE"));
  });
});

test("a paused server accepts connections and does not answer; resumed, it does", async () => {
  await withServer({}, async (server) => {
    server.pause();
    const answer = server.command("PING");
    const silence = new Promise((resolve) => setTimeout(() => resolve("silent"), 200));
    assert.equal(await Promise.race([answer, silence]), "silent");
    server.resume();
    assert.equal(await answer, "PONG");
  });
});

for (const mode of ["graceful", "kill"] as const) {
  test(`a server keeps its port and nothing else after stop("${mode}"), also when paused`, async () => {
    await withServer({}, async (server) => {
      const { port, pid } = server;
      await server.command("SET", "key", "value");
      server.pause();
      await server.stop(mode);
      assert.throws(() => server.pid, /the server is stopped/);
      await assert.rejects(server.command("PING"), { code: "ECONNREFUSED" });
      await server.start();
      assert.equal(server.port, port);
      assert.notEqual(server.pid, pid);
      assert.equal(await server.command("GET", "key"), null);
      await assert.rejects(server.start(), /Cannot start Redis: it is running/);
    });
  });
}

test("a server that is told to append to a file still has its data after a crash", async () => {
  await withServer({ settings: { appendonly: true, appendfsync: "always" } }, async (server) => {
    await server.command("SET", "key", "value");
    await server.stop("kill");
    await server.start();
    assert.equal(await server.command("GET", "key"), "value");
  });
});

test("a server can be the replica of another", async () => {
  await withServer({}, async (master) => {
    await master.command("SET", "key", "value");
    await withServer({ settings: { replicaof: `127.0.0.1 ${master.port}` } }, async (replica) => {
      await until("it has the key", async () => await replica.command("GET", "key") === "value");
      await assert.rejects(replica.command("SET", "key", "other"), /READONLY/);
    });
  });
});

test("with a password and TLS, wrong passwords and strangers are refused", async () => {
  const tls = await createCertificate("DNS:localhost");
  await withServer({ password: `s3cr3t% "\\`, tls }, async (server) => {
    assert.match(server.url, /^rediss:/);
    assert.equal(await server.command("PING"), "PONG");
    const ping = (url: string, trustAnyone: boolean): Promise<unknown> =>
      withRedis(url, (send) => send("PING"), { trustAnyone });
    await assert.rejects(ping(server.url, false), /certificate/i);
    await assert.rejects(ping(server.url.replace("s3cr3t", "wrong"), true), /WRONGPASS/);
    await assert.rejects(ping(server.url.replace(/:[^/]*@/, ""), true), /NOAUTH/);
    await assert.rejects(ping(server.url.replace("rediss:", "redis:"), true));
  });
});

test("a server that a killed test file left running is stopped and deleted", async () => {
  await withOwnRun(stopLeftRedis, async (run) => {
    await withServer({}, async (server) => {
      const { pid } = server;
      server.pause();
      await stopLeftRedis("another");
      process.kill(pid, 0);
      await stopLeftRedis(run);
      await until("the process has ended", () => !isAlive(pid));
      assert.deepEqual(await leftFolders(run), []);
    });
  });
});

test("a program that ends without stopping its server leaves nothing behind", async () => {
  await withOwnRun(stopLeftRedis, async (run) => {
    const script = new Script("abandoned_redis.ts", []);
    const pid = Number(await script.line());
    assert.ok(isAlive(pid));
    assert.equal((await leftFolders(run)).length, 1);
    await script.finish();
    await until("the server has ended", () => !isAlive(pid));
    assert.deepEqual(await leftFolders(run), []);
  });
});

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
