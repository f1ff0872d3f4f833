import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type DatasetReference,
  type NewBenchmarkVersion,
  newBenchmarkVersionSchema,
} from "../../domain/benchmark.ts";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import {
  type DatasetAddress,
  openDataset,
  putDataset,
  readDataset,
  type StoredDataset,
} from "../../storage/datasets.ts";
import { sha256Hex } from "../../storage/digest.ts";
import type { ObjectMetadata, StorageBody, StorageProvider } from "../../storage/storage.ts";
import { uploadVerified } from "../../storage/verified.ts";
import { downloadText, readText, streamOf } from "../conformance/storage/case.ts";

const AT: DatasetAddress = { name: "tasks", bucket: "bucket", key: "a/tasks.jsonl" };
const REFERENCE: StoredDataset = { ...AT, sha256: sha256Hex("dataset"), size: 7 };

async function open<T extends StorageProvider>(storage: T): Promise<T> {
  await storage.createBucket("bucket");
  return storage;
}

/** All that can be a body with this text. */
function bodies(text: string): StorageBody[] {
  return [text, new TextEncoder().encode(text), new Blob([text]), streamOf([text])];
}

/** A version of a benchmark, as its input is checked. */
function versionWith(dataset: DatasetReference): NewBenchmarkVersion {
  const primaryMetric = { name: "pass@1", type: "accuracy", higherIsBetter: true };
  return { version: "1.0.0", evaluation: { primaryMetric }, datasets: [dataset] };
}

test("putDataset() gives the reference that a version of a benchmark takes, and it opens", async () => {
  for (const body of bodies("dataset")) {
    const storage = await open(new MemoryStorageProvider());
    const options = { contentType: "application/jsonl", metadata: { source: "paper" } };
    const stored = await putDataset(storage, AT, body, options);
    assert.deepEqual(stored, REFERENCE);
    const reference: DatasetReference = stored;
    const dataset: StoredDataset = reference;
    assert.deepEqual(newBenchmarkVersionSchema.parse(versionWith(reference)).datasets, [stored]);
    const { body: stream, metadata } = await openDataset(storage, dataset);
    assert.equal(await readText(stream), "dataset");
    assert.equal(metadata.contentType, "application/jsonl");
    assert.equal(metadata.metadata["source"], "paper");
    assert.equal(new TextDecoder().decode(await readDataset(storage, dataset)), "dataset");
  }
});

test("whatever address putDataset() takes, a version of a benchmark takes, too", async () => {
  const storage = await open(new MemoryStorageProvider());
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("\ufeffa", "a".repeat(201)),
  );
  await fc.assert(
    fc.asyncProperty(text, text, async (name, key) => {
      try {
        const stored = await putDataset(storage, { ...AT, name, key }, "dataset");
        newBenchmarkVersionSchema.parse(versionWith(stored));
      } catch (error) {
        assert.equal((error as { code: string }).code, "invalid_input");
      }
    }),
  );
});

test("putDataset() of the same bytes again changes nothing and gives the same reference", async () => {
  const storage = await open(new MemoryStorageProvider());
  await putDataset(storage, AT, "dataset", { contentType: "text/csv" });
  const { etag } = await storage.getMetadata("bucket", AT.key);
  for (const body of bodies("dataset")) {
    assert.deepEqual(await putDataset(storage, AT, body), REFERENCE);
    const sha256 = REFERENCE.sha256.toUpperCase();
    assert.deepEqual(await putDataset(storage, AT, "dataset", { sha256 }), REFERENCE);
  }
  const found = await storage.getMetadata("bucket", AT.key);
  assert.deepEqual([found.etag, found.contentType], [etag, "text/csv"]);
});

test("putDataset() of other bytes rejects with already_exists, and the published ones stay", async () => {
  const storage = await open(new MemoryStorageProvider());
  await putDataset(storage, AT, "dataset");
  for (const body of bodies("datasEt")) {
    await assert.rejects(putDataset(storage, AT, body), { code: "already_exists" });
  }
  assert.equal(await downloadText(storage, "bucket", AT.key), "dataset");
  await storage.upload("bucket", AT.key, "dataset");
  await assert.rejects(putDataset(storage, AT, "dataset"), { code: "already_exists" });
  const other = await putDataset(storage, AT, "datasEt", { replace: true });
  assert.equal(await readText((await openDataset(storage, other)).body), "datasEt");
});

/** Somebody else uploads right after the key was found free. */
class ContestedStorage extends MemoryStorageProvider {
  readonly #text: string;

  constructor(text: string) {
    super();
    this.#text = text;
  }

