import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ObjectRecord,
  openObjectFile,
  readObjectRecord,
  writeObjectFile,
} from "../../storage/adapters/filesystem/object_file.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const directory = await whenPermitted(() => mkdtemp(join(tmpdir(), "storage-")), "skipped");
after(() => rm(directory, { recursive: true }));

const about = {
  etag: "e",
  contentType: "text/plain",
  modifiedMs: 1_700_000_000_000,
  metadata: { note: '"\\~'.repeat(600) },
};
const reading = { operation: "download", key: "a/b" } as const;
const describe = (size: number): ObjectRecord => ({ ...about, size });

async function* chunksOf(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(new TextEncoder().encode(text));
}

function newPath(): string {
  return join(directory, crypto.randomUUID());
}

test("an object file keeps bytes and record", async () => {
  for (const texts of [[], ["a"], ["hello ", "world"], ["x".repeat(100_000)]]) {
    const path = newPath();
    const written = await writeObjectFile(path, chunksOf(...texts), describe);
    const size = texts.join("").length;
    assert.deepEqual(written, describe(size));
    assert.deepEqual(await readObjectRecord(path, reading), describe(size));
    assert.equal((await readFile(path)).subarray(0, size).toString(), texts.join(""));
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  }
});

test("a chunk is on its way to the disk before the next one is asked for", async () => {
  const path = newPath();
  const sizes: number[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 4; i++) {
      sizes.push((await stat(path)).size);
      yield new Uint8Array(1_000);
    }
  }
  await writeObjectFile(path, source(), describe);
  assert.deepEqual(sizes, [0, 1_000, 2_000, 3_000]);
});

test("an existing file is never written into", async () => {
  const path = newPath();
  await writeFile(path, "foreign");
  await assert.rejects(writeObjectFile(path, chunksOf("a"), describe), { code: "EEXIST" });
  assert.equal((await readFile(path)).toString(), "foreign");
});

test("a missing file, a symbolic link and a path below a file are no objects", async () => {
  const path = newPath();
  await writeObjectFile(path, chunksOf("a"), describe);
  await symlink(path, `${path}-link`);
  for (const missing of [newPath(), `${path}-link`, join(path, "below")]) {
    assert.equal(await openObjectFile(missing, reading), undefined);
  }
});

test("a file that is not whole is corrupted, wherever it was cut or changed", async () => {
  const path = newPath();
  await writeObjectFile(path, chunksOf("hello"), describe);
  const bytes = await readFile(path);
  const cuts = [0, 1, 5, 100, bytes.length - 13, bytes.length - 12, bytes.length - 1];
  const variants = cuts.map((length) => bytes.subarray(0, length));
  for (const at of [8, bytes.length - 12, bytes.length - 9, bytes.length - 1]) {
    const changed = Uint8Array.from(bytes);
    changed[at] = (changed[at] as number) ^ 255;
    variants.push(changed as typeof bytes);
  }
  variants.push(bytes.subarray(1), Uint8Array.from([0, ...bytes]) as typeof bytes);
  for (const variant of variants) {
    await writeFile(path, variant);
    await assert.rejects(openObjectFile(path, reading), { code: "corrupted", key: "a/b" });
  }
});
