import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ensureDirectory,
  isDirectory,
  removeEmpty,
  syncIfThere,
} from "../../storage/adapters/filesystem/directories.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const directory = await whenPermitted(
  async () => await realpath(await mkdtemp(join(tmpdir(), "storage-"))),
  "skipped",
);
after(() => rm(directory, { recursive: true }));

async function newBase(): Promise<string> {
  const base = join(directory, crypto.randomUUID());
  await mkdir(base);
  return base;
}

test("ensureDirectory() creates private directories, also when many want the same", async () => {
  const base = await newBase();
  const path = join(base, "a", "b", "c");
  await Promise.all(Array.from({ length: 8 }, () => ensureDirectory(base, path)));
  assert.ok(await isDirectory(path));
  for (const name of ["a", "a/b", "a/b/c"]) {
    assert.equal((await stat(join(base, name))).mode & 0o777, 0o700);
  }
});

test("ensureDirectory() creates nothing through a symbolic link or a file", async () => {
  const [base, outside] = [await newBase(), await newBase()];
  await symlink(outside, join(base, "link"));
  await symlink(join(outside, "new"), join(base, "dangling"));
  await writeFile(join(base, "file"), "");
  for (const name of ["link", "dangling", "file"]) {
    await assert.rejects(ensureDirectory(base, join(base, name, "a")), { code: "EEXIST" });
    assert.equal(await isDirectory(join(base, name)), false);
  }
  assert.deepEqual(await readdir(outside), []);
});

test("removeEmpty() removes empty directories up to the base", async () => {
  const base = await newBase();
  await mkdir(join(base, "a/b/c/d"), { recursive: true });
  await writeFile(join(base, "a/file"), "");
  await removeEmpty(base, join(base, "a/b/c/d"));
  assert.deepEqual(await readdir(join(base, "a")), ["file"]);
  await rm(join(base, "a/file"));
  await removeEmpty(base, join(base, "a"));
  await removeEmpty(base, join(base, "a"));
  assert.deepEqual(await readdir(base), []);
});

test("syncIfThere() does not mind a directory that is gone", async () => {
  const base = await newBase();
  await syncIfThere(base);
  await syncIfThere(join(base, "gone"));
  assert.equal(await isDirectory(join(base, "gone")), false);
});
