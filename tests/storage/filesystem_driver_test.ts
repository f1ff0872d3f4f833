import assert from "node:assert/strict";
import {
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import type { StorageProvider } from "../../storage/storage.ts";
import { readText, streamOf } from "../conformance/storage/case.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const directory = await whenPermitted(
  async () => await realpath(await mkdtemp(join(tmpdir(), "storage-"))),
  "skipped",
);
after(() => rm(directory, { recursive: true }));

async function open(): Promise<{ root: string; storage: StorageProvider }> {
  const root = join(directory, crypto.randomUUID());
  const storage = new FileSystemStorageProvider({ root });
  await storage.createBucket("bucket");
  return { root, storage };
}

async function filesBelow(path: string): Promise<string[]> {
  const names = await readdir(path, { recursive: true, withFileTypes: true });
  return names.filter((entry) => entry.isFile()).map(({ name }) => name);
}

test("files have mode 0600 and directories 0700", async () => {
  const { root, storage } = await open();
  await storage.upload("bucket", "a/b", "x");
  const mode = async (name: string): Promise<number> => (await stat(join(root, name))).mode & 0o777;
  assert.equal(await mode("bucket/a/b@"), 0o600);
  for (const name of ["", ".uploads", "bucket", "bucket/a"]) assert.equal(await mode(name), 0o700);
});

test("another provider on the same root finds everything", async () => {
  const { root, storage } = await open();
  const about = { contentType: "text/csv", metadata: { a: "1" } };
  const { etag } = await storage.upload("bucket", "a/b", "x,y", about);
  const before = await storage.getMetadata("bucket", "a/b");
  await storage.close();
  const reopened = new FileSystemStorageProvider({ root });
  assert.deepEqual(await reopened.getMetadata("bucket", "a/b"), before);
  assert.equal(before.etag, etag);
  assert.equal((await reopened.listObjects("bucket")).items.length, 1);
});

test("deleting leaves no empty directories", async () => {
  const { root, storage } = await open();
  await storage.upload("bucket", "a/b/c/d", "x");
  await storage.upload("bucket", "a/e", "x");
  await storage.delete("bucket", "a/b/c/d");
  assert.deepEqual(await readdir(join(root, "bucket/a")), ["e@"]);
  await storage.deleteBatch("bucket", ["a/e", "a/b"]);
  assert.deepEqual(await readdir(join(root, "bucket")), []);
});

test("an upload that fails leaves no file", async () => {
  const { root, storage } = await open();
  await assert.rejects(storage.upload("bucket", "a", streamOf(["x"], { failure: new Error() })));
  await assert.rejects(storage.upload("bucket", "a", "x", { metadata: () => ({ a: "" }) }));
  await assert.rejects(storage.upload("bucket", "a", streamOf(["x"]), { size: 2 }));
  await storage.upload("bucket", "b", "x");
  await assert.rejects(storage.upload("bucket", "b", "y", { createOnly: true }));
  assert.deepEqual(await filesBelow(root), ["b@"]);
});

test("what a dead process left behind is in no listing", async () => {
  const { root, storage } = await open();
  await writeFile(join(root, ".uploads", crypto.randomUUID()), "half");
  assert.deepEqual((await storage.listObjects("bucket")).items, []);
  await assert.rejects(storage.listObjects(".uploads"), { field: "bucket" });
});

test("a symbolic link is never followed out of the root", async () => {
  const { root, storage } = await open();
  const other = await open();
  await other.storage.upload("bucket", "secret", "s3cr3t");
  await other.storage.upload("bucket", "deep/secret", "s3cr3t");
  const outside = join(other.root, "bucket");
  await symlink(outside, join(root, "bucket", "directory"));
  await symlink(join(outside, "secret@"), join(root, "bucket", "file@"));
  await symlink(outside, join(root, "linked-bucket"));
  for (const key of ["directory/secret", "directory/deep/secret", "file"]) {
    assert.equal(await storage.exists("bucket", key), false);
    await assert.rejects(storage.download("bucket", key), { code: "not_found" });
  }
  assert.equal(await storage.bucketExists("linked-bucket"), false);
  await assert.rejects(storage.listObjects("linked-bucket"), { code: "not_found" });
  assert.deepEqual((await storage.listObjects("bucket")).items, []);
  for (const key of ["directory/new", "directory/deep/new", "directory/new/new"]) {
    await assert.rejects(storage.upload("bucket", key, "x"), { code: "permission_denied" });
  }
  await storage.deleteBatch("bucket", ["directory/secret", "directory/deep/secret"]);
  await storage.upload("bucket", "file", "mine");
  assert.deepEqual(await filesBelow(outside), ["secret@", "secret@"]);
  assert.equal((await other.storage.download("bucket", "secret")).byteLength, 6);
});

