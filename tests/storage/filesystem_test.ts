import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import { objectNames } from "../../storage/adapters/filesystem/object_names.ts";
import { storageConformance } from "../conformance/storage.ts";

const root = await mkdtemp(join(tmpdir(), "storage-"));
after(() => rm(root, { recursive: true }));

storageConformance(test, {
  name: "filesystem",
  capabilities: {
    createOnly: true,
    ifMatch: true,
    presignedUrls: false,
    presignedPosts: false,
  },
  open: () => Promise.resolve(new FileSystemStorageProvider({ root })),
  damage: (bucket, key) => truncate(join(root, bucket, ...objectNames(key)), 0),
});
