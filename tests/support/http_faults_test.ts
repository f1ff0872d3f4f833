import assert from "node:assert/strict";
import { test } from "node:test";
import {
  answer,
  changeReplyHeaders,
  changeRequestHeaders,
  compose,
  corruptReply,
  corruptRequest,
  type Fault,
  forwardThenAnswer,
  latency,
  limitData,
  resetPeer,
  shortenReply,
  slicer,
  swallowReply,
  timeout,
} from "./http_faults.ts";
import { ask, CLOSE, dial, REPLY, withHttpProxy } from "./proxied_server.ts";
import { until } from "./until.ts";

/** Longer than an answer on loopback takes. */
const SILENCE_MS = 200;

test("answer replies without the server, forward_then_answer with it", async () => {
  await withHttpProxy(async (proxy, seen) => {
    proxy.on(/^PUT/, answer(503, "<é>", { "retry-after": "1" }));
    proxy.on(/^POST/, forwardThenAnswer(301, "", { location: "http://other.example/" }));
    proxy.on(/^HEAD/, answer(404, "text"));
    const refused = await ask(proxy, "PUT /", "body");
    assert.match(refused.head, /^HTTP\/1.1 503 Service Unavailable\r\n(.*\r\n)*retry-after: 1/);
    assert.deepEqual([refused.body, refused.end], ["<é>", "closed"]);
    assert.equal(proxy.requests[0]?.bodyBytes, 4);
    assert.deepEqual(seen, []);
    assert.match((await ask(proxy, "POST /", "body")).head, /^HTTP\/1.1 301 [^]*other\.example/);
    assert.deepEqual(seen, ["POST / body"]);
    assert.equal((await ask(proxy, "HEAD /")).body, "");
  });
});

type Cut = readonly [Fault, end: string, body: string, line?: string];

const CUTS: Readonly<Record<string, Cut>> = {
  "reset_peer": [resetPeer(), "ECONNRESET", ""],
  "reset_peer after the head": [resetPeer(0), "ECONNRESET", ""],
  "reset_peer after 4 bytes": [resetPeer(4), "ECONNRESET", "0123"],
  "reset_peer after more than all bytes": [resetPeer(99), "ECONNRESET", REPLY],
  "reset_peer after a head alone": [resetPeer(0), "ECONNRESET", "", "HEAD /"],
  "limit_data": [limitData(), "closed", ""],
  "limit_data after the head": [limitData(0), "closed", ""],
  "limit_data after 4 bytes": [limitData(4), "closed", "0123"],
  "limit_data after all bytes": [limitData(10), "closed", REPLY],
  "limit_data before all chunks": [limitData(0), "closed", "", "GET /chunked"],
  "limit_data in first chunk": [limitData(3), "closed", "3\r\n012\r\n", "GET /chunked"],
  "limit_data in later chunk": [limitData(6), "closed", "5\r\n01234\r\n1\r\n5\r\n", "GET /chunked"],
  "swallow_reply": [swallowReply(), "ECONNRESET", ""],
  "a length that is too large": [changeReplyHeaders({ "content-length": "11" }), "closed", REPLY],
  "no length": [changeReplyHeaders({ "content-length": undefined }), "closed", REPLY],
};

for (const [what, [fault, end, body, line = "PUT /"]] of Object.entries(CUTS)) {
  test(`${what} ends the connection: ${end}`, async () => {
    await withHttpProxy(async (proxy, seen) => {
      proxy.on(/./, fault, { times: 1 });
      const reply = await ask(proxy, line, "", ["Host: x"]);
      assert.deepEqual([reply.end, reply.body], [end, body]);
      const isForwarded = !["reset_peer", "limit_data"].includes(what);
      assert.equal(seen.length, isForwarded ? 1 : 0);
      const isAnswered = isForwarded && what !== "swallow_reply";
      assert.equal(reply.status, isAnswered ? 200 : NaN);
      const hasLength = isAnswered && !/chunk|no length/.test(what);
      assert.equal(/content-length: 1/i.test(reply.head), hasLength);
      assert.equal((await ask(proxy, "GET /")).body, REPLY);
    });
  });
}

test("timeout says nothing, or nothing more after a number of bytes", async () => {
  await withHttpProxy(async (proxy, seen) => {
    proxy.on(/^PUT/, timeout());
    proxy.on(/^GET/, timeout(4));
    const silent = await dial(proxy, ["PUT / HTTP/1.1\r\ncontent-length: 4\r\n\r\nbody"]);
    const stalled = await dial(proxy, ["GET / HTTP/1.1\r\nhost: x\r\n\r\n"]);
    await until("both requests", () => proxy.requests.length === 2);
    await until("a part of the reply", () => stalled.received().endsWith("\r\n\r\n0123"));
    await new Promise((resolve) => setTimeout(resolve, SILENCE_MS));
    assert.equal(silent.received(), "");
    assert.match(stalled.received(), /content-length: 10\r\n[^]*\r\n\r\n0123$/i);
    assert.equal(proxy.connectionCount, 2);
    silent.socket.end();
    stalled.socket.destroy();
    await until("both have left", () => proxy.connectionCount === 0);
    assert.deepEqual(seen, ["GET / "]);
  });
});

test("latency delays a reply, slicer each of its bytes", async () => {
  await withHttpProxy(async (proxy) => {
    proxy.on(/slow/, latency(120));
    proxy.on(/sliced/, slicer(12));
    for (const line of ["GET /slow", "GET /sliced"]) {
      const startMs = performance.now();
      assert.equal((await ask(proxy, line)).body, REPLY);
      assert.ok(performance.now() - startMs >= 105, line);
    }
  });
});

test("bytes of bodies are changed and left out", async () => {
  await withHttpProxy(async (proxy, seen) => {
    proxy.on(/^GET/, corruptReply(6));
    proxy.on(/^PUT/, corruptRequest(1));
    proxy.on(/short/, shortenReply(3));
    assert.equal((await ask(proxy, "GET /")).body, "0123457789");
    assert.match((await ask(proxy, "GET /chunked")).body, /01234\r\n5\r\n57789/);
    assert.equal((await ask(proxy, "PUT /", "body")).body, REPLY);
    assert.deepEqual(seen, ["GET / ", "GET /chunked ", "PUT / bndy"]);
    for (const line of ["POST /short", "POST /short/chunked"]) {
      const reply = await ask(proxy, line);
      assert.match(reply.head, /content-length: 7/i);
      assert.doesNotMatch(reply.head, /content-length: 10|transfer-encoding/i);
      assert.deepEqual([reply.body, reply.end], ["0123456", "closed"]);
    }
  });
});

test("headers are changed, added and removed", async () => {
  await withHttpProxy(async (proxy) => {
    const toServer = changeRequestHeaders({ "if-none-match": undefined, host: "changed" });
    const toClient = changeReplyHeaders({ etag: '"new"', added: "1", "seen-host": undefined });
    proxy.on(/both/, compose(toClient, toServer));
    proxy.on(/server/, toServer);
    const head = async (line: string) =>
      (await ask(proxy, line, "", [...CLOSE, "If-None-Match: *"])).head
        .match(/^(etag|added|seen-.*): .*/gim)?.join(", ");
    assert.equal(await head("GET /"), 'seen-host: x, seen-condition: *, etag: "old"');
    assert.equal(await head("GET /server"), 'seen-host: changed, seen-condition: , etag: "old"');
    assert.equal(await head("GET /both"), 'seen-condition: , etag: "new", added: 1');
  });
});
