import assert from "node:assert/strict";
import { after, test } from "node:test";
import { systemClock } from "../../../core/clock.ts";
import { S3StorageProvider } from "../../../storage/adapters/s3.ts";
import type { StorageCapabilities } from "../../../storage/storage.ts";
import { storageConformance } from "../../conformance/storage.ts";
import { dropBuckets, testBucket, withS3 } from "../../support/s3.ts";
import { s3Config, withStorage } from "../../support/s3_storage.ts";
import { findService, serviceTest } from "../../support/services.ts";
import { TcpProxy } from "../../support/tcp_proxy.ts";

const service = await findService("s3");
const testS3 = serviceTest(service);

if ("url" in service) {
  const { url } = service;
  const config = s3Config(url);
  const prefix = `${testBucket()}-`;
  const capabilities = await measure(url, `${prefix}probe`);
  after(() => dropBuckets(url, prefix));
  storageConformance(test, {
    name: "s3",
    capabilities,
    bucketPrefix: prefix,
    open: () => Promise.resolve(new S3StorageProvider({ ...config, capabilities })),
  });
} else {
  testS3("s3: runs the conformance suite", () => {});
}

async function measure(url: string, bucket: string): Promise<StorageCapabilities> {
  const storage = new S3StorageProvider(s3Config(url));
  await storage.createBucket(bucket);
  await storage.probe(bucket);
  await storage.close();
  return storage.capabilities;
}

testS3("s3: what others stored with a Content-Encoding is read as it is stored", async (url) => {
  await withStorage(url, async (storage, bucket) => {
    const zipped = new Uint8Array(await new Response(gzip("text")).arrayBuffer());
    await withS3(url, async (client) => {
      const { PutObjectCommand } = await import("@aws-sdk/client-s3");
      const about = { ContentEncoding: "gzip", ContentType: "text/plain" };
      const put = { Bucket: bucket, Key: "a", Body: zipped, ...about };
      await client.send(new PutObjectCommand(put));
    });
    assert.deepEqual(await storage.download(bucket, "a"), zipped);
    const { size, contentType } = await storage.getMetadata(bucket, "a");
    assert.deepEqual([size, contentType], [zipped.byteLength, "text/plain"]);
  });
});

testS3("s3: a fetch of the user's own sends everything", async (url) => {
  const urls: string[] = [];
  const own = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    urls.push(String(input));
    return fetch(input, init);
  };
  await withStorage(url, async (storage, bucket) => {
    const bytes = new Uint8Array(6_000_000).fill(7);
    await storage.upload(bucket, "a/b c", bytes);
    assert.deepEqual(await storage.download(bucket, "a/b c"), bytes);
    await storage.listObjects(bucket);
    assert.ok(urls.some((sent) => sent.endsWith(`/${bucket}/a/b%20c`)), String(urls));
    assert.ok(urls.some((sent) => sent.includes("list-type=2")), String(urls));
  }, { fetch: own, partBytes: 5_242_880 });
});

testS3("s3: wrong credentials are told as that, without the secret", async (url) => {
  const { endpoint } = s3Config(url);
  const secretAccessKey = "s3cr3t-that-is-wrong";
  const { credentials } = s3Config(url);
  const { accessKeyId } = credentials as { accessKeyId: string };
  const wrong = { accessKeyId, secretAccessKey };
  await withProvider(new S3StorageProvider({ endpoint, credentials: wrong }), async (storage) => {
    const calls = [
      () => storage.upload("bucket", "a", "x"),
      () => storage.download("bucket", "a"),
      () => storage.listObjects("bucket"),
      () => storage.health(),
    ];
    for (const call of calls) {
      await assert.rejects(call, (error: Error & { code?: string }) => {
        assert.equal(error.code, "unauthenticated");
        assert.ok(!String(error.stack).includes("s3cr3t"));
        return true;
      });
    }
  });
});

testS3("s3: credentials come from a function, and what it throws is not shown", async (url) => {
  const { endpoint, credentials } = s3Config(url);
  let calls = 0;
  const ask = (): never => {
    calls++;
    throw new Error("the vault says s3cr3t");
  };
  await withProvider(new S3StorageProvider({ endpoint, credentials: ask }), async (storage) => {
    const failed = (error: Error & { code?: string }): boolean => {
      assert.equal(error.code, "internal");
      assert.ok(!String(error.stack).includes("s3cr3t"));
      return true;
    };
    await assert.rejects(storage.download("bucket", "a"), failed);
    await assert.rejects(storage.listObjects("bucket"), failed);
    assert.ok(calls >= 2);
  });
  const given = (): Promise<{ accessKeyId: string; secretAccessKey: string }> =>
    Promise.resolve(credentials as { accessKeyId: string; secretAccessKey: string });
  await withStorage(url, async (storage, bucket) => {
    await storage.upload(bucket, "a", "x");
    assert.equal((await storage.listObjects(bucket)).items.length, 1);
  }, { credentials: given });
});

testS3("s3: a clock that is wrong by twenty minutes is set by that of the server", async (url) => {
  for (const offMs of [1_200_000, -1_200_000]) {
    const clock = { ...systemClock, now: (): number => Date.now() + offMs };
    const first: ((storage: S3StorageProvider, bucket: string) => Promise<unknown>)[] = [
      (storage, bucket) => storage.exists(bucket, "a"),
      (storage, bucket) => storage.listObjects(bucket),
      (storage, bucket) => storage.upload(bucket, "b", "x"),
    ];
    await withStorage(url, async (right, bucket) => {
      await right.upload(bucket, "a", "x");
      for (const call of first) {
        await withProvider(new S3StorageProvider({ ...s3Config(url), clock }), async (storage) => {
          await call(storage, bucket);
          assert.ok(await storage.exists(bucket, "a"));
          const presigned = await fetch(await storage.getPresignedUrl(bucket, "a"));
          assert.equal(await presigned.text(), "x");
        });
      }
    });
  }
});

testS3("s3: connections are used again, whatever is asked", async (url) => {
  const { endpoint = "" } = s3Config(url);
  const { hostname: host, port } = new URL(endpoint);
  await using proxy = await TcpProxy.start({ host, port: Number(port) });
  await withStorage(url, async (direct, bucket) => {
    const config = { ...s3Config(url), endpoint: `http://127.0.0.1:${proxy.port}` };
    await withProvider(new S3StorageProvider(config), async (storage) => {
      for (let i = 0; i < 20; i++) {
        await storage.upload(bucket, "a", "x");
        assert.ok(await storage.exists(bucket, "a"));
        await storage.getMetadata(bucket, "a");
        await storage.download(bucket, "a");
        assert.equal(await storage.exists(bucket, "none"), false);
        await storage.listObjects(bucket);
        await storage.delete(bucket, "a");
      }
      // Some runtimes send through two clients, each with connections of its own.
      assert.ok(proxy.connectionCount <= 4, `${proxy.connectionCount} connections`);
    });
    await direct.health();
  });
});

async function withProvider(
  storage: S3StorageProvider,
  use: (storage: S3StorageProvider) => Promise<void>,
): Promise<void> {
  try {
    await use(storage);
  } finally {
    await storage.close();
  }
}

function gzip(text: string): ReadableStream {
  return new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
}
