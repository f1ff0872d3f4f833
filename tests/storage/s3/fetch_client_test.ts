import assert from "node:assert/strict";
import { test } from "node:test";
import { FetchClient } from "../../../storage/adapters/s3/fetch_client.ts";
import { refusedConnection, testHttpClient } from "../../support/http_client_cases.ts";

const sendsLength = navigator.userAgent.startsWith("Bun/");

testHttpClient("FetchClient", () => new FetchClient(globalThis.fetch, { sendsLength }));

const never = new AbortController().signal;

/** How the given `fetch` was called. */
async function calledWith(
  size: number,
  options: { sendsLength?: boolean },
): Promise<RequestInit & { readonly headers: Record<string, string> }> {
  const calls: unknown[] = [];
  const fetch: typeof globalThis.fetch = (_url, init) => {
    calls.push(init);
    return Promise.resolve(new Response());
  };
  const client = new FetchClient(fetch, options);
  const body = Uint8Array.from({ length: size }, (_, i) => i % 251);
  await client.send({ method: "PUT", url: "http://host/", headers: { a: "b" }, body }, never);
  return calls[0] as Awaited<ReturnType<typeof calledWith>>;
}

test("a large body is a stream only for a fetch that sends its length", async () => {
  for (const [size, options] of [[65_537, {}], [65_536, { sendsLength: true }]] as const) {
    const { body, headers } = await calledWith(size, options);
    assert.ok(body instanceof Uint8Array);
    assert.deepEqual(headers, { a: "b" });
  }
  const { body, headers } = await calledWith(200_000, { sendsLength: true });
  assert.ok(body instanceof ReadableStream);
  assert.deepEqual(headers, { a: "b", "content-length": "200000" });
  const bytes = new Uint8Array(await new Response(body).arrayBuffer());
  assert.equal(bytes.byteLength, 200_000);
  assert.ok(bytes.every((byte, i) => byte === i % 251));
});

test("fetch is called as a plain function, as globalThis.fetch must be", async () => {
  let self: unknown = "not called";
  const fetch = function (this: unknown): Promise<Response> {
    self = this;
    return Promise.resolve(new Response());
  };
  await new FetchClient(fetch).send({ method: "GET", url: "http://host/", headers: {} }, never);
  assert.equal(self, undefined);
});

test("a server that nobody listens for is known only where fetch tells the code of the system", async () => {
  const { isRefusal } = await refusedConnection(new FetchClient(globalThis.fetch));
  assert.equal(isRefusal, !navigator.userAgent.startsWith("Deno/"));
});
