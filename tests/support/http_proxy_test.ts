import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import {
  answer,
  type Fault,
  latency,
  limitData,
  resetPeer,
  slicer,
  swallowReply,
  timeout,
} from "./http_faults.ts";
import { drain, headerValue } from "./http_messages.ts";
import { HttpProxy } from "./http_proxy.ts";
import { ask, CLOSE, dial, REPLY, withHttpProxy } from "./proxied_server.ts";
import { until } from "./until.ts";

const ENDS = [
  [limitData(), "closed", ""],
  [limitData(4), "closed", "0123"],
  [resetPeer(), "ECONNRESET", ""],
  [swallowReply(), "ECONNRESET", ""],
] as const;

test("without faults, requests and replies pass as they are", async () => {
  await withHttpProxy(async (proxy, seen) => {
    const target = "/a%20b/%2E%2e/c//d?x=%21&y&x=*'()";
    const reply = await ask(proxy, `PUT ${target}`, "body", [
      "hOsT: other.example",
      "X-One: é",
      "Connection: close",
    ]);
    assert.deepEqual(seen, [`PUT ${target} body`]);
    assert.match(reply.head, /^HTTP\/1\.1 200 OK\r\n(.*\r\n)*seen-host: other\.example(\r\n|$)/i);
    assert.deepEqual([reply.body, reply.end], [REPLY, "closed"]);
    const [request] = proxy.requests;
    assert.deepEqual({ ...request, headers: request?.headers.slice(0, 2) }, {
      ...{ method: "PUT", target, connection: 1, bodyBytes: 4, status: 200 },
      headers: [["hOsT", "other.example"], ["X-One", Buffer.from("é").toString("latin1")]],
    });
  });
});

