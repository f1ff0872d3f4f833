import assert from "node:assert/strict";
import { mkdtemp, open as openFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import { objectNames } from "../../storage/adapters/filesystem/object_names.ts";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import {
  type DatasetAddress,
  openDataset,
  putDataset,
  readDataset,
  type StoredDataset,
} from "../../storage/datasets.ts";
import { sha256Hex } from "../../storage/digest.ts";
import type { StorageProvider } from "../../storage/storage.ts";
import { uploadVerified } from "../../storage/verified.ts";
import { readText } from "../conformance/storage/case.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const root = await whenPermitted(() => mkdtemp(join(tmpdir(), "storage-")), "skipped");
after(() => rm(root, { recursive: true }));

const AT: DatasetAddress = { name: "tasks", bucket: "bucket", key: "a/tasks.jsonl" };
const REFERENCE: StoredDataset = { ...AT, sha256: sha256Hex("dataset"), size: 7 };

async function open<T extends StorageProvider>(storage: T): Promise<T> {
  await storage.createBucket("bucket");
  return storage;
}

test("a dataset that was changed or cut in the storage is an IntegrityError, until it is replaced", async () => {
  const storage = await open(new FileSystemStorageProvider({ root }));
  const path = join(root, "bucket", ...objectNames(AT.key));
  const damages = [
    async () => {
      const file = await openFile(path, "r+");
      await file.write("D", 0);
      await file.close();
    },
    () => truncate(path, 5),
  ];
  for (const damage of damages) {
    const dataset = await putDataset(storage, AT, "dataset", { replace: true });
    await damage();
    const read = async (): Promise<unknown> =>
      await readText((await openDataset(storage, dataset)).body);
    await assert.rejects(read(), { name: "IntegrityError" });
    await assert.rejects(readDataset(storage, dataset), { name: "IntegrityError" });
    await assert.rejects(putDataset(storage, AT, "dataset"), { name: "IntegrityError" });
    await putDataset(storage, AT, "dataset", { replace: true });
    assert.equal((await readDataset(storage, dataset)).byteLength, 7);
  }
});

test("openDataset() rejects at once if the size is another one, whoever replaced the record", async () => {
  const storage = await open(new MemoryStorageProvider());
  await uploadVerified(storage, "bucket", AT.key, "easier dataset");
  await assert.rejects(openDataset(storage, REFERENCE), { name: "IntegrityError" });
  await uploadVerified(storage, "bucket", AT.key, "datasEt");
  const { body } = await openDataset(storage, REFERENCE);
  await assert.rejects(readText(body), { name: "IntegrityError" });
  await assert.rejects(readDataset(storage, REFERENCE), { name: "IntegrityError" });
  await storage.delete("bucket", AT.key);
  await assert.rejects(openDataset(storage, REFERENCE), { name: "NotFoundError" });
});

test("a range of a dataset can be opened and read", async () => {
  const storage = await open(new MemoryStorageProvider());
  await putDataset(storage, AT, "dataset");
  for (const range of [{ offset: 4 }, { offset: 4, length: 9 }]) {
    assert.equal(await readText((await openDataset(storage, REFERENCE, { range })).body), "set");
    const bytes = await readDataset(storage, REFERENCE, { range });
    assert.equal(new TextDecoder().decode(bytes), "set");
  }
  const beyond = { range: { offset: 7 } };
  await assert.rejects(openDataset(storage, REFERENCE, beyond), { field: "range.offset" });
});
