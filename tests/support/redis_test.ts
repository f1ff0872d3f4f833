import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { freePort } from "./free_port.ts";
import { runName } from "./postgres.ts";
import { startRedis } from "./private_redis.ts";
import { dropLeftKeys, probeRedis, testNamespace, withRedis } from "./redis.ts";
import { findService, privateServerTest, serviceTest } from "./services.ts";

const needsRedis = serviceTest(await findService("redis"));
const needsOwnRedis = privateServerTest("redis");

needsRedis("a server that answers PING is usable", async (url) => {
  assert.equal(await probeRedis(url), undefined);
});

test("a server that does not answer is given up after five seconds, without a socket left", async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.resume())).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const startMs = performance.now();
  await Promise.all(
    ["redis", "rediss"].map((scheme) =>
      assert.rejects(probeRedis(`${scheme}://:s3cr3t@127.0.0.1:${port}`))
    ),
  );
  const seconds = (performance.now() - startMs) / 1000;
  assert.ok(seconds > 4.5 && seconds < 20, `after ${seconds} s`);
  assert.equal(sockets.length, 2);
  server.close();
  // It closes only when nobody is connected any more.
  await once(server, "close");
});

test("a server that answers something else is not usable", async () => {
  const server = createServer((socket) =>
    socket.on("error", () => {}).resume().end("HTTP/1.1 400 Bad\r\n\r\n")
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await assert.rejects(probeRedis(`redis://127.0.0.1:${port}`));
  server.close();
  await once(server, "close");
});

needsOwnRedis("the error of a probe never shows a password", async () => {
  const server = await startRedis({ password: "right" });
  const urls = {
    [`redis://:s3cr3t@127.0.0.1:${server.port}`]: /WRONGPASS/,
    [`redis://:s3cr3t@127.0.0.1:${await freePort()}`]: /ECONNREFUSED/,
    "redis://:s3cr3t@127.0.0.1:port": /malformed/,
    "redis://:s3cr3t%@127.0.0.1": /./,
    "redis://:s3cr3t@127.0.0.1/s3cr3t": /pathname/,
    "http://:s3cr3t@127.0.0.1": /protocol/,
  };
  try {
    for (const [url, message] of Object.entries(urls)) {
      await assert.rejects(probeRedis(url), (error: Error & { input?: string }) => {
        assert.match(error.message, message);
        return !`${error.message} ${error.stack} ${error.input} ${error.cause}`.includes("s3cr3t");
      });
    }
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

test("a namespace is unique, names its run and fits into a key", () => {
  const run = runName();
  const names = Array.from({ length: 100 }, testNamespace);
  assert.equal(new Set(names).size, 100);
  for (const name of names) assert.match(name, new RegExp(`^t-${run}-[a-z0-9]+$`));
});

needsRedis("the keys that a killed test file left are deleted, and only those", async (url) => {
  const run = crypto.randomUUID().slice(0, 8);
  const ours = testNamespace();
  const left = [
    `t-${run}-abc:key`,
    `t-${run}-abc/lock:key`,
    `t-${run}-0f0f:`,
    Uint8Array.from([...`t-${run}-abc:`].map((c) => c.charCodeAt(0)).concat(255, 254)),
    ...Array.from({ length: 1_500 }, (_, index) => `t-${run}-abc:${index}`),
  ];
  const kept = [`t-${run}-abc`, `t-${run}-abc-d:key`, `t-${run}2-abc:key`, `${ours}:t-${run}-abc:`];
  await withRedis(url, async (send) => {
    const count = (keys: readonly (string | Uint8Array)[]): Promise<unknown> =>
      send("EXISTS", ...keys);
    try {
      for (const key of [...left, ...kept]) await send("SET", key, "value", "EX", "60");
      assert.equal(await count(left), left.length);
      await dropLeftKeys(url, run);
      assert.equal(await count(left), 0);
      assert.equal(await count(kept), kept.length);
    } finally {
      await send("UNLINK", ...left, ...kept);
    }
  });
});
