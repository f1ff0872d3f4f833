import assert from "node:assert/strict";
import { after } from "node:test";
import { dropBuckets, testBucket } from "../support/s3.ts";
import { s3Config } from "../support/s3_storage.ts";
import { findService, serviceTest } from "../support/services.ts";
import { until } from "../support/until.ts";
import { edgeTest, startWorker, type Worker } from "../support/workerd.ts";

const WORKER = 'export { default } from "./tests/edge/workers/plain.ts";';

let started: Promise<Worker> | undefined;

/** What one worker, which has nothing of Node, answers. */
async function ask(path: string): Promise<unknown> {
  started ??= startWorker(WORKER, { node: "none" });
  return await (await started).ask(path);
}

after(async () => (await started)?.[Symbol.asyncDispose]());

/** What is to be answered at each path. */
const ANSWERS: Readonly<Record<string, readonly [path: string, answer: unknown]>> = {
  "there is nothing of Node, and no environment": ["/node", ["undefined", false, {}]],
  "domain makes ids and checks input": ["/domain", [36, false]],
  "core says what is wrong": [
    "/core",
    "ValidationError: Cannot use limit: it must be an integer from 1 to 9, got 0",
  ],
  "keys, paths and channels are the same strings": ["/keys", [
    "ratelimit:user1:api",
    "benchmarks/1/1.0.0/data.json",
    "events:benchmark:123",
  ]],
  "a value is loaded into the cache": ["/cache/write", { n: 1 }],
  "what one request has cached, the next reads": ["/cache/read", [{ n: 1 }, true]],
  "an event is published and heard": ["/events", ['{"type":"Deleted","userId":"1"}']],
  "a durable event is published and handled": ["/streams", { type: "Deleted", userId: "1" }],
  "SHA-256 works without the hash of Node": [
    "/digest",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  ],
};

for (const [name, [path, answer]] of Object.entries(ANSWERS)) {
  edgeTest(`workerd without Node: ${name}`, async () => {
    assert.deepEqual(await ask(path), answer);
  });
}

edgeTest(
  "workerd without Node: a crowd in one request does not stop the clock of the next",
  async () => {
    await ask("/crowd");
    const endMs = Date.now() + 20;
    await until("time has passed", () => Date.now() > endMs);
    const [before, coarse, after] = await ask("/time") as number[];
    assert.ok(before! <= coarse! && coarse! <= after!, `${before} <= ${coarse} <= ${after}`);
  },
);

const service = await findService("s3");

async function moveParts(url: string): Promise<void> {
  const bucketPrefix = testBucket();
  const variables = { S3: JSON.stringify({ config: s3Config(url), bucketPrefix }) };
  await using worker = await startWorker(WORKER, { node: "none", variables });
  try {
    assert.deepEqual(await worker.ask("/s3"), {
      parts: "3",
      equal: true,
      sizes: [12_000_000, 12_000_000],
      presignedBytes: 12_000_000,
      again: "already_exists",
      deleted: true,
    });
  } finally {
    await dropBuckets(url, bucketPrefix);
  }
}

const NAME = "workerd without Node: bytes and a stream go to S3 in parts and come back";
if ("url" in service) edgeTest(NAME, () => moveParts(service.url));
else serviceTest(service)(NAME, () => {});
