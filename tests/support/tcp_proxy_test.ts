import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { TcpProxy } from "./tcp_proxy.ts";
import {
  blackholeAfter,
  halfClose,
  latency,
  limitData,
  resetPeer,
  swallowReply,
  timeout,
} from "./toxics.ts";

/** Longer than an answer on loopback takes. */
const SILENCE_MS = 200;

test("without toxics, what is sent comes back and both sides see the end", async () => {
  await withProxy(async (proxy, seen) => {
    const client = await dial(proxy);
    assert.equal(await ask(client, "hello"), "echo hello");
    client.socket.end();
    assert.equal(await client.end, "closed");
    assert.deepEqual(seen, ["hello"]);
  });
});

test("through leads a URL through the proxy and keeps the rest of it", async () => {
  await withProxy((proxy) => {
    const url = proxy.through("postgres://user:word@db.example:5432/name?x=1");
    assert.equal(url, `postgres://user:word@127.0.0.1:${proxy.port}/name?x=1`);
  });
});

test("latency delays replies", async () => {
  await withProxy(async (proxy) => {
    proxy.add(latency(120));
    const startMs = performance.now();
    assert.equal(await ask(await dial(proxy), "slow"), "echo slow");
    assert.ok(performance.now() - startMs >= 115);
  });
});

test("timeout swallows requests and replies and keeps the connection open", async () => {
  await withProxy(async (proxy, seen) => {
    const client = await dial(proxy);
    proxy.add(timeout());
    assert.equal(await askInVain(client, "anyone?"), "");
    assert.deepEqual(seen, []);
    assert.equal(proxy.connectionCount, 1);
  });
});

test("heal resets connections that swallowed data and serves new ones", async () => {
  await withProxy(async (proxy) => {
    const [harmed, idle] = [await dial(proxy), await dial(proxy)];
    proxy.add(timeout());
    await askInVain(harmed, "lost");
    proxy.heal();
    assert.equal(await harmed.end, "ECONNRESET");
    assert.equal(await ask(idle, "still here"), "echo still here");
    assert.equal(await ask(await dial(proxy), "new"), "echo new");
  });
});

test("reset_peer resets at the first request, which the server never sees", async () => {
  await withProxy(async (proxy, seen) => {
    proxy.add(resetPeer());
    const client = await dial(proxy);
    client.socket.write("x");
    assert.equal(await client.end, "ECONNRESET");
    assert.deepEqual(seen, []);
  });
});

test("reset_peer resets after a number of bytes of replies", async () => {
  await withProxy(async (proxy) => {
    proxy.add(resetPeer(20));
    const client = await dial(proxy);
    assert.equal(await ask(client, "first"), "echo first");
    client.socket.write("second, which is longer");
    assert.equal(await client.end, "ECONNRESET");
  });
});

test("limit_data ends the connection cleanly after a number of bytes", async () => {
  await withProxy(async (proxy) => {
    proxy.add(limitData(7));
    const client = await dial(proxy);
    client.socket.write("abcdef");
    assert.equal(await client.end, "closed");
    assert.equal(client.received(), "echo ab");
  });
});

test("swallow_reply carries the request out, drops its reply and resets", async () => {
  await withProxy(async (proxy, seen) => {
    proxy.add(swallowReply(/commit/i));
    const client = await dial(proxy);
    assert.equal(await ask(client, "insert"), "echo insert");
    client.socket.write("COMMIT");
    assert.equal(await client.end, "ECONNRESET");
    assert.deepEqual(seen, ["insert", "COMMIT"]);
    assert.equal(client.received(), "echo insert");
  });
});

test("blackhole_after carries the request out and is silent from its reply on", async () => {
  await withProxy(async (proxy, seen) => {
    proxy.add(blackholeAfter(/publish/));
    const client = await dial(proxy);
    assert.equal(await ask(client, "ping"), "echo ping");
    assert.equal(await askInVain(client, "publish"), "");
    assert.deepEqual(seen, ["ping", "publish"]);
    assert.equal(proxy.connectionCount, 1);
  });
});

test("half_close ends the server's side only: what the client sends still arrives", async () => {
  await withProxy(async (proxy, seen) => {
    proxy.add(halfClose());
    const client = await dial(proxy);
    client.socket.write("first");
    await once(client.socket, "end");
    client.socket.write("second");
    await untilSeen(seen, "second");
    assert.equal(client.received(), "");
  });
});

test("reset_all resets open connections, also idle ones, and serves new ones", async () => {
  await withProxy(async (proxy) => {
    const client = await dial(proxy);
    await ask(client, "hello");
    proxy.resetAll();
    assert.equal(await client.end, "ECONNRESET");
    assert.equal(await ask(await dial(proxy), "again"), "echo again");
  });
});

test("down refuses connections and resets open ones; up serves on the same port", async () => {
  await withProxy(async (proxy) => {
    const { port } = proxy;
    const client = await dial(proxy);
    await ask(client, "hello");
    await proxy.down();
    assert.equal(await client.end, "ECONNRESET");
    await assert.rejects(dial(proxy), { code: "ECONNREFUSED" });
    await proxy.up();
    assert.equal(proxy.port, port);
    assert.equal(await ask(await dial(proxy), "back"), "echo back");
  });
});

test("a server that is down is a reset connection, not a crash", async () => {
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port: 1 });
  const client = await dial(proxy);
  assert.equal(await client.end, "ECONNRESET");
  await proxy[Symbol.asyncDispose]();
});

test("a connection that is silent to both its ends is closed when both have left", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("goodbye"));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port });
  const client = await dial(proxy);
  proxy.add(blackholeAfter(/hello/));
  assert.equal(await askInVain(client, "hello"), "");
  client.socket.end();
  assert.equal(await client.end, "ECONNRESET");
  await proxy[Symbol.asyncDispose]();
  server.close();
});

interface Client {
  readonly socket: Socket;
  /** How the connection ends: `closed`, or the code of an error. */
  readonly end: Promise<string>;
  received(): string;
}

async function dial(proxy: TcpProxy): Promise<Client> {
  const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  const pieces: Buffer[] = [];
  socket.on("data", (piece) => pieces.push(Buffer.from(piece)));
  const end = new Promise<string>((resolve) => {
    socket.once("error", (error: Error & { code?: string }) => resolve(error.code ?? "error"));
    socket.once("end", () => resolve("closed"));
  });
  await once(socket, "connect");
  return { socket, end, received: () => Buffer.concat(pieces).toString() };
}

/** Sends text and returns the next piece that comes back. */
async function ask(client: Client, text: string): Promise<string> {
  const reply = once(client.socket, "data");
  client.socket.write(text);
  return String((await reply)[0]);
}

/** Sends text and returns what has come back after a while. */
async function askInVain(client: Client, text: string): Promise<string> {
  const before = client.received().length;
  client.socket.write(text);
  await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
  return client.received().slice(before);
}

async function untilSeen(seen: readonly string[], text: string): Promise<void> {
  while (!seen.includes(text)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Runs a test with a proxy in front of a server that answers `echo <what it got>`. */
async function withProxy(
  run: (proxy: TcpProxy, seen: string[]) => void | Promise<void>,
): Promise<void> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      seen.push(data.toString());
      socket.write(`echo ${data}`);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port });
  try {
    await run(proxy, seen);
  } finally {
    await proxy[Symbol.asyncDispose]();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}
