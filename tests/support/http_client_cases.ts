import assert from "node:assert/strict";
import { test } from "node:test";
import { networkFailure, type S3Failure } from "../../storage/adapters/s3/failure.ts";
import type { HttpClient, RawResponse } from "../../storage/adapters/s3/http_client.ts";
import { freePort } from "./free_port.ts";
import { answerOf, RawHttpServer } from "./raw_http_server.ts";
import { until } from "./until.ts";

const never = new AbortController().signal;
const GET = { method: "GET", headers: {} };
const MIB = 1_048_576;

/** Reads the body of an answer to its end. */
export async function readWhole({ chunks }: RawResponse): Promise<string> {
  const gathered: Uint8Array<ArrayBuffer>[] = [];
  for (let next = await chunks?.next(); next && !next.done; next = await chunks?.next()) {
    gathered.push(next.value as Uint8Array<ArrayBuffer>);
  }
  return await new Blob(gathered).text();
}

/** What a request to a port without a server fails with. */
export async function refusedConnection(client: HttpClient): Promise<S3Failure> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const sent = client.send({ method: "PUT", url, headers: {}, body: new Uint8Array(1) }, never);
  return await sent.then(() => assert.fail("it succeeded"), networkFailure);
}

/** Registers what is true of every {@linkcode HttpClient} on this runtime. */
export function testHttpClient(name: string, newClient: () => HttpClient): void {
  for (const [what, run] of Object.entries(CASES)) {
    test(`${name}: ${what}`, async () => {
      const client = newClient();
      await run(client).finally(() => client.close());
    });
  }
}

