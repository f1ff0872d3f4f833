import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  CacheKey,
  ConfigurationError,
  createPool,
  EventChannel,
  Infrastructure,
  MemoryCacheProvider,
  MemoryEventBus,
  MemoryStorageProvider,
  MemoryStreamBus,
  migrate,
  StoragePath,
} from "../mod.ts";
import { Recorder } from "./conformance/messaging/support.ts";
import { RedisEventBus } from "../messaging/adapters/redis.ts";
import { test as permittedTest } from "./support/permitted.ts";
import { createTestDatabase } from "./support/postgres.ts";
import { s3Variables } from "./support/s3.ts";
import { findService, serviceTest } from "./support/services.ts";

const serverTest = serviceTest(await findService("postgres"));

permittedTest("embedded, every part works and is closed once", async () => {
  const exchange = await Infrastructure.embedded();
  const { healthy, parts } = await exchange.health();
  assert.equal(healthy, true, JSON.stringify(parts));
  assert.deepEqual(parts.map(({ name }) => name), [
    "database",
    "cache",
    "storage",
    "events",
    "streams",
    "outbox",
  ]);
  const user = await exchange.users.create({ email: "ada@example.org", username: "ada" });
  assert.deepEqual(await exchange.users.getById(user.id), user);
  await exchange.cache.set(CacheKey.user(user.id), user.username, { ttlMs: 1_000 });
  assert.equal(await exchange.cache.get(CacheKey.user(user.id)), "ada");
  await exchange.storage.createBucket("avatars");
  const key = StoragePath.userAvatar(user.id, "avatar.png");
  await exchange.storage.upload("avatars", key, "picture");
  assert.equal(await exchange.storage.exists("avatars", key), true);
  assert.ok(await exchange.events.publish(EventChannel.USER, { type: "Created" }));
  await exchange.close();
  await exchange[Symbol.asyncDispose]();
  await assert.rejects(exchange.users.getById(user.id), { code: "closed" });
  await assert.rejects(exchange.cache.get("a"), { code: "closed" });
  await assert.rejects(exchange.storage.exists("avatars", key), { code: "closed" });
  await assert.rejects(exchange.events.publish("a", 1), { code: "closed" });
  assert.equal((await exchange.health()).healthy, false);
});

permittedTest("a data folder is kept, for one at a time", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "exchange-"));
  try {
    const first = await Infrastructure.embedded({ dataDir });
    const { id } = await first.users.create({ email: "a@example.org", username: "aa" });
    await first.storage.createBucket("bucket");
    await first.storage.upload("bucket", "key", "kept");
    await assert.rejects(Infrastructure.embedded({ dataDir }), { code: "conflict" });
    await first.close();
    const second = await Infrastructure.embedded({ dataDir });
    assert.equal((await second.users.getById(id))?.username, "aa");
    assert.equal(new TextDecoder().decode(await second.storage.download("bucket", "key")), "kept");
    await second.close();
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

permittedTest(
  "a data folder that a newer version migrated is refused, and left for others to open",
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "exchange-"));
    try {
      const newer = [{ name: "0001_newer", sql: "create table newer ()" }];
      const embedded = { dataDir: join(dataDir, "database") };
      const pool = await createPool({ embedded });
      await migrate(pool, { migrations: newer });
      await pool.close();
      await assert.rejects(Infrastructure.embedded({ dataDir }), /this code is older/);
      const again = await createPool({ embedded });
      assert.deepEqual(await migrate(again, { migrations: newer }), []);
      await again.close();
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  },
);