test("a damaged file is reported, can be replaced and deleted", async () => {
  const { root, storage } = await open();
  const path = join(root, "bucket", "a@");
  await storage.upload("bucket", "a", "x".repeat(1_000));
  await truncate(path, 900);
  await assert.rejects(storage.download("bucket", "a"), { code: "corrupted" });
  await assert.rejects(storage.getMetadata("bucket", "a"), { code: "corrupted" });
  await assert.rejects(storage.listObjects("bucket"), { code: "corrupted" });
  await storage.upload("bucket", "a", "whole");
  assert.equal((await storage.download("bucket", "a")).byteLength, 5);
  await writeFile(path, "foreign");
  await storage.delete("bucket", "a");
  assert.equal(await storage.exists("bucket", "a"), false);
});

test("a stream whose file is cut meanwhile fails and does not just end", async () => {
  const { root, storage } = await open();
  await storage.upload("bucket", "a", "x".repeat(1_000_000));
  const { body } = await storage.downloadStream("bucket", "a");
  await truncate(join(root, "bucket", "a@"), 500_000);
  await assert.rejects(readText(body), { code: "corrupted" });
});

test("a foreign file in the place of a directory is refused", async () => {
  const { root, storage } = await open();
  await writeFile(join(root, "bucket", "a"), "foreign");
  await assert.rejects(storage.upload("bucket", "a/b", "x"), { code: "permission_denied" });
  assert.equal(await storage.exists("bucket", "a/b"), false);
  await mkdir(join(root, "bucket", "c@"));
  await assert.rejects(storage.upload("bucket", "c", "x"), { code: "permission_denied" });
});

test("createOnly holds between providers on one root", async () => {
  const { root } = await open();
  const providers = Array.from({ length: 4 }, () => new FileSystemStorageProvider({ root }));
  for (let i = 0; i < 10; i++) {
    const results = await Promise.allSettled(providers.map((storage, n) => {
      return storage.upload("bucket", `a/${i}`, `${n}`, { createOnly: true });
    }));
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  }
});

test("no file stays open", { skip: !(await hasProc()) }, async () => {
  const { root, storage } = await open();
  const body = "x".repeat(1_000_000);
  const use = async (): Promise<void> => {
    await storage.upload("bucket", "a", body);
    const left = await storage.downloadStream("bucket", "a");
    const reader = left.body.getReader();
    await reader.read();
    await reader.cancel();
    const aborter = new AbortController();
    const aborted = await storage.downloadStream("bucket", "a", { signal: aborter.signal });
    aborter.abort();
    await assert.rejects(readText(aborted.body));
    await readText((await storage.downloadStream("bucket", "a")).body);
    await assert.rejects(storage.download("bucket", "a", { ifMatch: "other" }));
    await assert.rejects(storage.download("bucket", "a", { range: { offset: 1_000_001 } }));
    await assert.rejects(storage.upload("bucket", "a", body, { createOnly: true }));
    await storage.listObjects("bucket");
    await truncate(join(root, "bucket", "a@"), 500_000);
    await assert.rejects(storage.download("bucket", "a"), { code: "corrupted" });
  };
  await use();
  const before = (await readdir("/proc/self/fd")).length;
  for (let i = 0; i < 20; i++) await use();
  await storage.upload("bucket", "a", body);
  await rm(join(root, ".uploads"), { recursive: true });
  for (let i = 0; i < 20; i++) await assert.rejects(storage.copy("bucket", "a", "bucket", "b"));
  assert.ok((await readdir("/proc/self/fd")).length <= before + 3);
});

async function hasProc(): Promise<boolean> {
  return await stat("/proc/self/fd").then(() => true, () => false);
}
