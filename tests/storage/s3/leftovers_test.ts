import assert from "node:assert/strict";
import type { S3Client } from "@aws-sdk/client-s3";
import { answer } from "../../support/http_faults.ts";
import { withProxiedS3 } from "../../support/proxied_s3.ts";
import { withS3 } from "../../support/s3.ts";
import { withStorage } from "../../support/s3_storage.ts";
import { findService, serviceTest } from "../../support/services.ts";

const testS3 = serviceTest(await findService("s3"));
const HOUR_MS = 3_600_000;

testS3(
  "cleanUpUploads() removes unfinished uploads and staged objects, but only old ones",
  async (url) => {
    await withStorage(url, async (storage, bucket) => {
      await storage.upload(bucket, "kept", "x");
      await withS3(url, async (client) => {
        const s3 = await import("@aws-sdk/client-s3");
        for (const Key of ["a", "a", "b/c é+"]) {
          const upload = { Bucket: bucket, Key };
          const { UploadId } = await client.send(new s3.CreateMultipartUploadCommand(upload));
          const part = { ...upload, UploadId, PartNumber: 1, Body: "part" };
          await client.send(new s3.UploadPartCommand(part));
        }
        const staged = { Bucket: bucket, Key: ".exchange/staging/1", Body: "x" };
        await client.send(new s3.PutObjectCommand(staged));
        assert.deepEqual(await storage.cleanUpUploads(bucket, HOUR_MS), { uploads: 0, objects: 0 });
        const list = new s3.ListMultipartUploadsCommand({ Bucket: bucket });
        assert.equal((await client.send(list)).Uploads?.length, 3);
        // Servers tell the time of an object in whole seconds.
        const isOld = async (): Promise<boolean> => {
          const { uploads, objects } = await storage.cleanUpUploads(bucket, 0);
          removed.uploads += uploads;
          removed.objects += objects;
          return removed.uploads >= 3 && removed.objects >= 1;
        };
        const removed = { uploads: 0, objects: 0 };
        while (!await isOld()) await new Promise((resolve) => setTimeout(resolve, 100));
        assert.deepEqual(removed, { uploads: 3, objects: 1 });
        assert.equal((await client.send(list)).Uploads?.length ?? 0, 0);
      });
      assert.deepEqual(await storage.cleanUpUploads(bucket, 0), { uploads: 0, objects: 0 });
      assert.ok(await storage.exists(bucket, "kept"));
      await assert.rejects(storage.cleanUpUploads(bucket, -1), { field: "olderThanMs" });
      await assert.rejects(storage.cleanUpUploads("no-such-bucket", 0), { code: "not_found" });
    });
  },
);

testS3("cleanUpUploads() counts what it removed, and tells what it could not", async (url) => {
  await withProxiedS3(url, async ({ storage, proxy, bucket }) => {
    const leave = async (client: S3Client): Promise<void> => {
      const s3 = await import("@aws-sdk/client-s3");
      const upload = { Bucket: bucket, Key: "a" };
      await client.send(new s3.CreateMultipartUploadCommand(upload));
      const staged = { Bucket: bucket, Key: ".exchange/staging/1", Body: "x" };
      await client.send(new s3.PutObjectCommand(staged));
    };
    await withS3(url, leave);
    const gone = answer(404, "<Error><Code>NoSuchUpload</Code></Error>");
    proxy.on(/^DELETE .*uploadId=/, gone);
    // Servers tell the time of an object in whole seconds.
    let cleaned = await storage.cleanUpUploads(bucket, 0);
    while (cleaned.objects === 0) cleaned = await storage.cleanUpUploads(bucket, 0);
    assert.deepEqual(cleaned, { uploads: 0, objects: 1 });
    await withS3(url, leave);
    proxy.on(/^DELETE .*staging/, answer(403, "<Error><Code>AccessDenied</Code></Error>"));
    await assert.rejects(async () => {
      while (true) await storage.cleanUpUploads(bucket, 0);
    }, { code: "permission_denied" });
    proxy.heal();
    assert.deepEqual(await storage.cleanUpUploads(bucket, 0), { uploads: 2, objects: 1 });
  });
});

testS3("cleanUpUploads() keeps an object whose age the server does not tell", async (url) => {
  await withProxiedS3(url, async ({ storage, proxy, bucket, count }) => {
    const key = "<Contents><Key>.exchange/staging/1</Key><Size>1</Size></Contents>";
    const list = `<ListBucketResult><IsTruncated>false</IsTruncated>${key}</ListBucketResult>`;
    proxy.on(/^GET .*list-type=2/, answer(200, list, { "content-type": "application/xml" }));
    assert.deepEqual(await storage.cleanUpUploads(bucket, 0), { uploads: 0, objects: 0 });
    assert.equal(count(/^(DELETE|POST) /), 0);
    assert.equal(count(/list-type=2/), 1);
  });
});
