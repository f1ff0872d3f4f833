/**
 * Where Deno, Node and Bun, or clients on them, differ (`__proto__` in rows, chunked uploads, retries of the AWS SDK,
 * secrets in errors about URLs, streams of Node, unhandled rejections): what the library gives is the same on all. That
 * a dead connection is found by its silence, not by the keep-alive of the system, is in `faults/pg_connections_test.ts`
 * and `faults/redis_invalidations_test.ts`; which names a certificate is good for, in `faults/pg_tls_test.ts`.
 */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import process from "node:process";
import { test } from "node:test";
import { inspect } from "node:util";
import { MemoryCacheProvider } from "../cache/adapters/memory.ts";
import { RedisCacheProvider } from "../cache/adapters/redis.ts";
import { createPool } from "../database/create_pool.ts";
import { MemoryEventBus } from "../messaging/adapters/memory.ts";
import { NatsStreamBus } from "../messaging/adapters/nats.ts";
import { RabbitMqStreamBus } from "../messaging/adapters/rabbitmq.ts";
import { RedisEventBus } from "../messaging/adapters/redis.ts";
import { MemoryStorageProvider } from "../storage/adapters/memory.ts";
import { S3StorageProvider } from "../storage/adapters/s3.ts";
import { test as permittedTest } from "./support/permitted.ts";
import { answerOf, RawHttpServer } from "./support/raw_http_server.ts";
import { findService, serviceTest } from "./support/services.ts";

const postgresTest = serviceTest(await findService("postgres"), permittedTest);
const PROTO = `select 1 as "__proto__", '{"__proto__":{"admin":true}}'::jsonb as json`;
const credentials = { accessKeyId: "exchange", secretAccessKey: "exchange-secret" };

postgresTest("a column and a member named __proto__ change no prototype", async (url) => {
  for (const config of [{ url }, { embedded: {} }]) {
    const pool = await createPool(config);
    const { rows: [row] } = await pool.execute(PROTO);
    await pool.close();
    const { json } = row as { json: object };
    assert.equal(JSON.stringify(json), '{"__proto__":{"admin":true}}');
    assert.equal(Object.getPrototypeOf(json), Object.prototype);
    assert.equal(typeof Object.getPrototypeOf(row), "object");
    assert.equal(({} as { admin?: unknown }).admin, undefined);
  }
});

test("a stream of a known length is uploaded with it, and not in chunks", async () => {
  await using server = await RawHttpServer.start((socket) => socket.write(answerOf("")));
  const storage = new S3StorageProvider({ endpoint: server.url, credentials });
  await storage.upload("bucket", "key", new Blob(["three"]).stream(), { size: 5 });
  await storage.close();
  const { headers, body } = server.requests.find(({ method }) => method === "PUT")!;
  assert.equal(headers["content-length"], "5");
  assert.equal(headers["transfer-encoding"], undefined);
  assert.equal(new TextDecoder().decode(body), "three");
});

permittedTest("a request that fails is sent three times", async () => {
  await using server = await RawHttpServer.start((socket) => socket.destroy());
  const storage = new S3StorageProvider({ endpoint: server.url, credentials });
  await assert.rejects(storage.getMetadata("bucket", "key"), { code: "unavailable" });
  await assert.rejects(storage.listObjects("bucket"), { code: "unavailable" });
  await storage.close();
  assert.deepEqual(server.requests.map(({ method }) => method), [
    ...["HEAD", "HEAD", "HEAD"],
    ...["GET", "GET", "GET"],
  ]);
});

const MALFORMED: Readonly<Record<string, (url: string) => unknown>> = {
  "createPool": (url) => createPool({ url: `postgres:${url}` }),
  "RedisCacheProvider": (url) => RedisCacheProvider.connect({ url: `redis:${url}` }),
  "RedisEventBus": (url) => RedisEventBus.connect({ url: `redis:${url}` }),
  "NatsStreamBus": (url) => NatsStreamBus.connect({ url: `nats:${url}` }),
  "RabbitMqStreamBus": (url) => RabbitMqStreamBus.connect({ url: `amqp:${url}` }),
  "S3StorageProvider": (url) => new S3StorageProvider({ endpoint: `http:${url}`, credentials }),
};

for (const [name, open] of Object.entries(MALFORMED)) {
  test(`a malformed URL is refused without its secret: ${name}`, async () => {
    await assert.rejects(async () => await open("//ada:s3cr3t@host:port"), (error) => {
      assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes("s3cr3t"));
      return true;
    });
  });
}

test("a stream of Node is no body, and the stream of the web that it can become is", async () => {
  for (const storage of [new MemoryStorageProvider(), new S3StorageProvider({ credentials })]) {
    const upload = storage.upload("bucket", "key", Readable.from(["text"]) as never);
    await assert.rejects(upload, { code: "invalid_input", field: "data" });
    await storage.close();
  }
  const storage = new MemoryStorageProvider();
  await storage.createBucket("bucket");
  const body = Readable.toWeb(Readable.from([new TextEncoder().encode("text")]));
  await storage.upload("bucket", "key", body as ReadableStream<Uint8Array>);
  assert.equal(new TextDecoder().decode(await storage.download("bucket", "key")), "text");
});

test("what fails inside the library is no unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const hear = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", hear);
  const failure = new Error("it fails");
  const cache = new MemoryCacheProvider();
  const load = (): Promise<never> => Promise.reject(failure);
  const loads = [cache.getOrSet("key", load), cache.getOrSet("key", load, { timeoutMs: 1 })];
  assert.deepEqual((await Promise.allSettled(loads)).map(({ status }) => status), [
    "rejected",
    "rejected",
  ]);
  const bus = new MemoryEventBus();
  await bus.subscribe("events:user", load);
  await bus.publish("events:user", { type: "Created" });
  await bus.close();
  await cache.close();
  // Runtimes tell of a rejection after the microtasks of the turn in which it happened.
  await new Promise((resolve) => setTimeout(resolve, 1));
  process.off("unhandledRejection", hear);
  assert.deepEqual(unhandled, []);
});