const CASES: Readonly<Record<string, (client: HttpClient) => Promise<void>>> = {
  async "a request arrives as it was signed"(client) {
    await using server = await RawHttpServer.start((socket) => socket.write(answerOf("")));
    const headers = { authorization: "AWS4 a/b, c", "x-amz-meta-a": "b  c", "if-match": '"e"' };
    const target = "/bucket/a%20b/%252e%2B%28%29?b=%2F&a=";
    const sent = { method: "DELETE", url: server.url + target, headers };
    await readWhole(await client.send(sent, never));
    const [request] = server.requests;
    assert.deepEqual([request?.method, request?.target], ["DELETE", target]);
    for (const [header, value] of Object.entries(headers)) {
      assert.equal(request?.headers[header], value);
    }
    assert.equal(request?.headers["host"], new URL(server.url).host);
  },

  async "a body arrives with its length, never in chunks, whatever its size"(client) {
    await using server = await RawHttpServer.start((socket) => socket.write(answerOf("")));
    for (const size of [0, 1, 65_536, 65_537, 3 * MIB + 5]) {
      const body = Uint8Array.from({ length: size + 2 }, (_, i) => i % 251).subarray(2);
      const sent = { method: "PUT", url: server.url, headers: {}, body };
      await readWhole(await client.send(sent, never));
      const request = server.requests.at(-1);
      assert.equal(request?.headers["content-length"], String(size));
      assert.equal(request?.headers["transfer-encoding"], undefined);
      assert.ok(body.every((byte, i) => byte === request?.body[i]));
      assert.equal(request?.body.byteLength, size);
    }
    await readWhole(await client.send({ method: "PUT", url: server.url, headers: {} }, never));
    assert.equal(server.requests.at(-1)?.headers["transfer-encoding"], undefined);
  },

  async "status and headers are those of the answer"(client) {
    const headers = { ETag: '"e"', "x-amz-meta-a": "b" };
    await using server = await RawHttpServer.start((socket) => {
      socket.write(answerOf("missing", { status: 404, headers }));
    });
    const response = await client.send({ ...GET, url: server.url }, never);
    assert.equal(response.status, 404);
    assert.equal(response.headers.get("etag"), '"e"');
    assert.equal(response.headers.get("x-amz-meta-a"), "b");
    assert.equal(await readWhole(response), "missing");
  },

  async "a redirect is not followed"(client) {
    await using server = await RawHttpServer.start((socket) => {
      socket.write(answerOf("", { status: 307, headers: { location: "/elsewhere" } }));
    });
    const response = await client.send({ ...GET, url: server.url }, never);
    assert.equal(response.status, 307);
    await readWhole(response);
    assert.equal(server.requests.length, 1);
  },

  async "a body comes as it was sent, with its length or in chunks"(client) {
    const text = "0123456789".repeat(100_000);
    await using server = await RawHttpServer.start((socket, { target }) => {
      if (target === "/length") return socket.write(answerOf(text));
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      socket.write(`${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`);
    });
    for (const target of ["/length", "/chunks"]) {
      const response = await client.send({ ...GET, url: server.url + target }, never);
      assert.equal(await readWhole(response), text);
    }
  },

  async "a chunk is plain bytes, whose slices are copies"(client) {
    await using server = await RawHttpServer.start((socket) => socket.write(answerOf("abc")));
    const { chunks } = await client.send({ ...GET, url: server.url }, never);
    const { value } = await chunks!.next();
    assert.equal(Object.getPrototypeOf(value), Uint8Array.prototype);
  },

  async "an answer to HEAD has no body, and its connection is free without one"(client) {
    await using server = await RawHttpServer.start((socket) => {
      socket.write(answerOf("", { headers: { "content-length": 5 } }));
    });
    const head = { method: "HEAD", url: server.url, headers: {} };
    for (let i = 0; i < 6; i++) {
      const { headers, chunks } = await client.send(head, never);
      assert.deepEqual([headers.get("content-length"), chunks], ["5", undefined]);
    }
    // A connection may come free a moment after the answer, so there can be two.
    await until("the connections are free", () => server.openConnections <= 2);
  },

  async "a connection is used again when its answer was read"(client) {
    await using server = await RawHttpServer.start((socket) => socket.write(answerOf("hello")));
    const send = async (): Promise<void> => {
      assert.equal(await readWhole(await client.send({ ...GET, url: server.url }, never)), "hello");
    };
    await send();
    await server.firstIsUsedAgain(send);
  },

  async "a body that ends too early is a failure"(client) {
    await using server = await RawHttpServer.start((socket) => {
      socket.end(answerOf("0123456789", { headers: { "content-length": 20 } }));
    });
    await assert.rejects(async () => {
      await readWhole(await client.send({ ...GET, url: server.url }, never));
    });
  },

  async "a connection that is closed without an answer is a failure that may have worked"(client) {
    await using server = await RawHttpServer.start((socket) => socket.destroy());
    const sent = client.send(
      { ...GET, method: "PUT", url: server.url, body: new Uint8Array(1) },
      never,
    );
    const error = await sent.then(() => assert.fail("it succeeded"), (error) => error);
    assert.equal(networkFailure(error).isRefusal, false);
  },

  async "an abort ends the waiting for an answer, and the connection"(client) {
    const arrived = Promise.withResolvers<void>();
    await using server = await RawHttpServer.start(() => arrived.resolve());
    const aborter = new AbortController();
    const sent = client.send({ ...GET, url: server.url }, aborter.signal);
    await arrived.promise;
    aborter.abort(new Error("enough"));
    await assert.rejects(sent);
    await until("the connection is closed", () => server.openConnections === 0);
  },

  async "an abort ends the body, and the connection"(client) {
    await using server = await RawHttpServer.start((socket) => {
      socket.write(answerOf("0123456789", { headers: { "content-length": 20 } }));
    });
    const aborter = new AbortController();
    const { chunks } = await client.send({ ...GET, url: server.url }, aborter.signal);
    await chunks!.next();
    const next = chunks!.next();
    aborter.abort(new Error("enough"));
    await assert.rejects(next);
    await until("the connection is closed", () => server.openConnections === 0);
  },

  async "a body that is cancelled gives its connection up"(client) {
    await using server = await RawHttpServer.start((socket) => {
      socket.write(answerOf("0123456789", { headers: { "content-length": 20 } }));
    });
    const { chunks } = await client.send({ ...GET, url: server.url }, never);
    await chunks!.next();
    chunks!.cancel();
    await until("the connection is closed", () => server.openConnections === 0);
  },

  async "with a signal that has fired nothing is sent"(client) {
    await using server = await RawHttpServer.start((socket) => socket.write(answerOf("")));
    const reason = new Error("enough");
    const sent = client.send({ ...GET, url: server.url }, AbortSignal.abort(reason));
    await assert.rejects(sent, (error) => error === reason);
    await readWhole(await client.send({ ...GET, url: `${server.url}/next` }, never));
    assert.deepEqual(server.requests.map(({ target }) => target), ["/next"]);
  },

  async "a server cannot fill the memory of who does not read"(client) {
    const size = 100 * MIB;
    let writtenBytes = 0;
    await using server = await RawHttpServer.start((socket) => {
      socket.write(answerOf("", { headers: { "content-length": size } }));
      const piece = new Uint8Array(MIB);
      const write = (): void => {
        writtenBytes += piece.byteLength;
        if (writtenBytes < size) socket.write(piece, write);
      };
      socket.write(piece, write);
    });
    const { chunks } = await client.send({ ...GET, url: server.url }, never);
    await chunks!.next();
    let seenBytes = -1;
    await until("the server cannot go on", async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const hasStopped = writtenBytes === seenBytes;
      seenBytes = writtenBytes;
      return hasStopped;
    }, 30_000);
    assert.ok(writtenBytes < size / 2, `${writtenBytes} bytes`);
    chunks!.cancel();
  },
};
