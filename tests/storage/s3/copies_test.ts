import assert from "node:assert/strict";
import { StorageCall } from "../../../storage/call.ts";
import { checkConfig } from "../../../storage/adapters/s3/config.ts";
import { Copies } from "../../../storage/adapters/s3/copies.ts";
import { ObjectReader } from "../../../storage/adapters/s3/object_reader.ts";
import { S3Server } from "../../../storage/adapters/s3/server.ts";
import { s3Config, withStorage } from "../../support/s3_storage.ts";
import { findService, serviceTest } from "../../support/services.ts";

const testS3 = serviceTest(await findService("s3"));
const PART = 5_242_880;

testS3(
  "a large object is copied in parts by the server, with all that is known about it",
  async (url) => {
    await withStorage(url, async (storage, bucket) => {
      const bytes = new Uint8Array(2 * PART + 7);
      for (let i = 0; i < bytes.length; i += 65_536) {
        crypto.getRandomValues(bytes.subarray(i, i + 65_536));
      }
      const source = "a b/+ü%20 'odd' (1)*!";
      const about = { contentType: "text/csv", metadata: { a: "1" } };
      await storage.upload(bucket, source, bytes, about);
      const server = new S3Server(checkConfig(s3Config(url)));
      const copies = new Copies({ server, reader: new ObjectReader(server) }, PART);
      const from = { bucket, key: source };
      const { etag, size } = await copies.copy(new StorageCall("copy"), from, { bucket, key: "b" });
      assert.equal(size, bytes.length);
      assert.match(etag, /-3$/, "not three parts");
      assert.deepEqual(await storage.download(bucket, "b"), bytes);
      const { contentType, metadata } = await storage.getMetadata(bucket, "b");
      assert.deepEqual({ contentType, metadata }, about);
      await server.close();
    });
  },
);

testS3(
  "a copy in parts of a missing object, or into a missing bucket, is a NotFoundError",
  async (url) => {
    await withStorage(url, async (storage, bucket) => {
      await storage.upload(bucket, "a", new Uint8Array(PART + 1));
      const server = new S3Server(checkConfig(s3Config(url)));
      const copies = new Copies({ server, reader: new ObjectReader(server) }, PART);
      const call = new StorageCall("copy");
      const missing = copies.copy(call, { bucket, key: "none" }, { bucket, key: "b" });
      await assert.rejects(missing, { code: "not_found" });
      const nowhere = copies.copy(call, { bucket, key: "a" }, { bucket: `${bucket}-0`, key: "b" });
      await assert.rejects(nowhere, { status: 404, reason: "NoSuchBucket" });
      await server.close();
    });
  },
);
