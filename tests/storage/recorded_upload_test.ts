import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import { sha256Hex } from "../../storage/digest.ts";
import { uploadRecorded } from "../../storage/recorded_upload.ts";
import type { StorageBody } from "../../storage/storage.ts";

const to = { bucket: "bucket", key: "key" };

async function open(): Promise<MemoryStorageProvider> {
  const storage = new MemoryStorageProvider();
  await storage.createBucket("bucket");
  return storage;
}

test("the digest is recorded under the given name, whatever the body and the metadata", async () => {
  const bodies: (() => StorageBody)[] = [
    () => "text",
    () => new TextEncoder().encode("text"),
    () => new Blob(["text"]),
    () => new Blob(["text"]).stream(),
  ];
  const storage = await open();
  const expected = { owner: "ada", digest: sha256Hex("text") };
  for (const body of bodies) {
    for (const metadata of [{ owner: "ada" }, () => ({ owner: "ada" })]) {
      const { sha256, size } = await uploadRecorded(storage, to, body(), {
        metadata,
        record: "digest",
      });
      assert.deepEqual([sha256, size], [expected.digest, 4]);
      assert.deepEqual((await storage.getMetadata("bucket", "key")).metadata, expected);
    }
  }
});

test("the caller does not write the record", async () => {
  const storage = await open();
  for (const metadata of [{ digest: "mine" }, () => ({ digest: "mine" })]) {
    const upload = uploadRecorded(storage, to, "text", { metadata, record: "digest" });
    await assert.rejects(upload, { field: "metadata.digest" });
  }
  assert.equal(await storage.exists("bucket", "key"), false);
});

test("a stream of something else than bytes is refused as such, also where a digest is given", async () => {
  const storage = await open();
  for (const chunk of [null, undefined, "text", 5]) {
    for (const sha256 of [undefined, sha256Hex("text")]) {
      const body = new ReadableStream<Uint8Array>({
        start(controller): void {
          controller.enqueue(chunk as unknown as Uint8Array);
          controller.close();
        },
      });
      const options = { record: "digest", ...(sha256 && { sha256 }) };
      await assert.rejects(uploadRecorded(storage, to, body, options), { field: "data" });
    }
  }
});

test("a stream that is not read is cancelled", async () => {
  const storage = await open();
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) });
  const upload = uploadRecorded(storage, { bucket: "B", key: "key" }, body, { record: "digest" });
  await assert.rejects(upload, { field: "bucket" });
  assert.equal(cancelled, true);
});
