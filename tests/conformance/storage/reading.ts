import assert from "node:assert/strict";
import { NotFoundError } from "../../../core/errors.ts";
import { readText, refuses, rejectsWith, type StorageCase } from "./case.ts";

const DIGITS = "0123456789";

/** The section "Reading" of the specification. */
export const readingCases: readonly StorageCase[] = [
  {
    sentence: "reading a missing object rejects with a NotFoundError; exists tells false",
    async run(storage, bucket) {
      await storage.upload(bucket, "a/b", "x");
      for (const key of ["missing", "a", "a/b/c"]) {
        assert.equal(await storage.exists(bucket, key), false);
        await assert.rejects(storage.download(bucket, key), NotFoundError);
        await assert.rejects(storage.downloadStream(bucket, key), NotFoundError);
        await assert.rejects(storage.getMetadata(bucket, key), NotFoundError);
      }
      assert.equal(await storage.exists(bucket, "a/b"), true);
      assert.equal(await storage.exists("no-such-bucket", "key"), false);
      await assert.rejects(storage.download("no-such-bucket", "key"), NotFoundError);
      await assert.rejects(storage.getMetadata("no-such-bucket", "key"), NotFoundError);
    },
  },
  {
    sentence: "a stream gives the bytes and the metadata of one version",
    async run(storage, bucket) {
      const text = DIGITS.repeat(60_000);
      const about = { contentType: "text/plain", metadata: { a: "1" } };
      await storage.upload(bucket, "key", text, about);
      const { metadata, body } = await storage.downloadStream(bucket, "key");
      assert.deepEqual(metadata, await storage.getMetadata(bucket, "key"));
      assert.equal(await readText(body), text);
    },
  },
  {
    sentence:
      "a stream reads the version that it was opened on, also when that is replaced or deleted meanwhile",
    async run(storage, bucket) {
      const text = "old".repeat(300_000);
      await storage.upload(bucket, "key", text);
      const first = await storage.downloadStream(bucket, "key");
      await storage.upload(bucket, "key", "new");
      const second = await storage.downloadStream(bucket, "key");
      await storage.delete(bucket, "key");
      assert.equal(await readText(first.body), text);
      assert.equal(await readText(second.body), "new");
    },
  },
  {
    sentence: "a stream can be left early by cancelling it",
    async run(storage, bucket) {
      await storage.upload(bucket, "key", DIGITS.repeat(100_000));
      for (let i = 0; i < 20; i++) {
        const { body } = await storage.downloadStream(bucket, "key");
        const reader = body.getReader();
        if (i % 2) assert.ok(((await reader.read()).value?.byteLength ?? 0) > 0);
        await reader.cancel();
        assert.equal((await reader.read()).done, true);
      }
    },
  },
  {
    sentence:
      "a range beyond the end is cut at the end; one that begins there is refused with a ValidationError",
    async run(storage, bucket) {
      await storage.upload(bucket, "key", DIGITS);
      const ranges = [[0, undefined], [3, undefined], [0, 1], [3, 4], [9, 1], [8, 100]] as const;
      for (const [offset, length] of ranges) {
        const range = length === undefined ? { offset } : { offset, length };
        const expected = DIGITS.slice(offset, length === undefined ? undefined : offset + length);
        const bytes = await storage.download(bucket, "key", { range });
        assert.equal(new TextDecoder().decode(bytes), expected);
        const { body, metadata } = await storage.downloadStream(bucket, "key", { range });
        assert.equal(await readText(body), expected);
        assert.equal(metadata.size, 10);
      }
      for (const offset of [10, 11, Number.MAX_SAFE_INTEGER]) {
        await refuses(storage.download(bucket, "key", { range: { offset } }), "range.offset");
      }
      await storage.upload(bucket, "empty", "");
      await refuses(storage.download(bucket, "empty", { range: { offset: 0 } }), "range.offset");
    },
  },
  {
    sentence: "with ifMatch, reading another version rejects with code conflict",
    async run(storage, bucket) {
      const { etag } = await storage.upload(bucket, "key", "old");
      assert.equal((await storage.download(bucket, "key", { ifMatch: etag })).byteLength, 3);
      await storage.upload(bucket, "key", "newer");
      await rejectsWith(storage.download(bucket, "key", { ifMatch: etag }), "conflict");
      await rejectsWith(storage.downloadStream(bucket, "key", { ifMatch: etag }), "conflict");
    },
  },
];
