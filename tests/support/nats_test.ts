import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { freePort } from "./free_port.ts";
import { dropLeftStreams, dropStreams, probeNats, testPrefix, withNats } from "./nats.ts";
import { runName } from "./postgres.ts";
import { startNats } from "./private_nats.ts";
import { findService, privateServerTest, serviceTest } from "./services.ts";

const needsNats = serviceTest(await findService("nats"));
const needsOwnNats = privateServerTest("nats");

needsNats("a server with JetStream is usable", async (url) => {
  assert.equal(await probeNats(url), undefined);
});

needsOwnNats("a server without JetStream is not usable", async () => {
  const server = await startNats({ jetstream: false });
  try {
    await assert.rejects(probeNats(server.url), /jetstream/);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

test("a server that does not answer, or answers something else, is not usable", async () => {
  for (const greeting of ["", "HTTP/1.1 400 Bad\r\n\r\n"]) {
    const server = createServer((socket) => {
      socket.on("error", () => {}).resume().write(greeting || "\r\n");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await assert.rejects(probeNats(`nats://:s3cr3t@127.0.0.1:${port}`));
    server.close();
    // It closes only when nobody is connected any more.
    await once(server, "close");
  }
});

needsOwnNats("the error of a probe never shows a password", async () => {
  const server = await startNats({ login: { user: "user", password: "right" } });
  const urls = {
    [`nats://user:s3cr3t@127.0.0.1:${server.port}`]: /Authorization Violation/,
    [`nats://user:s3cr3t@127.0.0.1:${await freePort()}`]: /ECONNREFUSED/,
    "nats://user:s3cr3t@127.0.0.1:port": /malformed/,
  };
  try {
    for (const [url, message] of Object.entries(urls)) {
      await assert.rejects(probeNats(url), (error: Error) => {
        assert.match(error.message, message);
        return !`${error.message} ${error.stack} ${error.cause}`.includes("s3cr3t");
      });
    }
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

test("a prefix is unique and names its run", () => {
  const run = runName();
  const names = Array.from({ length: 100 }, testPrefix);
  assert.equal(new Set(names).size, 100);
  for (const name of names) assert.match(name, new RegExp(`^t-${run}-[a-z0-9]+$`));
});

needsNats("the streams that a killed test file left are deleted, and only those", async (url) => {
  const run = crypto.randomUUID().slice(0, 8);
  const kept = `${testPrefix()}-t-${run}-a`;
  await withNats(url, async ({ jsm }) => {
    for (const name of [`t-${run}-a`, `t-${run}-b`, `t-${run}2-a`, kept]) {
      await jsm.streams.add({ name, subjects: [name] });
    }
    await dropLeftStreams(url, run);
    const names = await Array.fromAsync(jsm.streams.names());
    assert.deepEqual(
      names.filter((name) => name.includes(`t-${run}`)),
      [kept, `t-${run}2-a`].sort(),
    );
    await dropStreams(url, `t-${run}2-`);
    await dropStreams(url, kept);
  });
});
