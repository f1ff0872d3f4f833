import assert from "node:assert/strict";
import { after } from "node:test";
import {
  type ReplicatedStorageOptions,
  ReplicatedStorageProvider,
} from "../../storage/adapters/replicated.ts";
import { S3StorageProvider } from "../../storage/adapters/s3.ts";
import { sha256Hex } from "../../storage/digest.ts";
import { Reports } from "../support/faulty_redis.ts";
import { lazily } from "../support/lazily.ts";
import { startS3 } from "../support/private_s3.ts";
import { startSwift } from "../support/private_swift.ts";
import { s3Config } from "../support/s3_storage.ts";
import { privateServerTest } from "../support/services.ts";

const test = privateServerTest("s3");
/** Two servers that have nothing in common. */
const servers = lazily(async () => {
  const [ceph, swift] = await Promise.all([startS3(), startSwift()]);
  return { ceph, swift };
});
after(async () => {
  const { ceph, swift } = await servers();
  await Promise.all([ceph, swift].map((server) => server[Symbol.asyncDispose]()));
});

const PART = 5_242_880;
const LARGE = new Uint8Array(4 * PART).map((_, i) => i % 251);
const BRIEF = { responseTimeoutMs: 2_000, idleTimeoutMs: 2_000, partBytes: PART };

async function open(bucket: string, options: ReplicatedStorageOptions) {
  const { ceph, swift } = await servers();
  const reports = new Reports();
  const primary = new S3StorageProvider({ ...s3Config(ceph.url), ...BRIEF });
  const replica = new S3StorageProvider({ ...s3Config(swift.url), ...BRIEF });
  const storage = new ReplicatedStorageProvider(primary, [replica], {
    observer: reports,
    ...options,
  });
  await storage.createBucket(bucket);
  return { ceph, swift, storage, replica, reports };
}

const streamOf = (bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> =>
  new Blob([bytes]).stream();

async function digestOf(body: ReadableStream<Uint8Array>): Promise<string> {
  return sha256Hex(new Uint8Array(await new Response(body).arrayBuffer()));
}

test("a primary that is killed in the middle of a download: the rest comes from the other server", async () => {
  const { ceph, storage } = await open("reads", { write: "all" });
  const contentType = "application/x-ndjson";
  await storage.upload("reads", "a", streamOf(LARGE), { contentType, metadata: { owner: "ada" } });
  const { body } = await storage.downloadStream("reads", "a");
  const reader = body.getReader();
  const first = await reader.read();
  await ceph.kill();
  const chunks = [first.value!];
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
  }
  assert.equal(await digestOf(new Blob(chunks).stream()), sha256Hex(LARGE));
  assert.equal(sha256Hex(await storage.download("reads", "a")), sha256Hex(LARGE));
  const metadata = await storage.getMetadata("reads", "a");
  assert.deepEqual([metadata.contentType, metadata.metadata], [contentType, { owner: "ada" }]);
  assert.deepEqual((await storage.listObjects("reads")).items.map(({ key }) => key), ["a"]);
  await assert.rejects(storage.upload("reads", "b", "text"), { code: "unavailable" });
  await ceph.start();
  await storage.upload("reads", "b", "text");
  await storage.close();
});

test("a primary that is stopped: the other server is asked after a while", async () => {
  const { ceph, storage, reports } = await open("stopped", { write: "all", failoverMs: 200 });
  await storage.upload("stopped", "a", "text");
  await ceph.pause();
  assert.equal(new TextDecoder().decode(await storage.download("stopped", "a")), "text");
  assert.equal(await storage.exists("stopped", "a"), true);
  await assert.rejects(storage.exists("stopped", "none"), { code: "timeout" });
  await ceph.resume();
  assert.equal(await storage.exists("stopped", "none"), false);
  assert.equal(reports.of("storage.failed_over")[0]?.["location"], "primary");
  await storage.close();
});

test("a replica that was away is told of, and repaired", async () => {
  const { swift, storage, replica, reports } = await open("repaired", { write: "primary" });
  await storage.upload("repaired", "deleted", "text");
  await storage.settled();
  await swift.kill();
  await storage.upload("repaired", "dir/a", streamOf(LARGE));
  await storage.upload("repaired", "dir/b", "text");
  await storage.delete("repaired", "deleted");
  await storage.settled();
  const missed = reports.records.map(({ attributes }) => attributes?.["key"]);
  assert.deepEqual(missed.sort(), ["deleted", "dir/a", "dir/b"]);
  await swift.start();
  const [first] = await storage.repair("repaired", { prefix: "dir/" });
  assert.deepEqual([first?.copied, first?.failures], [2, []]);
  const [second] = await storage.repair("repaired");
  assert.deepEqual([second?.compared, second?.copied, second?.extra], [3, 0, ["deleted"]]);
  const [third] = await storage.repair("repaired", { removeExtra: true });
  assert.equal(third?.removed, 1);
  assert.equal(sha256Hex(await replica.download("repaired", "dir/a")), sha256Hex(LARGE));
  await storage.close();
});
