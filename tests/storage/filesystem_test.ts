import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import { storageConformance } from "../conformance/storage.ts";

const root = await mkdtemp(join(tmpdir(), "storage-"));
after(() => rm(root, { recursive: true }));

storageConformance(test, {
  name: "filesystem",
  capabilities: { createOnly: true, ifMatch: true, presignedUrls: false },
  open: () => Promise.resolve(new FileSystemStorageProvider({ root })),
});
