import assert from "node:assert/strict";
import type { S3Client } from "@aws-sdk/client-s3";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { freePort } from "./free_port.ts";
import { test, whenPermitted } from "./permitted.ts";
import { runName } from "./postgres.ts";
import {
  dropBuckets,
  dropLeftBuckets,
  probeS3,
  s3Access,
  s3Url,
  s3Variables,
  testBucket,
  withS3,
} from "./s3.ts";
import { findService, serviceTest } from "./services.ts";

// Loaded late, because it reads the environment.
const sdk = await whenPermitted(() => import("@aws-sdk/client-s3"));

const needsS3 = serviceTest(await findService("s3"));

test("a URL holds all that there is to know, as do the variables that the library reads", () => {
  const access = {
    endpoint: "https://s3.example.org:9000/path",
    region: "eu-west-1",
    accessKeyId: "test:tester@a",
    secretAccessKey: "a/b+c?d%20 é",
  };
  const variables = {
    S3_ENDPOINT: access.endpoint,
    AWS_REGION: access.region,
    AWS_ACCESS_KEY_ID: access.accessKeyId,
    AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
  };
  const url = s3Url(variables) ?? "";
  assert.deepEqual(s3Access(url), access);
  assert.deepEqual(s3Variables(url), variables);
});

test("without a region it is us-east-1, and without an endpoint there is no server", () => {
  assert.equal(s3Access("http://key:secret@127.0.0.1:8333").region, "us-east-1");
  assert.equal(s3Access("http://key:secret@127.0.0.1:8333").endpoint, "http://127.0.0.1:8333");
  assert.equal(s3Url({ AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret" }), undefined);
});

needsS3("a server that accepts the access key is usable", async (url) => {
  assert.equal(await probeS3(url), undefined);
});

needsS3("the error of a probe never shows a secret", async (url) => {
  const wrong = new URL(url);
  wrong.password = "s3cr3t";
  const urls = {
    [wrong.href]: /SignatureDoesNotMatch/,
    [`http://key:s3cr3t@127.0.0.1:${await freePort()}`]: /ECONNREFUSED/,
    "http://key:s3cr3t@127.0.0.1:port": /malformed/,
    "http://key:s3cr3t%@127.0.0.1": /malformed/,
  };
  for (const [url, message] of Object.entries(urls)) {
    await assert.rejects(probeS3(url), (error: Error) => {
      assert.match(`${error}`, message);
      assert.notEqual(error.message, "UnknownError");
      return !`${error} ${error.stack} ${error.cause}`.includes("s3cr3t");
    });
  }
});

test("a server that does not answer is given up after five seconds", async () => {
  const server = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const startMs = performance.now();
  await assert.rejects(probeS3(`http://key:secret@127.0.0.1:${port}`), { name: "AbortError" });
  const seconds = (performance.now() - startMs) / 1000;
  assert.ok(seconds > 4.5 && seconds < 20, `after ${seconds} s`);
  server.close();
  // It closes only when nobody is connected any more.
  await once(server, "close");
});

test("a server that answers something else is not usable", async () => {
  for (const answer of ["HTTP/1.1 400 Bad\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nhello", "+PONG\r\n"]) {
    const server = createServer((socket) => socket.on("error", () => {}).resume().end(answer));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await assert.rejects(probeS3(`http://key:secret@127.0.0.1:${port}`), answer);
    server.close();
    await once(server, "close");
  }
});

test("the name of a bucket is unique, names its run and leaves room for a UUID behind", () => {
  const run = runName();
  const names = Array.from({ length: 100 }, testBucket);
  assert.equal(new Set(names).size, 100);
  for (const name of names) {
    assert.match(name, new RegExp(`^t-${run}-[a-z0-9]+$`));
    assert.ok(`${name}-${crypto.randomUUID()}-2`.length <= 63);
  }
});

needsS3("the buckets that a killed test file left are deleted, and only those", async (url) => {
  const run = crypto.randomUUID().slice(0, 8);
  const left = [`t-${run}-abc`, `t-${run}-def`, `t-${run}-${crypto.randomUUID()}-2`];
  const kept = [`t-${run}2-abc`, `t-${run}`, `t-${run.slice(0, 7)}-abc`];
  await withS3(url, async (client) => {
    try {
      for (const Bucket of [...left, ...kept]) {
        await client.send(new sdk.CreateBucketCommand({ Bucket }));
      }
      await fill(client, left[0] ?? "");
      await dropLeftBuckets(url, run);
      assert.deepEqual(await Promise.all(left.map((name) => exists(client, name))), [
        false,
        false,
        false,
      ]);
      assert.deepEqual(await Promise.all(kept.map((name) => exists(client, name))), [
        true,
        true,
        true,
      ]);
    } finally {
      for (const name of kept) await dropBuckets(url, name);
    }
  });
});

/** More objects than one page of a list has, odd keys, and unfinished uploads. */
async function fill(client: S3Client, Bucket: string): Promise<void> {
  const odd = ["a b/é+?", "a//b/", "<&>", "%41"];
  const keys = [...odd, ...Array.from({ length: 1_100 }, (_, index) => `many/${index}`)];
  const work = async (): Promise<void> => {
    for (let Key = keys.shift(); Key !== undefined; Key = keys.shift()) {
      await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body: "x" }));
    }
  };
  await Promise.all(Array.from({ length: 20 }, work));
  for (const Key of [...odd, "many/0", "many/0"]) {
    await client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key }));
  }
}

async function exists(client: S3Client, Bucket: string): Promise<boolean> {
  return await client.send(new sdk.HeadBucketCommand({ Bucket })).then(() => true, () => false);
}
