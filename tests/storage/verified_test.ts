import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import { sha256Hex } from "../../storage/digest.ts";
import { bodyStream } from "../../storage/body.ts";
import {
  downloadVerified,
  downloadVerifiedStream,
  uploadVerified,
} from "../../storage/verified.ts";
import { readText, streamOf } from "../conformance/storage/case.ts";

async function open(): Promise<MemoryStorageProvider> {
  const storage = new MemoryStorageProvider();
  await storage.createBucket("bucket");
  return storage;
}

/** An object whose bytes are not the ones that its metadata tells of. */
async function openDamaged(): Promise<MemoryStorageProvider> {
  const storage = await open();
  const metadata = { sha256: sha256Hex("dataset") };
  await storage.upload("bucket", "key", "datasEt", { metadata });
  return storage;
}

test("uploadVerified() records the digest of the bytes that went through", async () => {
  const storage = await open();
  const bodies = ["dataset", new TextEncoder().encode("dataset"), new Blob(["dataset"])];
  for (const body of [...bodies, streamOf(["data", "", "set"])]) {
    const options = { contentType: "text/csv", metadata: { source: "paper" } };
    const { sha256, size } = await uploadVerified(storage, "bucket", "key", body, options);
    assert.equal(sha256, sha256Hex("dataset"));
    assert.equal(size, 7);
    const { metadata, contentType } = await storage.getMetadata("bucket", "key");
    assert.deepEqual({ ...metadata }, { source: "paper", sha256 });
    assert.equal(contentType, "text/csv");
    assert.equal((await downloadVerified(storage, "bucket", "key")).byteLength, 7);
  }
});

test("uploadVerified() sees nothing of what the caller changes after the call", async () => {
  const storage = await open();
  for (const length of [3, 1_000_000]) {
    const bytes = new Uint8Array(length).fill(97);
    const metadata = { source: "paper" };
    const upload = uploadVerified(storage, "bucket", "key", bytes, { metadata });
    bytes.fill(0);
    metadata.source = "changed";
    assert.equal((await upload).sha256, sha256Hex("a".repeat(length)));
    assert.equal((await storage.getMetadata("bucket", "key")).metadata["source"], "paper");
    await downloadVerified(storage, "bucket", "key");
  }
});

test("what uploadVerified() wrote, downloadVerified() gives back", async () => {
  const storage = await open();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
      await uploadVerified(storage, "bucket", "key", bodyStream(bytes));
      assert.deepEqual([...await downloadVerified(storage, "bucket", "key")], [...bytes]);
    }),
    { numRuns: 50 },
  );
});

test("uploadVerified() leaves no object if the bytes are not the expected ones", async () => {
  const storage = await open();
  const sha256 = sha256Hex("dataset").toUpperCase();
  const wrong = uploadVerified(storage, "bucket", "key", streamOf(["datasEt"]), { sha256 });
  await assert.rejects(wrong, { code: "corrupted", name: "IntegrityError" });
  assert.equal(await storage.exists("bucket", "key"), false);
  await uploadVerified(storage, "bucket", "key", streamOf(["dataset"]), { sha256 });
  assert.equal(await storage.exists("bucket", "key"), true);
});

test("uploadVerified() is create-only when asked, and cancels what it does not read", async () => {
  const storage = await open();
  await uploadVerified(storage, "bucket", "key", "first", { createOnly: true });
  const cancelled = new Promise<void>((resolve) => {
    const body = streamOf(["a"], { stuck: true, onCancel: resolve });
    const upload = uploadVerified(storage, "bucket", "key", body, { createOnly: true });
    assert.rejects(upload, { code: "already_exists" });
  });
  await cancelled;
});

test("uploadVerified() refuses bad input before it reads anything", async () => {
  const storage = await open();
  const upload = (options: object): Promise<unknown> =>
    uploadVerified(storage, "bucket", "key", "x", options);
  await assert.rejects(upload({ sha256: "abc" }), { field: "sha256" });
  await assert.rejects(upload({ metadata: { sha256: "abc" } }), { field: "metadata.sha256" });
  await assert.rejects(upload({ metadata: 5 }), { field: "metadata" });
  await assert.rejects(upload({ contentType: "x" }), { field: "contentType" });
  await assert.rejects(uploadVerified(storage, "bucket", "../key", "x"), { field: "key" });
  const numbers = new ReadableStream({ start: (c) => (c.enqueue(7), c.close()) });
  await assert.rejects(uploadVerified(storage, "bucket", "key", numbers), { field: "data" });
  await assert.rejects(uploadVerified(storage, "bucket", "key", "abc", { size: 4 }), {
    field: "data",
  });
  assert.equal(await storage.exists("bucket", "key"), false);
});

test("uploadVerified() passes the failure of its source on", async () => {
  const storage = await open();
  const failure = new Error("gone");
  const upload = uploadVerified(storage, "bucket", "key", streamOf(["a"], { failure }));
  await assert.rejects(upload, { code: "internal", cause: failure });
});

test("downloadVerified() rejects with an IntegrityError if the bytes were changed", async () => {
  const storage = await openDamaged();
  await assert.rejects(downloadVerified(storage, "bucket", "key"), { code: "corrupted" });
  await uploadVerified(storage, "bucket", "key", "dataset");
  const sha256 = sha256Hex("another dataset");
  const other = downloadVerified(storage, "bucket", "key", { sha256 });
  await assert.rejects(other, { code: "corrupted" });
});

test("downloadVerified() rejects if there is no digest to verify", async () => {
  const storage = await open();
  await storage.upload("bucket", "key", "dataset");
  await assert.rejects(downloadVerified(storage, "bucket", "key"), { code: "unsupported" });
  const sha256 = sha256Hex("dataset");
  const given = await downloadVerified(storage, "bucket", "key", { sha256 });
  assert.equal(given.byteLength, 7);
  await assert.rejects(downloadVerified(storage, "bucket", "none"), { code: "not_found" });
});

test("downloadVerifiedStream() fails in the place of its end", async () => {
  const storage = await openDamaged();
  const { body } = await downloadVerifiedStream(storage, "bucket", "key");
  await assert.rejects(readText(body), { code: "corrupted" });
  await uploadVerified(storage, "bucket", "key", "dataset");
  const whole = await downloadVerifiedStream(storage, "bucket", "key");
  assert.equal(await readText(whole.body), "dataset");
  assert.equal(whole.metadata.size, 7);
});

test("downloadVerified() ends when the signal fires", async () => {
  const storage = await open();
  await uploadVerified(storage, "bucket", "key", "dataset");
  const options = { signal: AbortSignal.abort() };
  await assert.rejects(downloadVerified(storage, "bucket", "key", options), { code: "aborted" });
});
