import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import { ReplicatedStorageProvider } from "../../storage/adapters/replicated.ts";
import type { StorageProvider } from "../../storage/storage.ts";
import { storageConformance } from "../conformance/storage.ts";
import { FetchServer } from "../support/fetch_server.ts";

const root = await mkdtemp(join(tmpdir(), "replicated-"));
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

storageConformance(test, {
  name: "replicated from a folder",
  capabilities: { createOnly: true, ifMatch: true, presignedUrls: true, presignedPosts: true },
  open: () => open(new FileSystemStorageProvider({ root, presign })),
});
