import assert from "node:assert/strict";
import { NotFoundError } from "../../../core/errors.ts";
import { downloadText, type StorageCase } from "./case.ts";

/** The section "Buckets" of the specification. */
export const bucketCases: readonly StorageCase[] = [
  {
    sentence:
      "writing, deleting, listing and copying in a missing bucket reject with a NotFoundError",
    async run(storage, bucket) {
      const missing = `missing-${crypto.randomUUID()}`;
      await storage.upload(bucket, "key", "x");
      await assert.rejects(storage.upload(missing, "key", "x"), NotFoundError);
      await assert.rejects(storage.delete(missing, "key"), NotFoundError);
      await assert.rejects(storage.deleteBatch(missing, ["key"]), NotFoundError);
      await assert.rejects(storage.listObjects(missing), NotFoundError);
      await assert.rejects(storage.iterateObjects(missing).next(), NotFoundError);
      await assert.rejects(storage.copy(bucket, "key", missing, "key"), NotFoundError);
      await assert.rejects(storage.copy(missing, "key", bucket, "key"), NotFoundError);
      assert.equal(await storage.bucketExists(missing), false);
    },
  },
  {
    sentence: "creating a bucket that exists already changes nothing",
    async run(storage, bucket) {
      await storage.upload(bucket, "key", "x");
      await storage.createBucket(bucket);
      assert.equal(await storage.bucketExists(bucket), true);
      assert.equal(await downloadText(storage, bucket, "key"), "x");
    },
  },
  {
    sentence: "buckets are apart from each other",
    async run(storage, bucket) {
      const other = `${bucket}-2`;
      await storage.createBucket(other);
      await storage.upload(bucket, "key", "x");
      assert.equal(await storage.exists(other, "key"), false);
      assert.deepEqual((await storage.listObjects(other)).items, []);
    },
  },
];
