import assert from "node:assert/strict";
import { withS3 } from "../../support/s3.ts";
import { withStorage } from "../../support/s3_storage.ts";
import { findService, serviceTest } from "../../support/services.ts";

const testS3 = serviceTest(await findService("s3"));

testS3("probe() measures what the server does, says so, and leaves nothing", async (url) => {
  await withStorage(url, async (storage, bucket) => {
    const probe = await storage.probe(bucket);
    assert.deepEqual([probe.ranges, probe.checksums, probe.presignedUrls], [true, true, true]);
    const { createOnly, ifMatch, presignedUrls, presignedPosts } = probe;
    assert.deepEqual(storage.capabilities, { createOnly, ifMatch, presignedUrls, presignedPosts });
    await assert.rejects(storage.probe("no-such-bucket"), { code: "not_found" });
    await assert.rejects(storage.probe("../bucket"), { field: "bucket" });
    await storage.close();
    await withS3(url, async (client) => {
      const s3 = await import("@aws-sdk/client-s3");
      const { KeyCount } = await client.send(new s3.ListObjectsV2Command({ Bucket: bucket }));
      assert.equal(KeyCount, 0);
      const list = new s3.ListMultipartUploadsCommand({ Bucket: bucket });
      assert.equal((await client.send(list)).Uploads?.length ?? 0, 0);
    });
  });
});
