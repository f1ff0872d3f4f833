import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { shortenReply } from "./http_faults.ts";
import { HttpProxy } from "./http_proxy.ts";
import { ask, dial, REPLY, withHttpProxy } from "./proxied_server.ts";
import { until } from "./until.ts";

test("a connection is used again, after messages of every kind", async () => {
  await withHttpProxy(async (proxy, seen) => {
    const client = await dial(proxy, [
      "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
      "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n",
      "GET /chunked HTTP/1.1\r\nhost: x\r\n\r\n",
      "HEAD /chunked HTTP/1.1\r\nhost: x\r\n\r\n",
      "DELETE /empty HTTP/1.1\r\nhost: x\r\n\r\n",
      "PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n",
      "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\ntrailer: x\r\n\r\n",
      "GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    ]);
    assert.equal(await client.end, "closed");
    assert.deepEqual(seen, [
      ...["GET / ", "HEAD / ", "GET /chunked ", "HEAD /chunked ", "DELETE /empty ", "PUT / abcde"],
      "GET /last ",
    ]);
    assert.deepEqual(proxy.requests.map(({ connection }) => connection), [1, 1, 1, 1, 1, 1, 1]);
    assert.deepEqual(proxy.requests.map(({ bodyBytes }) => bodyBytes), [0, 0, 0, 0, 0, 5, 0]);
    const bodies = client.received().split(/HTTP\/1\.1 [^]*?\r\n\r\n/).slice(1);
    const chunked = "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n";
    assert.deepEqual(bodies, [REPLY, "", chunked, "", "", REPLY, REPLY]);
  });
});

test("interim replies are left out, and a reply can last until its connection ends", async () => {
  const server = createServer((socket) => {
    socket.end("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nx:y\r\n\r\nall of it");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const proxy = await HttpProxy.start(`http://127.0.0.1:${port}`);
  proxy.on(/short/, shortenReply(4));
  assert.equal((await ask(proxy, "GET /short")).body, "all o");
  const { head, body, end } = await ask(proxy, "GET /", "", ["Host: x"]);
  assert.deepEqual([head, body, end], ["HTTP/1.1 200 \r\nx: y", "all of it", "closed"]);
  await proxy[Symbol.asyncDispose]();
  server.close();
});

test("a server can reply before it has got all of a request, which it gets nevertheless", async () => {
  const received: string[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader("content-length", 5);
    request.on("data", (piece) => received.push(String(piece)));
    await once(request, "data");
    response.end("early");
  };
  await withHttpProxy(async (proxy) => {
    const client = await dial(proxy, []);
    for (const index of [0, 1]) {
      client.socket.write("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\nhalf");
      await until("an early reply", () => proxy.requests[index]?.status === 200);
      for (const piece of ["re", "st"]) {
        client.socket.write(piece);
        await until("the rest", () => received.join("").endsWith(piece));
      }
    }
    assert.equal(received.join(""), "halfresthalfrest");
    await until("both replies", () => client.received().split("early").length === 3);
    assert.deepEqual(proxy.requests.map(({ connection }) => connection), [1, 1]);
  }, respond);
});
