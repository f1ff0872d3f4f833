import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { inspect } from "node:util";
import { NatsStreamBus } from "../../../messaging/adapters/nats.ts";
import { failureOf, withNatsBus, withNatsServer } from "../../support/faulty_nats.ts";
import { freePort } from "../../support/free_port.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("nats");

test("nobody listens: connecting rejects as unavailable", async () => {
  const url = `nats://127.0.0.1:${await freePort()}`;
  const error = await failureOf(NatsStreamBus.connect({ url }));
  assert.deepEqual([error.code, error.retryable, error.outcome], [
    "unavailable",
    true,
    "not-applied",
  ]);
  assert.match(error.message, /ECONNREFUSED/);
});

test("a server that hangs: connecting rejects by connectTimeoutMs, and leaves no socket", async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket.resume())).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const call = NatsStreamBus.connect({ url: `nats://127.0.0.1:${port}`, connectTimeoutMs: 300 });
  assert.equal((await failureOf(call)).code, "timeout");
  silent.close();
  // It closes only when nobody is connected any more.
  await once(silent, "close");
  assert.equal(sockets.length, 1);
});

test("a server that stops to answer after its greeting: connecting rejects all the same", async () =>
  await withNatsServer({}, async (server) => {
    await server.pause();
    const call = NatsStreamBus.connect({ url: server.url, connectTimeoutMs: 300 });
    assert.equal((await failureOf(call)).code, "timeout");
  }));

test("a server without JetStream is refused as such", async () =>
  await withNatsServer({ jetstream: false }, async ({ url }) => {
    const error = await failureOf(NatsStreamBus.connect({ url }));
    assert.deepEqual([error.code, error.retryable], ["unsupported", false]);
  }));

test("a wrong password is unauthenticated, and no error shows it", async () =>
  await withNatsServer({ login: { user: "someone", password: "right" } }, async ({ port }) => {
    for (const login of ["someone:s3cr3t@", "s3cr3t@", ""]) {
      const url = `nats://${login}127.0.0.1:${port}`;
      const error = await failureOf(NatsStreamBus.connect({ url }));
      assert.deepEqual([error.code, error.retryable], ["unauthenticated", false], login);
      assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), /s3cr3t/);
    }
  }));

test("the right password lets in, also with characters that a URL encodes", async () =>
  await withNatsBus(async ({ bus }) => {
    await bus.publish("events:user", {});
  }, { login: { user: "someone", password: `s3cr3t% "\\/` } }));
