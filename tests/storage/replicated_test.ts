import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import { ReplicatedStorageProvider } from "../../storage/adapters/replicated.ts";
import { openDataset, putDataset, readDataset } from "../../storage/datasets.ts";
import { sha256Hex } from "../../storage/digest.ts";
import type { StorageProvider } from "../../storage/storage.ts";
import { storageConformance } from "../conformance/storage.ts";
import { FaultyStorage } from "../support/faulty_storage.ts";
import { FetchServer } from "../support/fetch_server.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const root = await whenPermitted(() => mkdtemp(join(tmpdir(), "replicated-")), "skipped");
after(() => rm(root, { recursive: true }));
const server = await FetchServer.start((request) => served.handlePresigned(request));
after(() => server[Symbol.asyncDispose]());
const presign = { baseUrl: `${server.url}files`, secret: crypto.randomUUID() };
const served = new FileSystemStorageProvider({ root, presign });

const open = (primary: StorageProvider): Promise<StorageProvider> => {
  const replicas = [new MemoryStorageProvider(), new MemoryStorageProvider()];
  return Promise.resolve(new ReplicatedStorageProvider(primary, replicas, { write: "all" }));
};

storageConformance(test, {
  name: "replicated in memory",
  capabilities: { createOnly: true, ifMatch: true, presignedUrls: false, presignedPosts: false },
  open: () => open(new MemoryStorageProvider()),
});

test("replicated: a dataset is published once, and read while the primary is away", async () => {
  const primary = new FaultyStorage();
  const storage = await open(primary.storage);
  await storage.createBucket("bucket");
  const address = { name: "tasks", bucket: "bucket", key: "tasks.jsonl" };
  const dataset = await putDataset(storage, address, "{}\n");
  assert.deepEqual(await putDataset(storage, address, "{}\n"), dataset);
  await assert.rejects(putDataset(storage, address, "[]\n"), { code: "already_exists" });
  primary.isAway = true;
  const { metadata, body } = await openDataset(storage, dataset);
  assert.equal(await new Response(body).text(), "{}\n");
  assert.deepEqual(metadata.metadata, { sha256: dataset.sha256 });
  const other = { ...dataset, sha256: sha256Hex("[]\n") };
  await assert.rejects(readDataset(storage, other), { code: "corrupted" });
  await storage.close();
});

storageConformance(test, {
  name: "replicated from a folder",
  capabilities: { createOnly: true, ifMatch: true, presignedUrls: true, presignedPosts: true },
  open: () => open(new FileSystemStorageProvider({ root, presign })),
});
