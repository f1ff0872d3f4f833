import assert from "node:assert/strict";
import { downloadText, type StorageCase } from "./case.ts";

/** What the section "Writing" of the specification says about changes of what was passed in or handed out. */
export const isolationCases: readonly StorageCase[] = [
  {
    sentence:
      "what a caller changes after the call, bytes or options, is not seen, also while the upload is under way",
    async run(storage, bucket) {
      for (const length of [3, 1_000_000]) {
        const bytes = new Uint8Array(length).fill(97);
        const options = { contentType: "text/plain", metadata: { a: "1" } };
        const upload = storage.upload(bucket, "key", bytes, options);
        bytes.fill(0);
        options.contentType = options.metadata.a = "changed";
        await upload;
        assert.equal(await downloadText(storage, bucket, "key"), "a".repeat(length));
        const { contentType, metadata } = await storage.getMetadata(bucket, "key");
        assert.deepEqual([contentType, metadata["a"]], ["text/plain", "1"]);
      }
    },
  },
  {
    sentence: "what a caller changes of what was read is not seen",
    async run(storage, bucket) {
      await storage.upload(bucket, "key", "abc");
      (await storage.download(bucket, "key")).fill(0);
      (await storage.getMetadata(bucket, "key")).lastModified.setTime(0);
      assert.equal(await downloadText(storage, bucket, "key"), "abc");
      assert.notEqual((await storage.getMetadata(bucket, "key")).lastModified.getTime(), 0);
    },
  },
];