permittedTest("when a part cannot be had, those that were opened before are closed", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "exchange-"));
  const failure = new Error("no events today");
  const options = {
    dataDir,
    get events(): never {
      throw failure;
    },
  };
  try {
    await assert.rejects(Infrastructure.embedded(options), failure);
    // A database that was left open would hold its folder.
    const exchange = await Infrastructure.embedded({ dataDir });
    await exchange.close();
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

test("a data folder without a name is refused instead of forgotten", async () => {
  for (const dataDir of ["", "a\0b", 5 as unknown as string]) {
    const { code, field } = await Infrastructure.embedded({ dataDir }).then(
      async (exchange) => {
        await exchange.close();
        return { code: "accepted", field: "" };
      },
      (error) => error,
    );
    assert.deepEqual([code, field], ["invalid_input", "dataDir"]);
  }
});

permittedTest("parts that were passed in stay open", async () => {
  const cache = new MemoryCacheProvider();
  const exchange = await Infrastructure.embedded({ cache });
  assert.equal(exchange.cache, cache);
  await exchange.close();
  assert.equal(await cache.exists("a"), false);
  await cache.close();
});

const PARTS = () => ({
  cache: new MemoryCacheProvider(),
  storage: new MemoryStorageProvider(),
  events: new MemoryEventBus(),
  streams: new MemoryStreamBus(),
});

test("from the environment, everything that is missing is named at once", async () => {
  const missing = async (parts: object): Promise<readonly string[]> => {
    const error = await Infrastructure.fromEnv({ environment: {}, ...parts }).catch((e) => e);
    assert.ok(error instanceof ConfigurationError);
    return error.problems;
  };
  const { cache, storage, events, streams } = PARTS();
  assert.deepEqual(await missing({}), [
    "DATABASE_URL is not set",
    "REDIS_URL is not set",
    "AWS_ACCESS_KEY_ID is not set",
    "AWS_SECRET_ACCESS_KEY is not set",
  ]);
  assert.deepEqual(await missing({ cache, storage }), [
    "DATABASE_URL is not set",
    "REDIS_URL is not set",
  ]);
  assert.deepEqual(await missing({ cache, storage, events, streams }), ["DATABASE_URL is not set"]);
});

test("from the environment, no secret is in an error", async () => {
  const environment = { DATABASE_URL: "mysql://user:s3cr3t@host:99999/db" };
  await assert.rejects(Infrastructure.fromEnv({ environment, ...PARTS() }), (error) => {
    assert.ok(error instanceof ConfigurationError);
    assert.ok(!JSON.stringify([error.message, error.problems, error.stack]).includes("s3cr3t"));
    return true;
  });
});

test("from the environment, malformed addresses are named with what is missing, and no secret", async () => {
  const cases: [REDIS_URL: string, S3_ENDPOINT: string, named: string[]][] = [
    ["redis://127.0.0.1:6379", "http://127.0.0.1:8333", []],
    ["rediss://:s3cr3t@cache.example.org", "", []],
    ["s3cr3t@127.0.0.1:6379", "s3cr3t", ["REDIS_URL", "S3_ENDPOINT"]],
    ["redis:", "redis://s3cr3t@127.0.0.1", ["REDIS_URL", "S3_ENDPOINT"]],
  ];
  for (const [REDIS_URL, S3_ENDPOINT, named] of cases) {
    const environment = { REDIS_URL, S3_ENDPOINT };
    await assert.rejects(Infrastructure.fromEnv({ environment }), (error) => {
      assert.ok(error instanceof ConfigurationError);
      const found = error.problems.filter((problem) => / (is not a URL|must) /.test(problem))
        .map((problem) => problem.split(" ")[0]);
      assert.deepEqual([...new Set(found)], named);
      assert.ok(error.problems.includes("DATABASE_URL is not set"));
      assert.ok(!JSON.stringify([error.message, error.problems]).includes("s3cr3t"));
      return true;
    });
  }
});

test("from the environment, a server that does not answer is an error, never something embedded", async () => {
  const environment = { DATABASE_URL: "postgres://nobody@127.0.0.1:9/nothing" };
  await assert.rejects(Infrastructure.fromEnv({ environment, ...PARTS() }), {
    code: "unavailable",
    name: "DatabaseError",
  });
});

const redisTest = serviceTest(await findService("redis"), permittedTest);

redisTest("from the environment, cache and events are on the server", async (url) => {
  const database = await createPool({ embedded: {} });
  const parts = { ...PARTS(), cache: undefined, events: undefined, database };
  const exchange = await Infrastructure.fromEnv({ environment: { REDIS_URL: url }, ...parts });
  const { details } = (await exchange.health()).parts[1] ?? {};
  assert.equal(details?.["adapter"], "redis");
  const channel = `${EventChannel.USER}:${crypto.randomUUID()}`;
  const elsewhere = await RedisEventBus.connect({ url });
  const arrived = new Recorder<string>();
  await elsewhere.subscribe(channel, ({ type }) => arrived.add(type));
  await exchange.events.publish(channel, { type: "Created" });
  assert.deepEqual(await arrived.until(1), ["Created"]);
  await elsewhere.close();
  await exchange.close();
  await assert.rejects(exchange.events.publish(channel, 1), { code: "closed" });
  await assert.rejects(exchange.cache.get("a"), { code: "closed" });
  await database.close();
});

permittedTest(
  "from the environment, a cache that does not answer is an error, and what was opened is closed",
  async () => {
    const environment = { REDIS_URL: "redis://127.0.0.1:9" };
    const database = await createPool({ embedded: {} });
    const parts = { ...PARTS(), cache: undefined, database };
    await assert.rejects(Infrastructure.fromEnv({ environment, ...parts }), {
      code: "unavailable",
      name: "CacheError",
    });
    await database.close();
  },
);

const s3Test = serviceTest(await findService("s3"));

s3Test("from the environment, the storage is the server", async (url) => {
  const database = await createPool({ embedded: {} });
  const parts = { ...PARTS(), storage: undefined, database };
  const environment = s3Variables(url);
  const exchange = await Infrastructure.fromEnv({ environment, ...parts });
  const { details, healthy } = (await exchange.health()).parts[2] ?? {};
  assert.deepEqual([details?.["adapter"], healthy], ["s3", true]);
  await exchange.close();
  await assert.rejects(exchange.storage.exists("bucket", "a"), { code: "closed" });
  await database.close();
});

serverTest("from the environment, the database is the server", async (url) => {
  const database = await createTestDatabase(url);
  try {
    const environment = { DATABASE_URL: database.url };
    const exchange = await Infrastructure.fromEnv({ environment, ...PARTS() });
    const { parts } = await exchange.health();
    assert.equal(parts[0]?.details?.["driver"], "pg");
    await exchange.close();
  } finally {
    await database.drop();
  }
});
