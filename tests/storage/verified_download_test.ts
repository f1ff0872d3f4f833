import assert from "node:assert/strict";
import { mkdtemp, open, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import { objectNames } from "../../storage/adapters/filesystem/object_names.ts";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import { sha256Hex } from "../../storage/digest.ts";
import type { ByteRange, StorageProvider } from "../../storage/storage.ts";
import {
  downloadVerified,
  type DownloadVerifiedOptions,
  downloadVerifiedStream,
  uploadVerified,
} from "../../storage/verified.ts";
import { readText, streamOf } from "../conformance/storage/case.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const root = await whenPermitted(() => mkdtemp(join(tmpdir(), "storage-")), "skipped");
after(() => rm(root, { recursive: true }));

const providers: Record<string, StorageProvider> = {
  memory: new MemoryStorageProvider(),
  filesystem: new FileSystemStorageProvider({ root }),
};
for (const storage of Object.values(providers)) {
  await whenPermitted(() => storage.createBucket("bucket"));
}

/** More than what is read at a time. */
const LARGE = "0123456789".repeat(60_000);

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

async function readStream(
  storage: StorageProvider,
  key: string,
  options: DownloadVerifiedOptions,
): Promise<string> {
  return await readText((await downloadVerifiedStream(storage, "bucket", key, options)).body);
}

/** What a stream gave before it failed, and with what. */
async function readUntilFailure(
  storage: StorageProvider,
  key: string,
  options: DownloadVerifiedOptions,
): Promise<{ readonly text: string; readonly error: unknown }> {
  const { body } = await downloadVerifiedStream(storage, "bucket", key, options);
  let text = "";
  try {
    for await (const chunk of body) text += new TextDecoder().decode(chunk);
  } catch (error) {
    return { text, error };
  }
  throw new Error("The stream ended as if it were complete");
}

async function openMemory(): Promise<MemoryStorageProvider> {
  const storage = new MemoryStorageProvider();
  await storage.createBucket("bucket");
  return storage;
}

/** An object whose bytes are not the ones that its metadata tells of. */
async function openDamaged(): Promise<MemoryStorageProvider> {
  const storage = await openMemory();
  const metadata = { sha256: sha256Hex("dataset") };
  await storage.upload("bucket", "key", "datasEt", { metadata });
  return storage;
}

test("downloadVerified() rejects with an IntegrityError if the bytes were changed", async () => {
  const storage = await openDamaged();
  await assert.rejects(downloadVerified(storage, "bucket", "key"), { code: "corrupted" });
  await uploadVerified(storage, "bucket", "key", "dataset");
  const sha256 = sha256Hex("another dataset");
  const other = downloadVerified(storage, "bucket", "key", { sha256 });
  await assert.rejects(other, { code: "corrupted" });
});

test("downloadVerified() rejects if there is no digest to verify", async () => {
  const storage = await openMemory();
  await storage.upload("bucket", "key", "dataset");
  await assert.rejects(downloadVerified(storage, "bucket", "key"), { code: "unsupported" });
  const sha256 = sha256Hex("dataset");
  const given = await downloadVerified(storage, "bucket", "key", { sha256 });
  assert.equal(given.byteLength, 7);
  await assert.rejects(downloadVerified(storage, "bucket", "none"), { code: "not_found" });
  const metadata = { sha256: sha256.toUpperCase() };
  await storage.upload("bucket", "key", "dataset", { metadata });
  assert.equal((await downloadVerified(storage, "bucket", "key")).byteLength, 7);
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
  const storage = await openMemory();
  await uploadVerified(storage, "bucket", "key", "dataset");
  const options = { signal: AbortSignal.abort() };
  await assert.rejects(downloadVerified(storage, "bucket", "key", options), { code: "aborted" });
});

for (const [name, storage] of Object.entries(providers)) {
  test(`${name}: any range of a verified download gives just these bytes`, async () => {
    await uploadVerified(storage, "bucket", "key", LARGE);
    const range = fc.record({
      offset: fc.nat(LARGE.length - 1),
      length: fc.integer({ min: 1, max: LARGE.length * 2 }),
    }, { requiredKeys: ["offset"] });
    await fc.assert(
      fc.asyncProperty(range, async ({ offset, length }) => {
        const range = length === undefined ? { offset } : { offset, length };
        const expected = LARGE.slice(offset, length === undefined ? undefined : offset + length);
        const bytes = await downloadVerified(storage, "bucket", "key", { range });
        assert.ok(text(bytes) === expected, JSON.stringify(range));
        assert.ok(await readStream(storage, "key", { range }) === expected, JSON.stringify(range));
      }),
      { numRuns: 20 },
    );
  });

  test(`${name}: a range that begins beyond the end, or is none, is refused`, async () => {
    await uploadVerified(storage, "bucket", "key", "dataset");
    const refused: [ByteRange, string][] = [
      [{ offset: 7 }, "range.offset"],
      [{ offset: -1 }, "range.offset"],
      [{ offset: 0, length: 0 }, "range.length"],
    ];
    for (const [range, field] of refused) {
      const download = downloadVerified(storage, "bucket", "key", { range });
      await assert.rejects(download, { name: "ValidationError", field });
      const stream = downloadVerifiedStream(storage, "bucket", "key", { range });
      await assert.rejects(stream, { name: "ValidationError", field });
    }
  });

  test(`${name}: an object of another size than expected is not read`, async () => {
    await uploadVerified(storage, "bucket", "key", "dataset");
    const wrong = { size: 8, range: { offset: 7 } };
    for (const download of [downloadVerified, downloadVerifiedStream]) {
      const refused = download(storage, "bucket", "key", wrong);
      await assert.rejects(refused, { name: "IntegrityError", code: "corrupted" });
      const nonsense = download(storage, "bucket", "key", { size: -1 });
      await assert.rejects(nonsense, { field: "size" });
    }
    assert.equal((await downloadVerified(storage, "bucket", "key", { size: 7 })).byteLength, 7);
  });

  test(`${name}: damage outside of the range is noticed, too, and the last bytes are kept back`, async () => {
    for (const place of [0, LARGE.length - 1]) {
      const damaged = `${LARGE.slice(0, place)}x${LARGE.slice(place + 1)}`;
      const metadata = { sha256: sha256Hex(LARGE) };
      await storage.upload("bucket", "damaged", damaged, { metadata });
      const ranges = [{ offset: 10 }, { offset: 10, length: 10 }, { offset: 10, length: 500_000 }];
      for (const range of ranges) {
        const { text, error } = await readUntilFailure(storage, "damaged", { range });
        assert.equal((error as Error).name, "IntegrityError");
        assert.ok(text.length < (range.length ?? LARGE.length - range.offset));
        const whole = downloadVerified(storage, "bucket", "damaged", { range });
        await assert.rejects(whole, { name: "IntegrityError" });
      }
    }
  });
}

test("a file that was changed or cut is an IntegrityError, also while it is read", async () => {
  const storage = providers["filesystem"] as StorageProvider;
  const path = (key: string): string => join(root, "bucket", ...objectNames(key));
  await uploadVerified(storage, "bucket", "changed", streamOf([LARGE]));
  const file = await open(path("changed"), "r+");
  await file.write("x", LARGE.length - 1);
  await file.close();
  const changed = await readUntilFailure(storage, "changed", {});
  assert.equal((changed.error as Error).name, "IntegrityError");
  assert.ok(changed.text.length < LARGE.length);
  await uploadVerified(storage, "bucket", "cut", LARGE);
  const { body } = await downloadVerifiedStream(storage, "bucket", "cut");
  await truncate(path("cut"), 300_000);
  await assert.rejects(readText(body), { name: "IntegrityError" });
  const again = downloadVerifiedStream(storage, "bucket", "cut");
  await assert.rejects(again, { name: "IntegrityError" });
});

test("a stream that is refused after it was opened is cancelled", async () => {
  let cancelled = 0;
  class CountingStorage extends MemoryStorageProvider {
    override async downloadStream(bucket: string, key: string): ReturnType<
      StorageProvider["downloadStream"]
    > {
      const { metadata } = await super.downloadStream(bucket, key);
      return { metadata, body: streamOf(["dataset"], { onCancel: () => cancelled++ }) };
    }
  }
  const storage = new CountingStorage();
  await storage.createBucket("bucket");
  await storage.upload("bucket", "key", "dataset");
  const sha256 = sha256Hex("dataset");
  for (const options of [{}, { sha256, size: 8 }, { sha256, range: { offset: 7 } }]) {
    await assert.rejects(downloadVerifiedStream(storage, "bucket", "key", options));
  }
  assert.equal(cancelled, 3);
});

test("a storage whose stream ends too early never gives a clean end", async () => {
  class CuttingStorage extends MemoryStorageProvider {
    override async downloadStream(bucket: string, key: string): ReturnType<
      StorageProvider["downloadStream"]
    > {
      const { metadata } = await super.downloadStream(bucket, key);
      return { metadata, body: streamOf(["data"]) };
    }
  }
  const storage = new CuttingStorage();
  await storage.createBucket("bucket");
  await uploadVerified(storage, "bucket", "key", "dataset");
  for (const range of [undefined, { offset: 1 }, { offset: 1, length: 2 }]) {
    const options = range === undefined ? {} : { range };
    const { error } = await readUntilFailure(storage, "key", options);
    assert.equal((error as Error).name, "IntegrityError");
    const download = downloadVerified(storage, "bucket", "key", options);
    await assert.rejects(download, { name: "IntegrityError" });
  }
});
