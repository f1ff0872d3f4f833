import assert from "node:assert/strict";
import { test } from "node:test";
import { NodeClient } from "../../../storage/adapters/s3/node_client.ts";
import { readWhole, refusedConnection, testHttpClient } from "../../support/http_client_cases.ts";
import { answerOf, RawHttpServer } from "../../support/raw_http_server.ts";
import { until } from "../../support/until.ts";

testHttpClient("NodeClient", () => new NodeClient());

const never = new AbortController().signal;

test("close() closes connections that nobody uses, and no others", async () => {
  await using server = await RawHttpServer.start((socket, { target }) => {
    socket.write(
      answerOf("0123456789", target === "/slow" ? { headers: { "content-length": 11 } } : {}),
    );
    if (target === "/slow") slow.resolve(() => socket.write("!"));
  });
  const slow = Promise.withResolvers<() => void>();
  const client = new NodeClient();
  const get = { method: "GET", headers: {} };
  const held = await client.send({ ...get, url: `${server.url}/slow` }, never);
  await readWhole(await client.send({ ...get, url: `${server.url}/quick` }, never));
  assert.equal(server.openConnections, 2);
  // The connection goes back in a turn of the event loop.
  await new Promise((resolve) => setTimeout(resolve));
  client.close();
  await until("one connection is left", () => server.openConnections === 1);
  (await slow.promise)();
  assert.equal(await readWhole(held), "0123456789!");
});

test("a server that nobody listens for is a failure that certainly had no effect", async () => {
  const { isRefusal } = await refusedConnection(new NodeClient());
  assert.equal(isRefusal, true);
});
