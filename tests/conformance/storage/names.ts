import assert from "node:assert/strict";
import { downloadText, refuses, type StorageCase } from "./case.ts";
import { BAD_KEYS, ODD_KEYS } from "./keys.ts";

/** The section "Names" of the specification. */
export const nameCases: readonly StorageCase[] = [
  {
    sentence: "a bucket has 3 to 63 lower-case letters, digits, dots and hyphens",
    async run(storage, ours) {
      const bad = ["", "ab", "a".repeat(64), "Abc", "a_b", "a/b", "..", "a..b", ".ab", "ab."];
      for (const bucket of [...bad, "-ab", "ab-", "192.168.0.1", "a b", "a\0b", "é-a"]) {
        await refuses(storage.createBucket(bucket), "bucket");
        await refuses(storage.upload(bucket, "key", "x"), "bucket");
      }
      await storage.createBucket(`${ours}.b`);
    },
  },
  {
    sentence: "a key that an adapter could not keep unchanged is refused",
    async run(storage, bucket) {
      for (const key of BAD_KEYS) {
        await refuses(storage.upload(bucket, key, "x"), "key");
        await refuses(storage.download(bucket, key), "key");
        await refuses(storage.delete(bucket, key), "key");
      }
      assert.deepEqual((await storage.listObjects(bucket)).items, []);
    },
  },
  {
    sentence: "any other key is kept unchanged",
    async run(storage, bucket) {
      for (const key of ODD_KEYS) await storage.upload(bucket, key, `content of ${key}`);
      for (const key of ODD_KEYS) {
        assert.equal(await downloadText(storage, bucket, key), `content of ${key}`);
      }
      const { items } = await storage.listObjects(bucket);
      assert.deepEqual(new Set(items.map(({ key }) => key)), new Set(ODD_KEYS));
      const results = await storage.deleteBatch(bucket, ODD_KEYS);
      assert.ok(results.every(({ deleted }) => deleted));
      assert.deepEqual((await storage.listObjects(bucket)).items, []);
    },
  },
  {
    sentence:
      "keys are compared byte by byte: case and Unicode normalization count, and a can stand beside a/b",
    async run(storage, bucket) {
      const keys = ["a", "A", "a/b", "a/b/c", "caf\u00e9", "cafe\u0301"];
      for (const key of keys) await storage.upload(bucket, key, key);
      for (const key of keys) assert.equal(await downloadText(storage, bucket, key), key);
      await storage.delete(bucket, "a");
      assert.equal(await storage.exists(bucket, "a"), false);
      assert.equal(await storage.exists(bucket, "A"), true);
      assert.equal(await storage.exists(bucket, "a/b"), true);
      await storage.delete(bucket, "a/b");
      assert.equal(await downloadText(storage, bucket, "a/b/c"), "a/b/c");
    },
  },
  {
    sentence:
      "bad input is refused with a ValidationError that names the field, before anything changes",
    async run(storage, bucket) {
      const upload = (options: object): Promise<unknown> =>
        storage.upload(bucket, "key", "x", options);
      await refuses(upload({ contentType: "json" }), "contentType");
      await refuses(upload({ contentType: "a/b\r\nx: y" }), "contentType");
      await refuses(upload({ metadata: { "Upper": "a" } }), "metadata");
      await refuses(upload({ metadata: JSON.parse('{"__proto__": "a"}') }), "metadata");
      await refuses(upload({ metadata: { name: "é" } }), "metadata.name");
      await refuses(upload({ metadata: { name: "a\nb" } }), "metadata.name");
      await refuses(upload({ metadata: { name: "" } }), "metadata.name");
      await refuses(upload({ metadata: { name: " a" } }), "metadata.name");
      await refuses(
        upload({ metadata: { a: "x".repeat(1_024), b: "x".repeat(1_024) } }),
        "metadata",
      );
      await refuses(upload({ metadata: () => ({ name: "é" }) }), "metadata.name");
      await refuses(upload({ size: -1 }), "size");
      await refuses(upload({ timeoutMs: 0 }), "timeoutMs");
      await refuses(upload({ signal: 5 }), "signal");
      await refuses(upload({ createOnly: true, ifMatch: "a" }), "ifMatch");
      await refuses(storage.upload(bucket, "key", "\ud800"), "data");
      await refuses(storage.upload(bucket, "key", 7 as unknown as string), "data");
      assert.equal(await storage.exists(bucket, "key"), false);
      await storage.upload(bucket, "key", "x");
      await refuses(storage.download(bucket, "key", { range: { offset: -1 } }), "range.offset");
      const empty = { range: { offset: 0, length: 0 } };
      await refuses(storage.downloadStream(bucket, "key", empty), "range.length");
      await refuses(storage.listObjects(bucket, { limit: 0 }), "limit");
      await refuses(storage.listObjects(bucket, { limit: 1_001 }), "limit");
      await refuses(storage.listObjects(bucket, { prefix: "a\0" }), "prefix");
      await refuses(storage.listObjects(bucket, { cursor: "not a cursor" }), "cursor");
      await refuses(storage.deleteBatch(bucket, ["key", "../key"]), "keys[1]");
      await refuses(storage.copy(bucket, "../key", bucket, "b"), "sourceKey");
      await refuses(storage.copy(bucket, "key", "B", "b"), "destinationBucket");
      await refuses(storage.getPresignedUrl(bucket, "key", { expiresInMs: 999 }), "expiresInMs");
      await refuses(storage.getPresignedUrl(bucket, "key", { expiresInMs: 6.1e8 }), "expiresInMs");
      assert.equal(await downloadText(storage, bucket, "key"), "x");
    },
  },
];
