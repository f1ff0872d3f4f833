import assert from "node:assert/strict";
import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileSystemStorageProvider } from "../../../storage/adapters/filesystem.ts";
import { objectNames } from "../../../storage/adapters/filesystem/object_names.ts";
import { RECORD } from "../../../storage/adapters/replicated/record.ts";
import { synchronize } from "../../../storage/adapters/replicated/synchronize.ts";
import { sha256Hex } from "../../../storage/digest.ts";
import { otherVersion } from "../../../storage/failures.ts";
import type { StorageProvider, UserMetadata } from "../../../storage/storage.ts";
import { FaultyStorage } from "../../support/faulty_storage.ts";
import { after, test, whenPermitted } from "../../support/permitted.ts";

const root = await whenPermitted(() => mkdtemp(join(tmpdir(), "synchronize-")), "skipped");
after(() => rm(root, { recursive: true }));

const BUCKET = "bucket";
const address = { bucket: BUCKET, key: "key" };
const REMOVE = { removeExtra: true };

async function openPair(replicaStorage?: StorageProvider) {
  const [primary, replica] = [new FaultyStorage(), new FaultyStorage(replicaStorage)];
  await primary.intact.createBucket(BUCKET);
  await replica.intact.createBucket(BUCKET);
  return { primary, replica, pair: { primary: primary.storage, replica: replica.storage } };
}

async function put(
  { intact }: FaultyStorage,
  text: string,
  metadata: UserMetadata = {},
): Promise<void> {
  const recorded = { ...metadata, [RECORD]: sha256Hex(text) };
  await intact.upload(BUCKET, "key", text, { contentType: "text/plain", metadata: recorded });
}

async function content({ intact }: FaultyStorage): Promise<unknown> {
  const { contentType, metadata } = await intact.getMetadata(BUCKET, "key");
  const bytes = await intact.download(BUCKET, "key");
  return { text: new TextDecoder().decode(bytes), contentType, metadata };
}

const uploads = ({ calls }: FaultyStorage): number =>
  calls.filter((call) => call.startsWith("upload")).length;

test("bytes, content type, metadata and digest are those of the primary", async () => {
  const { primary, replica, pair } = await openPair();
  await put(primary, "text", { owner: "ada" });
  assert.equal(await synchronize(pair, address, REMOVE), "copied");
  assert.deepEqual(await content(replica), await content(primary));
  assert.equal(await synchronize(pair, address, REMOVE), "same");
  assert.equal(uploads(replica), 1);
});

test("every difference is found: bytes of the same size, content type, metadata", async () => {
  const { primary, replica, pair } = await openPair();
  await put(primary, "text", { owner: "ada" });
  await synchronize(pair, address, REMOVE);
  await put(primary, "TEXT", { owner: "ada" });
  assert.equal(await synchronize(pair, address, REMOVE), "copied");
  await put(primary, "TEXT", { owner: "bob" });
  assert.equal(await synchronize(pair, address, REMOVE), "copied");
  const metadata = { owner: "bob", [RECORD]: sha256Hex("TEXT") };
  await primary.intact.upload(BUCKET, "key", "TEXT", { contentType: "text/html", metadata });
  assert.equal(await synchronize(pair, address, REMOVE), "copied");
  assert.deepEqual(await content(replica), await content(primary));
});

test("what the primary lacks is removed, or kept if that is asked for", async () => {
  const { replica, pair } = await openPair();
  assert.equal(await synchronize(pair, address, REMOVE), "same");
  await put(replica, "text");
  assert.equal(await synchronize(pair, address, { removeExtra: false }), "extra");
  assert.equal(await replica.intact.exists(BUCKET, "key"), true);
  assert.equal(await synchronize(pair, address, REMOVE), "removed");
  assert.equal(await replica.intact.exists(BUCKET, "key"), false);
});

test("an object of the primary that records no digest is read for it", async () => {
  const { primary, replica, pair } = await openPair();
  await primary.intact.upload(BUCKET, "key", "text");
  assert.equal(await synchronize(pair, address, REMOVE), "copied");
  assert.deepEqual((await replica.intact.getMetadata(BUCKET, "key")).metadata, {
    [RECORD]: sha256Hex("text"),
  });
  assert.equal(await synchronize(pair, address, REMOVE), "same");
  await primary.intact.upload(BUCKET, "key", "TEXT");
  assert.equal(await synchronize(pair, address, REMOVE), "copied");
  assert.equal(uploads(replica), 2);
});

