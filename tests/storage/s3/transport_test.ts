import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { Attempts } from "../../../storage/adapters/s3/attempts.ts";
import { defaultHttpClient, type HttpClient } from "../../../storage/adapters/s3/http_client.ts";
import { Transport } from "../../../storage/adapters/s3/transport.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
import { freePort } from "../../support/free_port.ts";
import { answerOf, type RawAnswer, RawHttpServer } from "../../support/raw_http_server.ts";
import { settle } from "../../support/fake_driver.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
const TEN = "0123456789";
const LIMITS = { responseTimeoutMs: 1_000, idleTimeoutMs: 500 };

/** A server, and a transport whose time stands still. */
class Exchange implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly transport: Transport;
  readonly server: RawHttpServer;
  /** The connection of the first request. */
  readonly arrived: Promise<Socket>;
  readonly #client: HttpClient;

  private constructor(server: RawHttpServer, arrived: Promise<Socket>, client: HttpClient) {
    this.server = server;
    this.arrived = arrived;
    this.#client = client;
    const options = { ...LIMITS, client: Promise.resolve(client), clock: this.clock };
    this.transport = new Transport(options);
  }

  static async start(answer: RawAnswer): Promise<Exchange> {
    const { promise, resolve } = Promise.withResolvers<Socket>();
    const server = await RawHttpServer.start((socket, request) => {
      resolve(socket);
      answer(socket, request);
    });
    return new Exchange(server, promise, await defaultHttpClient());
  }

  get request(): { method: string; url: string; headers: Record<string, string> } {
    return { method: "GET", url: this.server.url, headers: {} };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.server[Symbol.asyncDispose]();
  }
}

const silent: RawAnswer = () => {};
/** Half of a body of 20 bytes. */
const half: RawAnswer = (socket) => {
  socket.write(answerOf(TEN, { headers: { "content-length": 20 } }));
};

test("an answer is what the server said, and costs no timer behind its end", async () => {
  await using exchange = await Exchange.start((socket) => {
    socket.write(answerOf(TEN, { status: 206, headers: { etag: '"e"' } }));
  });
  const { clock, transport, request } = exchange;
  const { status, headers, body } = await transport.send(request, never);
  assert.deepEqual([status, headers.get("etag")], [206, '"e"']);
  assert.equal(new TextDecoder().decode(await body.bytes(10)), TEN);
  assert.equal(clock.pendingTimers, 0);
});

test("a server that does not answer is a failure that names the limit", async () => {
  await using exchange = await Exchange.start(silent);
  const { clock, transport, server, arrived, request } = exchange;
  const sent = transport.send(request, never);
  let settled = false;
  sent.catch(() => settled = true);
  await arrived;
  clock.advance(999);
  await settle();
  assert.equal(settled, false);
  clock.advance(1);
  const message = "the server did not answer in 1000 milliseconds";
  await assert.rejects(sent, { name: "S3Failure", message, isRefusal: false });
  await until("the connection is closed", () => server.openConnections === 0);
});

test("a request with a body gets a second more for each 100,000 bytes", async () => {
  await using exchange = await Exchange.start(silent);
  const { clock, transport, arrived, request } = exchange;
  const body = new Uint8Array(199_999);
  const sent = transport.send({ ...request, method: "PUT", body }, never);
  let settled = false;
  sent.catch(() => settled = true);
  await arrived;
  clock.advance(2_999);
  await settle();
  assert.equal(settled, false);
  clock.advance(1);
  await assert.rejects(sent, /did not answer in 3000 milliseconds/);
});

test("the limit of the answer does not hold for its body", async () => {
  await using exchange = await Exchange.start(half);
  const { clock, transport, arrived, request } = exchange;
  const { body } = await transport.send(request, never);
  clock.advance(10_000);
  (await arrived).write(TEN);
  assert.equal((await body.bytes(20)).byteLength, 20);
});

test("a server that pauses in its answer is a failure that names the limit", async () => {
  await using exchange = await Exchange.start(half);
  const { clock, transport, server, request } = exchange;
  const { body } = await transport.send(request, never);
  assert.equal((await body.read())?.byteLength, 10);
  const rest = body.read();
  clock.advance(500);
  const message = "the server paused for 500 milliseconds";
  await assert.rejects(rest, { name: "S3Failure", message });
  await until("the connection is closed", () => server.openConnections === 0);
});

test("an answer that ends too early is a failure", async () => {
  await using exchange = await Exchange.start((socket, request) => {
    half(socket, request);
    socket.end();
  });
  const { transport, request } = exchange;
  const read = transport.send(request, never).then(({ body }) => body.bytes(20));
  await assert.rejects(read, { name: "S3Failure", status: undefined });
});

