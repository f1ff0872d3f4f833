import assert from "node:assert/strict";
import { whenPermitted } from "./permitted.ts";
import { stopLeftContainers } from "./debian_container.ts";
import { leftFolders, withOwnRun } from "./own_run.ts";
import { probeS3, testBucket, withS3 } from "./s3.ts";
import type { S3Gateway } from "./s3_gateway.ts";
import { Script } from "./spawn_script.ts";
import { until } from "./until.ts";

// Loaded late, because it reads the environment.
const sdk = await whenPermitted(() => import("@aws-sdk/client-s3"));

/** What is true of every kind of private S3 server. */
export function privateS3Cases(
  test: (name: string, fn: () => Promise<void>) => unknown,
  { name, start }: { readonly name: string; readonly start: () => Promise<S3Gateway> },
): void {
  test(`${name}: a private server answers nobody without its secret`, async () => {
    await withServer(start, async ({ url }) => {
      const bucket = await putObject(url, "text");
      assert.equal(await getObject(url, bucket), "text");
      const wrong = url.replace(`:${new URL(url).password}@`, ":wrong@");
      await assert.rejects(probeS3(wrong), { name: "SignatureDoesNotMatch" });
    });
  });

  test(`${name}: it keeps its address and data when it crashes, also while it is paused`, async () => {
    await withServer(start, async (server) => {
      const bucket = await putObject(server.url, "text");
      await server.pause();
      const answer = getObject(server.url, bucket);
      const silence = new Promise((resolve) => setTimeout(() => resolve("silent"), 200));
      assert.equal(await Promise.race([answer, silence]), "silent");
      await server.resume();
      assert.equal(await answer, "text");
      await server.pause();
      await server.kill();
      await assert.rejects(probeS3(server.url), { code: "ECONNREFUSED" });
      await server.start();
      assert.equal(await getObject(server.url, bucket), "text");
      await putObject(server.url, "more");
    });
  });

  test(`${name}: two servers know nothing of each other, and end when disposed`, async () => {
    await withServer(start, async (one) => {
      const bucket = await putObject(one.url, "text");
      const other = await start();
      await assert.rejects(getObject(other.url, bucket), { name: "NoSuchBucket" });
      await other[Symbol.asyncDispose]();
      await assert.rejects(probeS3(other.url), { code: "ECONNREFUSED" });
      assert.equal(await getObject(one.url, bucket), "text");
    });
  });

  test(`${name}: a server whose program was killed ends with it`, async () => {
    await withOwnRun(stopLeftContainers, async (run) => {
      const script = new Script("abandoned_s3.ts", [name]);
      const url = await script.line();
      await probeS3(url);
      await script.kill();
      await until("nobody listens", () => probeS3(url).then(() => false, isRefused));
      await stopLeftContainers(run);
      assert.deepEqual(await leftFolders(run), []);
    });
  });
}

async function withServer(
  start: () => Promise<S3Gateway>,
  use: (server: S3Gateway) => Promise<void>,
): Promise<void> {
  const server = await start();
  try {
    await use(server);
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

/** Returns the bucket, a new one. */
async function putObject(url: string, Body: string): Promise<string> {
  const Bucket = testBucket();
  await withS3(url, async (client) => {
    await client.send(new sdk.CreateBucketCommand({ Bucket }));
    await client.send(new sdk.PutObjectCommand({ Bucket, Key: "key", Body }));
  });
  return Bucket;
}

async function getObject(url: string, Bucket: string): Promise<string | undefined> {
  return await withS3(url, async (client) => {
    const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key: "key" }));
    return await Body?.transformToString();
  });
}

function isRefused(error: NodeJS.ErrnoException): boolean {
  return error.code === "ECONNREFUSED";
}