test("what a fault leaves of a request is not in the way of the next one", async () => {
  await withHttpProxy(async (proxy) => {
    proxy.on(/^PUT/, async (request, forward) => {
      for await (const _ of request.body) break;
      return await answer(200, "early")({ ...request, body: (async function* () {})() }, forward);
    });
    const client = await dial(proxy, [
      "PUT / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    ]);
    assert.equal(await client.end, "closed");
    assert.match(client.received(), /early[^]*0123456789$/);
    assert.equal(proxy.requests[0]?.bodyBytes, 2);
  });
});

test("faults are for requests that match, as often as they say, the first one first", async () => {
  await withHttpProxy(async (proxy, seen) => {
    proxy.on(/^GET .*\?a=/, answer(503), { times: 2 });
    proxy.on(({ headers }) => headerValue(headers, "x-one") === "1", answer(429), { times: 1 });
    proxy.on(/\?a=/, answer(500));
    const statuses = [];
    for (const line of ["GET /?b=", "GET /?a=", "PUT /?a=", "GET /?a=", "GET /?a=", "GET /?a="]) {
      statuses.push((await ask(proxy, line, "", [...CLOSE, "X-One: 1"])).status);
    }
    assert.deepEqual(statuses, [429, 503, 500, 503, 500, 500]);
    proxy.heal();
    assert.equal((await ask(proxy, "GET /?a=")).status, 200);
    assert.deepEqual(seen, ["GET /?a= "]);
    assert.deepEqual(proxy.requests.map(({ status }) => status), [...statuses, 200]);
    assert.deepEqual(proxy.requests.map(({ connection }) => connection), [1, 2, 3, 4, 5, 6, 7]);
  });
});

test("a held request waits until it is released, and is not carried out if its client leaves", async () => {
  await withHttpProxy(async (proxy, seen) => {
    const first = proxy.hold(/held/);
    const asked = ask(proxy, "PUT /held", "body");
    await first.arrived;
    await ask(proxy, "GET /other");
    assert.deepEqual(seen, ["GET /other "]);
    first.release();
    assert.equal((await asked).body, REPLY);
    proxy.heal();
    const second = proxy.hold(/held/);
    const client = await dial(proxy, ["GET /held HTTP/1.1\r\nhost: x\r\n\r\n"]);
    await second.arrived;
    client.socket.end();
    await until("the client has left", () => proxy.connectionCount === 0);
    second.release();
    await ask(proxy, "GET /other");
    assert.deepEqual(seen, ["GET /other ", "PUT /held body", "GET /other "]);
  });
});

test("a held reply waits until it is released; the request is carried out", async () => {
  await withHttpProxy(async (proxy, seen) => {
    const { arrived, release } = proxy.hold(/held/, "reply");
    const asked = ask(proxy, "PUT /held", "body");
    await arrived;
    await ask(proxy, "GET /other");
    assert.deepEqual(seen, ["PUT /held body", "GET /other "]);
    assert.equal(proxy.requests[0]?.status, undefined);
    release();
    assert.equal((await asked).body, REPLY);
  });
});

test("a server that ends or resets its connection does the same to the client's", async () => {
  await withHttpProxy(async (server) => {
    const proxy = await HttpProxy.start(server.url);
    for (const [fault, end, body] of ENDS) {
      server.on(/./, fault, { times: 1 });
      const reply = await ask(proxy, "PUT /", "body");
      assert.deepEqual([reply.end, reply.body], [end, body]);
    }
    await proxy[Symbol.asyncDispose]();
  });
});

test("a client that leaves takes the connection to the server along", async () => {
  await withHttpProxy(async (server) => {
    server.on(/./, timeout(4));
    const proxy = await HttpProxy.start(server.url);
    const client = await dial(proxy, ["GET / HTTP/1.1\r\nhost: x\r\nX-One: é\r\n\r\n"]);
    await until("a part of the reply", () => client.received().endsWith("\r\n\r\n0123"));
    assert.deepEqual(server.requests, proxy.requests);
    client.socket.destroy();
    await until("nobody is there", () => proxy.connectionCount + server.connectionCount === 0);
    await proxy[Symbol.asyncDispose]();
  });
});

test("nothing is done any more for a client that has left", async () => {
  await withHttpProxy(async (proxy, seen) => {
    const gone: Fault = async (request, forward) => {
      await drain(request.body);
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      return await forward(request);
    };
    proxy.on(/GET/, gone);
    proxy.on(/silent/, timeout());
    proxy.on(/PUT/, answer(200));
    const clients = [
      await dial(proxy, ["GET / HTTP/1.1\r\nhost: x\r\n\r\n"]),
      await dial(proxy, ["GET /silent HTTP/1.1\r\nhost: x\r\n\r\n"]),
      await dial(proxy, ["PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\nhalf"]),
    ];
    await until("all requests", () => proxy.requests.length === 3);
    for (const { socket } of clients) socket.end();
    await until("they have left", () => proxy.connectionCount === 0);
    assert.deepEqual(proxy.requests.map(({ status }) => status), [undefined, undefined, undefined]);
    await ask(proxy, "POST /");
    assert.deepEqual(seen, ["POST / "]);
  });
});

test("reset_all and down reset open connections; down refuses until up", async () => {
  await withHttpProxy(async (proxy) => {
    const { url } = proxy;
    for (const end of [() => proxy.resetAll(), () => proxy.down()]) {
      const client = await dial(proxy, ["GET / HTTP/1.1\r\nhost: x\r\n\r\n"]);
      await until("a reply", () => client.received().endsWith(REPLY));
      await end();
      assert.equal(await client.end, "ECONNRESET");
      await until("nobody is there", () => proxy.connectionCount === 0);
    }
    await assert.rejects(dial(proxy, []), { code: "ECONNREFUSED" });
    await proxy.up();
    assert.equal(proxy.url, url);
    assert.equal((await ask(proxy, "GET /")).body, REPLY);
  });
});

test("a server that is down is a reset connection, not a crash", async () => {
  const proxy = await HttpProxy.start("http://127.0.0.1:1");
  assert.equal((await ask(proxy, "PUT /", "body")).end, "ECONNRESET");
  await proxy[Symbol.asyncDispose]();
});

test("disposal ends exchanges that would never end", async () => {
  const respond = (_: IncomingMessage, response: ServerResponse) =>
    Promise.resolve(void response.end(Buffer.alloc(64 * 1024 * 1024)));
  await withHttpProxy(async (proxy) => {
    proxy.on(/silent/, timeout());
    proxy.on(/ended/, limitData());
    proxy.on(/sliced/, slicer(3_600_000));
    proxy.on(/late/, latency(3_600_000));
    const replied = proxy.hold(/late/, "reply");
    replied.release();
    const held = proxy.hold(/held/);
    const [ended, sliced, unread] = await Promise.all(
      ["ended", "sliced", "unread", "late", "silent", "held"].map((path) =>
        dial(proxy, [`GET /${path} HTTP/1.1\r\nhost: x\r\n\r\n`])
      ),
    );
    unread?.socket.pause();
    await Promise.all([ended?.end, replied.arrived, held.arrived]);
    await until("the first byte", () => sliced?.received().endsWith("\0") ?? false);
    await until("all requests", () => proxy.requests.length === 6);
    assert.equal(proxy.connectionCount, 6);
    await proxy[Symbol.asyncDispose]();
    assert.equal(proxy.connectionCount, 0);
  }, respond);
});