  override async getMetadata(bucket: string, key: string): Promise<ObjectMetadata> {
    try {
      return await super.getMetadata(bucket, key);
    } catch (error) {
      await uploadVerified(this, bucket, key, this.#text, { createOnly: true });
      throw error;
    }
  }
}

test("of two that publish at the same time one wins; the other is told whether its bytes are the same", async () => {
  for (const body of bodies("dataset").slice(0, 3)) {
    const same = await open(new ContestedStorage("dataset"));
    assert.deepEqual(await putDataset(same, AT, body), REFERENCE);
    const other = await open(new ContestedStorage("datasEt"));
    await assert.rejects(putDataset(other, AT, body), { code: "already_exists" });
    assert.equal(await downloadText(other, "bucket", AT.key), "datasEt");
  }
  const same = await open(new ContestedStorage("dataset"));
  const stream = streamOf(["dataset"]);
  await assert.rejects(putDataset(same, AT, stream), { code: "already_exists" });
  assert.deepEqual(await putDataset(same, AT, streamOf(["dataset"])), REFERENCE);
  const empty = putDataset(await open(new ContestedStorage("")), AT, streamOf(["dataset"]));
  await assert.rejects(empty, { code: "already_exists" });
});

test("putDataset() refuses a storage that cannot promise to create only", async () => {
  class CarelessStorage extends MemoryStorageProvider {
    override get capabilities() {
      return { ...super.capabilities, createOnly: false };
    }
  }
  const storage = await open(new CarelessStorage());
  let cancelled = false;
  const body = streamOf(["dataset"], { onCancel: () => void (cancelled = true) });
  await assert.rejects(putDataset(storage, AT, body), { code: "unsupported" });
  assert.ok(cancelled, "the source was not cancelled");
  assert.equal(await storage.exists("bucket", AT.key), false);
  assert.deepEqual(await putDataset(storage, AT, "dataset", { replace: true }), REFERENCE);
});

test("putDataset() checks the given digest and size, also of what is published already", async () => {
  const storage = await open(new MemoryStorageProvider());
  const wrong = { sha256: sha256Hex("datasEt") };
  for (let publications = 0; publications < 2; publications++) {
    for (const body of bodies("dataset")) {
      await assert.rejects(putDataset(storage, AT, body, wrong), { name: "IntegrityError" });
    }
    await assert.rejects(putDataset(storage, AT, "dataset", { size: 8 }), { field: "data" });
    await assert.rejects(putDataset(storage, AT, "dataset", { sha256: "a" }), { field: "sha256" });
    assert.equal(await storage.exists("bucket", AT.key), publications > 0);
    await putDataset(storage, AT, "dataset");
  }
});

test("putDataset() sees nothing of what the caller changes after the call", async () => {
  const storage = await open(new MemoryStorageProvider());
  const bytes = new TextEncoder().encode("dataset");
  const metadata = { source: "paper" };
  const put = putDataset(storage, AT, bytes, { metadata });
  bytes.fill(0);
  metadata.source = "changed";
  assert.deepEqual(await put, REFERENCE);
  assert.equal((await storage.getMetadata("bucket", AT.key)).metadata["source"], "paper");
});

test("a malformed reference is refused with a ValidationError that names the field", async () => {
  const storage = await open(new MemoryStorageProvider());
  const bad: [keyof StoredDataset, unknown][] = [
    ["name", ""],
    ["name", "a".repeat(201)],
    ["name", "\ufeffa"],
    ["bucket", "B"],
    ["key", "../key"],
    ["key", "\ufeffa"],
    ["sha256", "abc"],
    ["sha256", undefined],
    ["size", -1],
    ["size", "7"],
  ];
  for (const [field, value] of bad) {
    const reference = { ...REFERENCE, [field]: value } as StoredDataset;
    const refusal = { name: "ValidationError", field };
    await assert.rejects(openDataset(storage, reference), refusal);
    await assert.rejects(readDataset(storage, reference), refusal);
    if (field === "sha256" || field === "size") continue;
    await assert.rejects(putDataset(storage, reference, "x"), refusal);
  }
  await assert.rejects(openDataset(storage, undefined as never), { field: "name" });
  await putDataset(storage, AT, "7");
  await assert.rejects(putDataset(storage, AT, 7 as never), { field: "data" });
});

test("calls about datasets end when the signal fires", async () => {
  const storage = await open(new MemoryStorageProvider());
  await putDataset(storage, AT, "dataset");
  const options = { signal: AbortSignal.abort(), timeoutMs: 1_000 };
  await assert.rejects(putDataset(storage, AT, "dataset", options), { code: "aborted" });
  await assert.rejects(openDataset(storage, REFERENCE, options), { code: "aborted" });
  await assert.rejects(readDataset(storage, REFERENCE, options), { code: "aborted" });
  const awake = setInterval(() => {}, 1_000);
  const stuck = putDataset(storage, AT, streamOf(["d"], { stuck: true }), { timeoutMs: 30 });
  await assert.rejects(stuck, { code: "timeout", outcome: "not-applied" });
  clearInterval(awake);
});

test("the steps of putDataset() share one deadline", async () => {
  const timeouts: (number | undefined)[] = [];
  class SlowStorage extends MemoryStorageProvider {
    override async getMetadata(...call: Parameters<StorageProvider["getMetadata"]>) {
      timeouts.push(call[2]?.timeoutMs);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return await super.getMetadata(...call);
    }

    override upload(...call: Parameters<StorageProvider["upload"]>) {
      timeouts.push(call[3]?.timeoutMs);
      return super.upload(...call);
    }
  }
  await putDataset(await open(new SlowStorage()), AT, "dataset", { timeoutMs: 10_000 });
  assert.equal(timeouts.length, 2);
  assert.ok(Math.max(...timeouts.map((timeoutMs) => timeoutMs ?? Infinity)) <= 10_000);
  assert.ok((timeouts[1] ?? Infinity) <= 9_990);
});
