import assert from "node:assert/strict";
import { after } from "node:test";
import { S3StorageProvider } from "../../storage/adapters/s3.ts";
import { IS_PERMITTED } from "../support/permitted.ts";
import { testNamespace } from "../support/redis.ts";
import { RedisRestBridge } from "../support/redis_rest_bridge.ts";
import { dropBuckets, testBucket } from "../support/s3.ts";
import { s3Config } from "../support/s3_storage.ts";
import { findService, serviceTest } from "../support/services.ts";
import { edgeTest, type NodeSupport, startWorker, type Worker } from "../support/workerd.ts";
import type { RedisSuite, S3Suite } from "./workers/suites.ts";

const WORKER = 'export { default } from "./tests/edge/workers/suites.ts";';
const SUPPORTS: readonly NodeSupport[] = ["full", "imports"];

/** Runs all tests that a worker has. */
async function runSuites(node: NodeSupport, variables: Record<string, string>): Promise<void> {
  const worker = await startWorker(WORKER, { node, variables });
  after(() => worker[Symbol.asyncDispose]());
  const names = await worker.ask<string[]>("/");
  for (const [number, name] of names.entries()) {
    edgeTest(`workerd with Node ${node}: ${name}`, () => runTest(worker, number));
  }
}

async function runTest(worker: Worker, number: number): Promise<void> {
  assert.equal(await worker.ask(`/${number}`), "");
}

/** What the server can do, found out from here. */
async function s3Suite(url: string): Promise<S3Suite> {
  const [config, bucketPrefix] = [s3Config(url), `${testBucket()}-`];
  after(() => dropBuckets(url, bucketPrefix));
  const storage = new S3StorageProvider(config);
  await storage.createBucket(`${bucketPrefix}probe`);
  await storage.probe(`${bucketPrefix}probe`);
  await storage.close();
  return { config, bucketPrefix, capabilities: storage.capabilities };
}

/** A slow machine must not turn a read into a miss here. */
async function redisSuite(redisUrl: string): Promise<RedisSuite> {
  const bridge = await RedisRestBridge.start(redisUrl);
  after(() => bridge[Symbol.asyncDispose]());
  const { url, token } = bridge;
  const patient = { readTimeoutMs: 10_000, timeoutMs: 10_000 };
  return { config: { url, token, namespace: testNamespace(), ...patient } };
}

if ("Deno" in globalThis && IS_PERMITTED) {
  for (const node of SUPPORTS) await runSuites(node, {});
  const [s3, redis] = await Promise.all([findService("s3"), findService("redis")]);
  if ("url" in s3) {
    for (const node of SUPPORTS) {
      await runSuites(node, { S3: JSON.stringify(await s3Suite(s3.url)) });
    }
  } else {
    serviceTest(s3)("workerd: S3StorageProvider runs its conformance suite", () => {});
  }
  if ("url" in redis) {
    await runSuites("full", { REDIS: JSON.stringify(await redisSuite(redis.url)) });
  } else {
    serviceTest(redis)("workerd: HttpRedisCacheProvider runs its conformance suite", () => {});
  }
} else {
  edgeTest("workerd: adapters run their conformance suites", () => Promise.resolve());
}
