import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplicatedReads } from "../../../storage/adapters/replicated/reads.ts";
import { RECORD } from "../../../storage/adapters/replicated/record.ts";
import { sha256Hex } from "../../../storage/digest.ts";
import { Reports } from "../../support/faulty_redis.ts";
import { FaultyStorage } from "../../support/faulty_storage.ts";

const BUCKET = "bucket";
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function open() {
  const faulty = ["primary", "replica 1"].map((name) => ({ name, storage: new FaultyStorage() }));
  for (const { storage } of faulty) {
    await storage.intact.createBucket(BUCKET);
    const metadata = { owner: "ada", [RECORD]: sha256Hex("text") };
    await storage.intact.upload(BUCKET, "key", "text", { metadata });
  }
  const [primary, replica] = faulty.map(({ storage }) => storage) as [FaultyStorage, FaultyStorage];
  const locations = faulty.map(({ name, storage }) => ({ name, storage: storage.storage }));
  const reads = new ReplicatedReads(locations, { failoverMs: 5_000, observer: new Reports() });
  return { primary, replica, reads };
}

test("while the primary answers nobody else is asked", async () => {
  const { replica, reads } = await open();
  assert.equal(text(await reads.download(BUCKET, "key", {})), "text");
  assert.equal(await reads.exists(BUCKET, "none", {}), false);
  await assert.rejects(reads.getMetadata(BUCKET, "none", {}), { code: "not_found" });
  assert.deepEqual(replica.calls, []);
});

test("everything can be read while the primary is away", async () => {
  const { primary, reads } = await open();
  primary.isAway = true;
  assert.equal(text(await reads.download(BUCKET, "key", {})), "text");
  const range = { offset: 1, length: 2 };
  assert.equal(text(await reads.download(BUCKET, "key", { range })), "ex");
  const { metadata, body } = await reads.downloadStream(BUCKET, "key", {});
  assert.deepEqual([metadata.metadata, await new Response(body).text()], [
    { owner: "ada" },
    "text",
  ]);
  assert.deepEqual((await reads.getMetadata(BUCKET, "key", {})).metadata, { owner: "ada" });
  assert.equal(await reads.exists(BUCKET, "key", {}), true);
  assert.equal(await reads.bucketExists(BUCKET, {}), true);
  assert.deepEqual((await reads.listObjects(BUCKET, {})).items.map(({ key }) => key), ["key"]);
});

test("only the primary can say that something does not exist, or has changed", async () => {
  const { primary, reads } = await open();
  const { etag } = await reads.getMetadata(BUCKET, "key", {});
  primary.isAway = true;
  const unknown = [
    () => reads.exists(BUCKET, "none", {}),
    () => reads.bucketExists("no-such-bucket", {}),
    () => reads.download(BUCKET, "none", {}),
    () => reads.getMetadata(BUCKET, "none", {}),
    () => reads.listObjects("no-such-bucket", {}),
    () => reads.download(BUCKET, "key", { ifMatch: etag }),
    () => reads.downloadStream(BUCKET, "key", { ifMatch: etag }),
  ];
  for (const read of unknown) await assert.rejects(read, { code: "unavailable" });
});

test("damaged bytes of the primary are read elsewhere, or are an error in the end", async () => {
  const { primary, replica, reads } = await open();
  const metadata = { [RECORD]: sha256Hex("text") };
  await primary.intact.upload(BUCKET, "key", "TEXT", { metadata });
  assert.equal(text(await reads.download(BUCKET, "key", {})), "text");
  const { body } = await reads.downloadStream(BUCKET, "key", {});
  await assert.rejects(new Response(body).text(), { code: "corrupted" });
  await replica.intact.upload(BUCKET, "key", "TEXT", { metadata });
  await assert.rejects(reads.download(BUCKET, "key", {}), { code: "corrupted" });
});

test("a stream that breaks goes on elsewhere, and has the digest in the end", async () => {
  const { primary, replica, reads } = await open();
  primary.breaksAfter = 2;
  const whole = await reads.downloadStream(BUCKET, "key", {});
  assert.equal(await new Response(whole.body).text(), "text");
  const metadata = { [RECORD]: sha256Hex("text") };
  await replica.intact.upload(BUCKET, "key", "teXT", { metadata });
  const wrong = await reads.downloadStream(BUCKET, "key", {});
  await assert.rejects(new Response(wrong.body).text(), { code: "corrupted" });
});

test("a listing goes on where it began", async () => {
  const { primary, reads } = await open();
  await primary.intact.upload(BUCKET, "other", "");
  const first = await reads.listObjects(BUCKET, { limit: 1 });
  assert.deepEqual(first.items.map(({ key }) => key), ["key"]);
  primary.isAway = true;
  const next = { limit: 1, cursor: first.nextCursor! };
  await assert.rejects(reads.listObjects(BUCKET, next), { code: "unavailable" });
  primary.isAway = false;
  assert.deepEqual((await reads.listObjects(BUCKET, next)).items.map(({ key }) => key), ["other"]);
  for (const cursor of ["", "0", "0:", "7:6b6579", "x:6b6579", "6b6579"]) {
    await assert.rejects(reads.listObjects(BUCKET, { cursor }), { field: "cursor" }, cursor);
  }
});
