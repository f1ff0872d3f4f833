import assert from "node:assert/strict";
import { test } from "node:test";
import { FetchClient } from "../../../storage/adapters/s3/fetch_client.ts";
import { defaultHttpClient } from "../../../storage/adapters/s3/http_client.ts";
import { NodeClient } from "../../../storage/adapters/s3/node_client.ts";
import { answerOf, RawHttpServer } from "../../support/raw_http_server.ts";

test("the default client is that of node:http on Node and Deno, and fetch on Bun", async () => {
  const client = await defaultHttpClient();
  const onBun = navigator.userAgent.startsWith("Bun/");
  assert.ok(client instanceof (onBun ? FetchClient : NodeClient));
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
