import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultHttpClient } from "../../../storage/adapters/s3/http_client.ts";
import { answerOf, RawHttpServer } from "../../support/raw_http_server.ts";

test("bodies go through node:http on Node and Deno, and what has none through fetch on Deno and Bun", async () => {
  await using server = await RawHttpServer.start((socket) => socket.write(answerOf("")));
  const client = await defaultHttpClient();
  const url = server.url;
  const signal = new AbortController().signal;
  for (const [method, body] of [["PUT", new Uint8Array(3)], ["GET", undefined]] as const) {
    const { chunks } = await client.send({ method, url, headers: {}, body }, signal);
    await chunks?.next();
  }
  client.close();
  // Only `fetch` says what it accepts.
  const fetched = server.requests.map(({ headers }) => headers["accept"] !== undefined);
  const [runtime] = navigator.userAgent.split("/");
  const expected = { Bun: [true, true], Deno: [false, true] }[runtime ?? ""] ?? [false, false];
  assert.deepEqual(fetched, expected);
});

test("the default client sends the length of a large body, as servers demand", async () => {
  await using server = await RawHttpServer.start((socket) => socket.write(answerOf("")));
  const client = await defaultHttpClient();
  const body = new Uint8Array(1_000_000);
  const request = { method: "PUT", url: server.url, headers: {}, body };
  const { chunks } = await client.send(request, new AbortController().signal);
  await chunks?.next();
  client.close();
  const { headers } = server.requests[0] ?? assert.fail();
  assert.deepEqual([headers["content-length"], headers["transfer-encoding"]], [
    "1000000",
    undefined,
  ]);
});