test("an object that records no digest, and changes while it is read or copied, is read again", async () => {
  for (const moment of ["downloadStream", "upload"]) {
    const { primary, replica, pair } = await openPair();
    await primary.intact.upload(BUCKET, "key", "text");
    await replica.intact.upload(BUCKET, "key", "TEXT");
    let changed = false;
    (moment === "upload" ? replica : primary).before = async (name) => {
      if (name !== moment || changed) return;
      changed = true;
      await primary.intact.upload(BUCKET, "key", "Text");
    };
    assert.equal(await synchronize(pair, address, REMOVE), "copied");
    const bytes = await replica.intact.download(BUCKET, "key");
    assert.equal(new TextDecoder().decode(bytes), "Text", moment);
  }
});

test("a body that says that its object was replaced is read again", async () => {
  const { primary, replica, pair } = await openPair();
  await put(primary, "text");
  let replaced = false;
  primary.before = (name) => {
    if (name !== "downloadStream" || replaced) return;
    replaced = true;
    throw otherVersion("downloadStream");
  };
  assert.equal(await synchronize(pair, address, REMOVE), "copied");
  assert.deepEqual(await content(replica), await content(primary));
});

test("a server may give metadata back in another order", async () => {
  const { primary, replica, pair } = await openPair();
  await put(primary, "text", { a: "1", b: "2" });
  await put(replica, "text", { b: "2", a: "1" });
  assert.equal(await synchronize(pair, address, REMOVE), "same");
});

test("an object of the replica that records no digest is replaced", async () => {
  const { primary, replica, pair } = await openPair();
  await put(primary, "text");
  await replica.intact.upload(BUCKET, "key", "text", { contentType: "text/plain" });
  assert.equal(await synchronize(pair, address, REMOVE), "copied");
  assert.deepEqual(await content(replica), await content(primary));
});

test("a damaged copy is replaced", async () => {
  const { primary, replica, pair } = await openPair(new FileSystemStorageProvider({ root }));
  await put(primary, "text");
  await synchronize(pair, address, REMOVE);
  await truncate(join(root, BUCKET, ...objectNames("key")), 0);
  assert.equal(await synchronize(pair, address, REMOVE), "copied");
  assert.deepEqual(await content(replica), await content(primary));
});

test("damaged bytes of the primary are not copied", async () => {
  const { primary, replica, pair } = await openPair();
  await put(primary, "text");
  await synchronize(pair, address, REMOVE);
  await put(replica, "the version before");
  const metadata = { [RECORD]: sha256Hex("text") };
  await primary.intact.upload(BUCKET, "key", "TEXT", { metadata });
  await assert.rejects(synchronize(pair, address, REMOVE), { code: "corrupted" });
  assert.equal((await replica.intact.getMetadata(BUCKET, "key")).size, 18);
});

test("what changes while it is copied is copied again, or removed", async () => {
  for (const [change, done] of [["write", "copied"], ["delete", "removed"]] as const) {
    for (const moment of ["downloadStream", "upload"]) {
      const { primary, replica, pair } = await openPair();
      await put(primary, "text");
      const changing = moment === "upload" ? replica : primary;
      let changed = false;
      changing.before = async (name) => {
        if (name !== moment || changed) return;
        changed = true;
        if (change === "write") await put(primary, "changed");
        else await primary.intact.delete(BUCKET, "key");
      };
      const expected = change === "delete" && moment === "downloadStream" ? "same" : done;
      assert.equal(await synchronize(pair, address, REMOVE), expected, `${change} at ${moment}`);
      assert.equal(await replica.intact.exists(BUCKET, "key"), change === "write");
      if (change === "write") assert.deepEqual(await content(replica), await content(primary));
    }
  }
});

test("several at once leave what the primary has", async () => {
  const { primary, replica, pair } = await openPair();
  const writers = Array.from({ length: 20 }, async (_, i) => {
    await put(primary, `text ${i}`);
    await synchronize(pair, address, REMOVE);
  });
  await Promise.all(writers);
  assert.deepEqual(await content(replica), await content(primary));
});

test("an object that changes again and again is given up", async () => {
  const { primary, pair } = await openPair();
  let version = 0;
  primary.before = (name) => name === "getMetadata" ? put(primary, `${version++}`) : undefined;
  await assert.rejects(synchronize(pair, address, REMOVE), {
    code: "conflict",
    retryable: true,
    outcome: "unknown",
  });
  assert.equal(version, 10);
});

test("a missing bucket is an error, on both sides", async () => {
  const { primary, pair } = await openPair();
  await put(primary, "text");
  const elsewhere = new FaultyStorage().storage;
  const missing = { name: "NotFoundError", resource: "bucket" };
  await assert.rejects(synchronize({ ...pair, replica: elsewhere }, address, REMOVE), missing);
});
