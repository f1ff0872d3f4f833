import assert from "node:assert/strict";
import { after } from "node:test";
import { S3StorageProvider } from "../../storage/adapters/s3.ts";
import { IS_PERMITTED } from "../support/permitted.ts";
import { dropBuckets, testBucket } from "../support/s3.ts";
import { s3Config } from "../support/s3_storage.ts";
import { findService, serviceTest } from "../support/services.ts";
import { edgeTest, type NodeSupport, startWorker, type Worker } from "../support/workerd.ts";
import type { S3Suite } from "./workers/suites.ts";

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

if ("Deno" in globalThis && IS_PERMITTED) {
  for (const node of SUPPORTS) await runSuites(node, {});
  const service = await findService("s3");
  if ("url" in service) {
    for (const node of SUPPORTS) {
      await runSuites(node, { S3: JSON.stringify(await s3Suite(service.url)) });
    }
  } else {
    serviceTest(service)("workerd: S3StorageProvider runs its conformance suite", () => {});
  }
} else {
  edgeTest("workerd: adapters run their conformance suites", () => Promise.resolve());
}
