import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ObjectPlace,
  putInPlace,
  removeFile,
} from "../../storage/adapters/filesystem/object_place.ts";
import { StorageCall } from "../../storage/call.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const directory = await whenPermitted(
  async () => await realpath(await mkdtemp(join(tmpdir(), "storage-"))),
  "skipped",
);
after(() => rm(directory, { recursive: true }));

async function newPlace(): Promise<ObjectPlace> {
  const bucketPath = join(directory, crypto.randomUUID());
  await mkdir(bucketPath);
  return { key: "a/b/c", bucketPath, path: join(bucketPath, "a", "b", "c@") };
}

async function newUpload(text: string): Promise<string> {
  const path = join(directory, crypto.randomUUID());
  await writeFile(path, text);
  return path;
}

test("putInPlace() replaces a file in one step", async () => {
  const place = await newPlace();
  for (const text of ["first", "second"]) {
    await putInPlace(new StorageCall("upload"), await newUpload(text), place, false);
    assert.equal((await readFile(place.path)).toString(), text);
  }
});

test("putInPlace() with createOnly never replaces a file, whoever made it", async () => {
  const place = await newPlace();
  const uploads = await Promise.all(["1", "2", "3", "4"].map(newUpload));
  const results = await Promise.allSettled(
    uploads.map((upload) => putInPlace(new StorageCall("upload"), upload, place, true)),
  );
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
  const late = putInPlace(new StorageCall("upload"), await newUpload("late"), place, true);
  await assert.rejects(late, { code: "already_exists", outcome: "not-applied" });
});

test("putInPlace() makes the directory again when it is removed at the last moment", async () => {
  const place = await newPlace();
  class UnluckyCall extends StorageCall {
    removals = 0;

    override commit(): void {
      super.commit();
      if (this.removals++ < 3) rmSync(join(place.bucketPath, "a"), { recursive: true });
    }
  }
  for (const createOnly of [true, false]) {
    const call = new UnluckyCall("upload");
    await putInPlace(call, await newUpload("x"), place, createOnly);
    assert.equal(call.removals, 4);
    assert.equal((await readFile(place.path)).toString(), "x");
  }
});

test("putInPlace() does nothing for a call that was interrupted", async () => {
  const place = await newPlace();
  const call = new StorageCall("upload");
  call.interrupt({ kind: "timeout", timeoutMs: 1 });
  await assert.rejects(putInPlace(call, await newUpload("late"), place, false), {
    code: "timeout",
  });
  assert.equal(await removeFile(place.path), false);
});

test("putInPlace() gives up when the bucket or the upload is gone", async () => {
  const place = await newPlace();
  const gone = putInPlace(new StorageCall("upload"), join(directory, "gone"), place, false);
  await assert.rejects(gone, { code: "ENOENT" });
  await rm(place.bucketPath, { recursive: true });
  const upload = await newUpload("x");
  await assert.rejects(putInPlace(new StorageCall("upload"), upload, place, false), {
    code: "ENOENT",
  });
});

test("removeFile() tells whether there was a file", async () => {
  const place = await newPlace();
  await putInPlace(new StorageCall("upload"), await newUpload("x"), place, false);
  assert.equal(await removeFile(place.path), true);
  assert.equal(await removeFile(place.path), false);
  assert.deepEqual(await readdir(join(place.bucketPath, "a/b")), []);
});
