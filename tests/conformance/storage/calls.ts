import assert from "node:assert/strict";
import type { CallOptions } from "../../../core/call_options.ts";
import type { StorageProvider } from "../../../storage/storage.ts";
import { downloadText, rejectsWith, type StorageCase, streamOf } from "./case.ts";

/** The section "Calls" of the specification. */
export const callCases: readonly StorageCase[] = [
  {
    sentence: "a call with an aborted signal rejects with code aborted and does nothing",
    async run(storage, bucket) {
      await storage.upload(bucket, "key", "x");
      for (const call of everyCall(storage, bucket, { signal: AbortSignal.abort() })) {
        await rejectsWith(call(), "aborted");
      }
      assert.equal(await downloadText(storage, bucket, "key"), "x");
      assert.equal(await storage.exists(bucket, "copy"), false);
      assert.equal(await storage.bucketExists(`${bucket}-3`), false);
    },
  },
  {
    sentence: "a call settles by its deadline with code timeout",
    async run(storage, bucket) {
      let cancelled = false;
      const body = streamOf(["a"], { stuck: true, onCancel: () => void (cancelled = true) });
      // A deadline does not keep the process alive, and in memory nothing else does.
      const awake = setInterval(() => {}, 1_000);
      const upload = storage.upload(bucket, "key", body, { timeoutMs: 30 });
      await assert.rejects(upload, { code: "timeout", outcome: "not-applied" });
      clearInterval(awake);
      assert.ok(cancelled, "the source was not cancelled");
      assert.equal(await storage.exists(bucket, "key"), false);
    },
  },
  {
    sentence: "an aborted signal ends a stream that was opened with it, with code aborted",
    async run(storage, bucket) {
      await storage.upload(bucket, "key", "x".repeat(1_000_000));
      const aborter = new AbortController();
      const { signal } = aborter;
      const { body } = await storage.downloadStream(bucket, "key", { signal });
      const reader = body.getReader();
      assert.equal((await reader.read()).done, false);
      aborter.abort();
      await rejectsWith(reader.read(), "aborted");
    },
  },
  {
    sentence: "health resolves with what is worth showing",
    async run(storage) {
      assert.equal(typeof (await storage.health())["adapter"], "string");
    },
  },
  {
    sentence: "after close, every call rejects with code closed; closing again is fine",
    async run(storage, bucket) {
      await storage.close();
      await storage.close();
      await storage[Symbol.asyncDispose]();
      for (const call of everyCall(storage, bucket, {})) await rejectsWith(call(), "closed");
    },
  },
];

function everyCall(
  storage: StorageProvider,
  bucket: string,
  options: CallOptions,
): readonly (() => Promise<unknown>)[] {
  return [
    () => storage.upload(bucket, "key", "changed", options),
    () => storage.download(bucket, "key", options),
    () => storage.downloadStream(bucket, "key", options),
    () => storage.delete(bucket, "key", options),
    () => storage.deleteBatch(bucket, ["key"], options),
    () => storage.exists(bucket, "key", options),
    () => storage.getMetadata(bucket, "key", options),
    () => storage.listObjects(bucket, options),
    () => storage.iterateObjects(bucket, options).next(),
    () => storage.copy(bucket, "key", bucket, "copy", options),
    () => storage.getPresignedUrl(bucket, "key", options),
    () => storage.getPresignedPost(bucket, "key", { maxBytes: 1, ...options }),
    () => storage.createBucket(`${bucket}-3`, options),
    () => storage.bucketExists(bucket, options),
    () => storage.health(options),
  ];
}
