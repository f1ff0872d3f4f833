import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import { storageConformance } from "../conformance/storage.ts";

storageConformance(test, {
  name: "memory",
  capabilities: {
    createOnly: true,
    ifMatch: true,
    presignedUrls: false,
    presignedPosts: false,
  },
  open: () => Promise.resolve(new MemoryStorageProvider()),
});

test("memory: refuses what does not fit, and knows what was freed", async () => {
  const storage = new MemoryStorageProvider({ maxBytes: 10 });
  await storage.createBucket("bucket");
  await storage.upload("bucket", "a", "12345678");
  await assert.rejects(storage.upload("bucket", "b", "123"), { code: "resource_exhausted" });
  await assert.rejects(storage.copy("bucket", "a", "bucket", "b"), { code: "resource_exhausted" });
  await storage.upload("bucket", "a", "1234567890");
  await storage.delete("bucket", "a");
  await storage.upload("bucket", "b", "1234567890");
  assert.equal((await storage.health())["usedBytes"], 10);
  assert.throws(() => new MemoryStorageProvider({ maxBytes: 0 }), { field: "maxBytes" });
});
