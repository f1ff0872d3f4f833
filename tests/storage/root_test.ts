import assert from "node:assert/strict";
import { mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Root } from "../../storage/adapters/filesystem/root.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const directory = await whenPermitted(
  async () => await realpath(await mkdtemp(join(tmpdir(), "storage-"))),
  "skipped",
);
after(() => rm(directory, { recursive: true }));

const HOUR_MS = 3_600_000;

function newPath(): string {
  return join(directory, crypto.randomUUID());
}

test("Root creates a private directory when it is first needed", async () => {
  const path = join(newPath(), "below");
  const root = new Root(path, new ManualClock());
  await assert.rejects(stat(path), { code: "ENOENT" });
  assert.equal(await root.path(), path);
  assert.equal((await stat(path)).mode & 0o777, 0o700);
});

test("Root may itself be reached through a symbolic link", async () => {
  const target = newPath();
  await new Root(target, new ManualClock()).path();
  const link = newPath();
  await symlink(target, link);
  assert.equal(await new Root(link, new ManualClock()).path(), target);
});

test("Root removes an upload file when its upload ends, however it ends", async () => {
  const root = new Root(newPath(), new ManualClock());
  const uploads = join(await root.path(), ".uploads");
  await root.withUploadFile((path) => writeFile(path, "a"));
  const failure = new Error("no");
  const failed = root.withUploadFile(async (path) => {
    await writeFile(path, "a");
    throw failure;
  });
  await assert.rejects(failed, failure);
  assert.deepEqual(await readdir(uploads), []);
});

test("Root removes what a dead process left a day ago, and nothing younger", async () => {
  const path = newPath();
  await new Root(path, new ManualClock()).path();
  const leftover = join(path, ".uploads", "leftover");
  await writeFile(leftover, "half an object");
  const { mtimeMs } = await stat(leftover);
  await new Root(path, new ManualClock(mtimeMs + 23 * HOUR_MS)).path();
  assert.ok(await stat(leftover));
  await new Root(path, new ManualClock(mtimeMs + 25 * HOUR_MS)).path();
  await assert.rejects(stat(leftover), { code: "ENOENT" });
});

test("Root tries again after a failure", async () => {
  const path = newPath();
  await writeFile(path, "a file in the way");
  const root = new Root(path, new ManualClock());
  await assert.rejects(root.path());
  await rm(path);
  assert.equal(await root.path(), path);
});
