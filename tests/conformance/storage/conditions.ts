import assert from "node:assert/strict";
import { downloadText, outcomes, rejectsWith, type StorageCase } from "./case.ts";

const EIGHT: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

/** What the section "Writing" of the specification says about conditions. */
export const conditionCases: readonly StorageCase[] = [
  {
    sentence:
      "with createOnly, exactly one of several uploads succeeds; the others reject with code already_exists",
    needs: "createOnly",
    async run(storage, bucket) {
      const { fulfilled, codes } = await outcomes(EIGHT.map((i) => {
        const body = i % 2 ? new Blob([`${i}`]).stream() : `${i}`;
        return storage.upload(bucket, "a/key", body, { createOnly: true });
      }));
      assert.equal(fulfilled, 1);
      assert.deepEqual(codes, Array(7).fill("already_exists"));
      const winner = await downloadText(storage, bucket, "a/key");
      const late = storage.upload(bucket, "a/key", "late", { createOnly: true });
      await assert.rejects(late, { code: "already_exists", outcome: "not-applied" });
      assert.equal(await downloadText(storage, bucket, "a/key"), winner);
      await storage.delete(bucket, "a/key");
      await storage.upload(bucket, "a/key", "again", { createOnly: true });
      assert.equal(await downloadText(storage, bucket, "a/key"), "again");
    },
  },
  {
    sentence:
      "with ifMatch, exactly one of several uploads over a version succeeds; the others reject with code conflict",
    needs: "ifMatch",
    async run(storage, bucket) {
      const { etag } = await storage.upload(bucket, "key", "first");
      const { fulfilled, codes } = await outcomes(EIGHT.map((i) => {
        return storage.upload(bucket, "key", `second ${i}`, { ifMatch: etag });
      }));
      assert.equal(fulfilled, 1);
      assert.deepEqual(codes, Array(7).fill("conflict"));
      const second = await storage.getMetadata(bucket, "key");
      await rejectsWith(storage.upload(bucket, "key", "stale", { ifMatch: etag }), "conflict");
      await storage.upload(bucket, "key", "third", { ifMatch: second.etag });
      assert.equal(await downloadText(storage, bucket, "key"), "third");
    },
  },
  {
    sentence: "with ifMatch, an upload over a missing object rejects with code conflict",
    needs: "ifMatch",
    async run(storage, bucket) {
      const { etag } = await storage.upload(bucket, "key", "first");
      await storage.delete(bucket, "key");
      await rejectsWith(storage.upload(bucket, "key", "x", { ifMatch: etag }), "conflict");
      assert.equal(await storage.exists(bucket, "key"), false);
    },
  },
  {
    sentence: "createOnly is refused with code unsupported, never ignored",
    lacks: "createOnly",
    async run(storage, bucket) {
      await rejectsWith(storage.upload(bucket, "key", "x", { createOnly: true }), "unsupported");
      assert.equal(await storage.exists(bucket, "key"), false);
    },
  },
  {
    sentence: "ifMatch is refused with code unsupported, never ignored",
    lacks: "ifMatch",
    async run(storage, bucket) {
      const { etag } = await storage.upload(bucket, "key", "x");
      await rejectsWith(storage.upload(bucket, "key", "y", { ifMatch: etag }), "unsupported");
      assert.equal(await downloadText(storage, bucket, "key"), "x");
    },
  },
];