test("a server that is not there is a failure", async () => {
  await using exchange = await Exchange.start(silent);
  const request = { ...exchange.request, url: `http://127.0.0.1:${await freePort()}/?secret` };
  // `fetch` of Deno tells no code of the system.
  const failed = { name: "S3Failure", message: /^the connection failed( \(ECONNREFUSED\))?$/ };
  await assert.rejects(exchange.transport.send(request, never), failed);
  assert.equal(exchange.clock.pendingTimers, 0);
});

test("a signal that has fired sends nothing", async () => {
  await using exchange = await Exchange.start(silent);
  const reason = new Error("enough");
  const sent = exchange.transport.send(exchange.request, AbortSignal.abort(reason));
  await assert.rejects(sent, (error) => error === reason);
  const { promise: client } = Promise.withResolvers<HttpClient>();
  const { clock, request } = exchange;
  const waiting = new Transport({ ...LIMITS, client, clock });
  const aborter = new AbortController();
  const sentLater = waiting.send(request, aborter.signal);
  aborter.abort(reason);
  await assert.rejects(sentLater, (error) => error === reason);
  assert.equal(exchange.server.requests.length, 0);
});

test("a signal ends the waiting for an answer, with its reason", async () => {
  await using exchange = await Exchange.start(silent);
  const { clock, transport, server, arrived, request } = exchange;
  const aborter = new AbortController();
  const sent = transport.send(request, aborter.signal);
  await arrived;
  const reason = new Error("enough");
  aborter.abort(reason);
  await assert.rejects(sent, (error) => error === reason);
  assert.equal(clock.pendingTimers, 0);
  await until("the connection is closed", () => server.openConnections === 0);
});

test("a signal ends the waiting for more of a body, with its reason", async () => {
  await using exchange = await Exchange.start(half);
  const { clock, transport, server, request } = exchange;
  const aborter = new AbortController();
  const { body } = await transport.send(request, aborter.signal);
  await body.read();
  const rest = body.read();
  const reason = new Error("enough");
  aborter.abort(reason);
  await assert.rejects(rest, (error) => error === reason);
  assert.equal(clock.pendingTimers, 0);
  await until("the connection is closed", () => server.openConnections === 0);
});

test("a client that does not hear the signal holds nobody up", async () => {
  const deaf = { send: (): Promise<never> => new Promise(() => {}), close: (): void => {} };
  const clock = new ManualClock();
  const transport = new Transport({ ...LIMITS, client: Promise.resolve(deaf), clock });
  const aborter = new AbortController();
  const request = { method: "GET", url: "http://host/", headers: {} };
  const sent = transport.send(request, aborter.signal);
  const reason = new Error("enough");
  aborter.abort(reason);
  await assert.rejects(sent, (error) => error === reason);
  const late = transport.send(request, never);
  clock.advance(1_000);
  await assert.rejects(late, /did not answer in 1000 milliseconds/);
});

test("nothing of an exchange stays at the signal behind its end", async () => {
  await using exchange = await Exchange.start((socket, { method, target }) => {
    if (target === "/broken") return socket.destroy();
    socket.write(answerOf(method === "HEAD" ? "" : TEN));
  });
  const { transport, request, server } = exchange;
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...parts: unknown[]) => {
    listeners++;
    add(...parts as Parameters<typeof add>);
  };
  signal.removeEventListener = (...parts: unknown[]) => {
    listeners--;
    remove(...parts as Parameters<typeof remove>);
  };
  const { body } = await transport.send(request, signal);
  assert.equal(listeners, 1);
  await body.bytes(10);
  assert.equal(listeners, 0);
  (await transport.send(request, signal)).body.cancel();
  assert.equal(listeners, 0);
  await transport.send({ ...request, method: "HEAD" }, signal);
  assert.equal(listeners, 0);
  await assert.rejects(transport.send({ ...request, url: `${server.url}/broken` }, signal));
  assert.equal(listeners, 0);
});

test("a connection is used again behind an answer that was read, and replaced if the server closed it", async () => {
  await using exchange = await Exchange.start((socket) => socket.write(answerOf(TEN)));
  const { transport, server, request } = exchange;
  const attempts = new Attempts({
    maxAttempts: 2,
    // Pauses would not end.
    clock: Object.assign(new ManualClock(), {
      after: (_delayMs: number, callback: () => void) => {
        queueMicrotask(callback);
        return () => {};
      },
    }),
  });
  const send = (): Promise<Uint8Array> =>
    attempts.run(never, async () => (await transport.send(request, never)).body.bytes(10));
  await send();
  await server.firstIsUsedAgain(send);
  const connections = Math.max(...server.requests.map(({ connection }) => connection));
  server.closeConnections();
  // Whether the client has heard of that or not.
  assert.equal((await send()).byteLength, 10);
  assert.ok((server.requests.at(-1)?.connection ?? 0) > connections);
});
