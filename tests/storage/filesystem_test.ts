import assert from "node:assert/strict";
import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import { objectNames } from "../../storage/adapters/filesystem/object_names.ts";
import { storageConformance } from "../conformance/storage.ts";
import { FetchServer } from "../support/fetch_server.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const root = await whenPermitted(() => mkdtemp(join(tmpdir(), "storage-")), "skipped");
after(() => rm(root, { recursive: true }));

const server = await FetchServer.start((request) => served.handlePresigned(request));
after(() => server[Symbol.asyncDispose]());
const presign = { baseUrl: `${server.url}files`, secret: crypto.randomUUID() };
const served = new FileSystemStorageProvider({ root, presign });

storageConformance(test, {
  name: "filesystem",
  capabilities: {
    createOnly: true,
    ifMatch: true,
    presignedUrls: true,
    presignedPosts: true,
  },
  open: () => Promise.resolve(new FileSystemStorageProvider({ root, presign })),
  damage: (bucket, key) => truncate(join(root, bucket, ...objectNames(key)), 0),
});

test("filesystem: without presign it makes no URLs and forms, and serves none", async () => {
  const storage = new FileSystemStorageProvider({ root });
  const { presignedUrls, presignedPosts } = storage.capabilities;
  assert.deepEqual([presignedUrls, presignedPosts], [false, false]);
  const unsupported = { name: "StorageError", code: "unsupported" };
  await assert.rejects(storage.getPresignedUrl("bucket", "a"), unsupported);
  await assert.rejects(storage.getPresignedPost("bucket", "a", { maxBytes: 1 }), unsupported);
  const url = await served.getPresignedUrl("bucket", "a");
  assert.equal((await storage.handlePresigned(new Request(url))).status, 404);
});

test("filesystem: refuses a secret that is too short, and shows none", () => {
  const short = { ...presign, secret: "short" };
  const field = "presign.secret";
  assert.throws(() => new FileSystemStorageProvider({ root, presign: short }), { field });
  assert.ok(!inspect(served, { depth: Infinity, showHidden: true }).includes(presign.secret));
});
