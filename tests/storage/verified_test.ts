import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import { sha256Hex } from "../../storage/digest.ts";
import { bodyStream } from "../../storage/body.ts";
import type { StorageBody, UploadOptions, WrittenObject } from "../../storage/storage.ts";
import { downloadVerified, uploadVerified } from "../../storage/verified.ts";
import { streamOf } from "../conformance/storage/case.ts";

async function open(): Promise<MemoryStorageProvider> {
  const storage = new MemoryStorageProvider();
  await storage.createBucket("bucket");
  return storage;
}

/** Remembers what it was given. */
class RecordingStorage extends MemoryStorageProvider {
  readonly bodies: StorageBody[] = [];
  readonly options: UploadOptions[] = [];
  received = 0;

  override async upload(
    bucket: string,
    key: string,
    data: StorageBody,
    options: UploadOptions = {},
  ): Promise<WrittenObject> {
    this.bodies.push(data);
    this.options.push(options);
    await this.createBucket(bucket);
    if (!(data instanceof ReadableStream)) return await super.upload(bucket, key, data, options);
    const counted = data.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller): void => {
          this.received += chunk.byteLength;
          controller.enqueue(chunk);
        },
      }),
    );
    return await super.upload(bucket, key, counted, options);
  }
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

test("uploadVerified() describes at once what can be known before the upload", async () => {
  const storage = new RecordingStorage();
  const upload = async (data: StorageBody, options = {}): Promise<UploadOptions["metadata"]> => {
    await uploadVerified(storage, "bucket", "key", data, { metadata: { a: "1" }, ...options });
    return storage.options.at(-1)?.metadata;
  };
  const sha256 = sha256Hex("dataset");
  const bytes = new TextEncoder().encode("dataset");
  for (const body of ["dataset", bytes]) {
    assert.deepEqual(await upload(body), { a: "1", sha256 });
    assert.equal(storage.bodies.at(-1), body);
  }
  const blob = new Blob(["dataset"]);
  assert.deepEqual(await upload(blob), { a: "1", sha256 });
  assert.equal(storage.options.at(-1)?.size, 7);
  assert.deepEqual(await upload(blob, { sha256: sha256.toUpperCase() }), { a: "1", sha256 });
  assert.deepEqual(await upload(streamOf(["dataset"]), { sha256 }), { a: "1", sha256 });
  for (const metadata of [() => ({ b: "2" }), { b: "2" }]) {
    const described = await upload(streamOf(["dataset"]), { metadata });
    assert.equal(typeof described, "function");
    const found = await storage.getMetadata("bucket", "key");
    assert.deepEqual({ ...found.metadata }, { b: "2", sha256 });
  }
  const metadata = () => ({ c: "3" });
  for (const body of ["dataset", bytes, blob]) {
    assert.equal(typeof await upload(body, { metadata }), "function");
    const found = await storage.getMetadata("bucket", "key");
    assert.deepEqual({ ...found.metadata }, { c: "3", sha256 });
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
  const metadata = () => ({ a: "1" });
  for (const body of ["datasEt", new TextEncoder().encode("datasEt"), new Blob(["datasEt"])]) {
    for (const options of [{ sha256 }, { sha256, metadata }]) {
      const other = uploadVerified(storage, "bucket", "other", body, options);
      await assert.rejects(other, { code: "corrupted", name: "IntegrityError" });
    }
  }
  assert.equal(await storage.exists("bucket", "other"), false);
});

test("uploadVerified() keeps the last bytes back if they are not the expected ones", async () => {
  const storage = new RecordingStorage();
  const sha256 = sha256Hex("dataset");
  const body = streamOf(["dat", "asE", "", "t", ""]);
  const wrong = uploadVerified(storage, "bucket", "key", body, { sha256, size: 7 });
  await assert.rejects(wrong, { code: "corrupted" });
  assert.equal(storage.received, 6);
});

/** Gives one text after the other, one for each time that it is read. */
class ChangingBlob extends Blob {
  reads = 0;
  readonly #texts: readonly string[];
  readonly #stuck: boolean;

  constructor(texts: readonly string[], { stuck = false } = {}) {
    super([texts[0] ?? ""]);
    this.#texts = texts;
    this.#stuck = stuck;
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return streamOf([this.#texts[this.reads++] ?? ""], { stuck: this.#stuck });
  }
}

test("uploadVerified() reads a Blob first only if that tells it the metadata", async () => {
  const storage = await open();
  const sha256 = sha256Hex("dataset");
  for (
    const [options, reads] of [[{}, 2], [{ sha256 }, 1], [{ metadata: () => ({}) }, 1]] as const
  ) {
    const blob = new ChangingBlob(["dataset", "dataset"]);
    await uploadVerified(storage, "bucket", "key", blob, options);
    assert.equal(blob.reads, reads);
  }
});

test("uploadVerified() notices that a Blob gives other bytes than those that it hashed", async () => {
  const storage = await open();
  const blob = new ChangingBlob(["dataset", "datasEt"]);
  await assert.rejects(uploadVerified(storage, "bucket", "key", blob), { code: "corrupted" });
  assert.equal(await storage.exists("bucket", "key"), false);
  assert.equal(blob.reads, 2);
});

test("uploadVerified() has one deadline and one signal for hashing and uploading", async () => {
  const storage = await open();
  const stuck = new ChangingBlob(["a", "a"], { stuck: true });
  const awake = setInterval(() => {}, 1_000);
  const late = uploadVerified(storage, "bucket", "key", stuck, { timeoutMs: 30 });
  await assert.rejects(late, { code: "timeout", outcome: "not-applied" });
  clearInterval(awake);
  const aborter = new AbortController();
  const { signal } = aborter;
  const aborted = uploadVerified(storage, "bucket", "key", stuck, { signal });
  aborter.abort();
  await assert.rejects(aborted, { code: "aborted" });
  class SlowBlob extends Blob {
    override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
      const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
      return super.stream().pipeThrough(new TransformStream({ flush: pause }));
    }
  }
  const recording = new RecordingStorage();
  const limits = { signal: new AbortController().signal, timeoutMs: 10_000 };
  await uploadVerified(recording, "bucket", "key", new SlowBlob(["a"]), limits);
  const passed = recording.options[0];
  assert.equal(passed?.signal, limits.signal);
  assert.ok((passed?.timeoutMs ?? Infinity) <= 9_990);
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
  const blob = new ChangingBlob(["x"]);
  await assert.rejects(uploadVerified(storage, "bucket", "../key", blob), { field: "key" });
  const metadata = { sha256: "abc" };
  await assert.rejects(uploadVerified(storage, "bucket", "key", blob, { metadata }), {
    field: "metadata.sha256",
  });
  assert.equal(blob.reads, 0);
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
