import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ReplicatedStorageOptions,
  ReplicatedStorageProvider,
} from "../../../storage/adapters/replicated.ts";
import { RECORD } from "../../../storage/adapters/replicated/record.ts";
import { sha256Hex } from "../../../storage/digest.ts";
import { Reports } from "../../support/faulty_redis.ts";
import { FaultyStorage } from "../../support/faulty_storage.ts";

const BUCKET = "bucket";

async function open(options: ReplicatedStorageOptions = {}) {
  const all = [new FaultyStorage(), new FaultyStorage(), new FaultyStorage()] as const;
  const [primary, one, two] = all;
  const reports = new Reports();
  const storage = new ReplicatedStorageProvider(primary.storage, [one.storage, two.storage], {
    observer: reports,
    ...options,
  });
  await storage.createBucket(BUCKET);
  await storage.settled();
  return { all, primary, one, two, storage, reports };
}

const holds = ({ intact }: FaultyStorage, key = "key"): Promise<boolean> =>
  intact.exists(BUCKET, key);
const missedBy = (reports: Reports): unknown[] =>
  reports.records.map(({ attributes }) => attributes);

test("what is written, copied and deleted is so everywhere, with its digest", async () => {
  const { all, storage } = await open({ write: "all" });
  for (const { intact } of all) assert.equal(await intact.bucketExists(BUCKET), true);
  await storage.upload(BUCKET, "key", "text", { metadata: { owner: "ada" } });
  await storage.copy(BUCKET, "key", BUCKET, "copy");
  for (const { intact } of all) {
    for (const key of ["key", "copy"]) {
      const { metadata } = await intact.getMetadata(BUCKET, key);
      assert.deepEqual(metadata, { owner: "ada", [RECORD]: sha256Hex("text") });
    }
  }
  await storage.delete(BUCKET, "key");
  assert.deepEqual(await Promise.all(all.map((one) => holds(one))), [false, false, false]);
  const results = await storage.deleteBatch(BUCKET, ["copy", "none", "copy"]);
  assert.deepEqual(results.map(({ deleted }) => deleted), [true, true, true]);
  assert.deepEqual(await Promise.all(all.map((one) => holds(one, "copy"))), [false, false, false]);
});

test("a write of the primary that fails changes no replica", async () => {
  const { primary, one, two, storage } = await open();
  await storage.upload(BUCKET, "key", "text");
  await storage.settled();
  const before = [one.calls.length, two.calls.length];
  await assert.rejects(storage.upload(BUCKET, "key", "TEXT", { createOnly: true }), {
    code: "already_exists",
  });
  primary.isAway = true;
  const writes = [
    () => storage.upload(BUCKET, "key", "TEXT"),
    () => storage.delete(BUCKET, "key"),
    () => storage.deleteBatch(BUCKET, ["key"]),
    () => storage.copy(BUCKET, "key", BUCKET, "copy"),
    () => storage.createBucket("another-bucket"),
  ];
  for (const write of writes) await assert.rejects(write, { code: "unavailable" });
  assert.deepEqual([one.calls.length, two.calls.length], before);
});

test("quorum, the default: one of two replicas may be away", async () => {
  const { one, two, storage, reports } = await open();
  one.isAway = true;
  await storage.upload(BUCKET, "key", "text");
  assert.equal(await holds(two), true);
  await storage.settled();
  const miss = { location: "replica 1", bucket: BUCKET, key: "key", code: "unavailable" };
  assert.deepEqual(missedBy(reports), [miss]);
  two.isAway = true;
  await assert.rejects(storage.upload(BUCKET, "key", "text"), {
    code: "unavailable",
    outcome: "unknown",
  });
});

test("all: none may be away, and the primary has it nevertheless", async () => {
  const { primary, one, storage } = await open({ write: "all" });
  one.isAway = true;
  await assert.rejects(storage.upload(BUCKET, "key", "text"), { outcome: "unknown" });
  assert.equal(await holds(primary), true);
  const [result] = await storage.deleteBatch(BUCKET, ["key"]);
  assert.equal(result?.deleted === false && result.error.code, "unavailable");
  assert.equal(await holds(primary), false);
});

test("primary: all may be away, and get it when they are not", async () => {
  const { one, two, storage, reports } = await open({ write: "primary" });
  one.isAway = true;
  await storage.upload(BUCKET, "key", "text");
  await storage.settled();
  assert.deepEqual([await holds(one), await holds(two)], [false, true]);
  assert.equal(missedBy(reports).length, 1);
  one.isAway = false;
  const [first, second] = await storage.repair(BUCKET);
  assert.deepEqual([first?.copied, second?.copied], [1, 0]);
  assert.equal(await holds(one), true);
});

test("closing waits for the replicas", async () => {
  const { two, storage } = await open({ write: "primary" });
  let release = (): void => {};
  two.before = () => new Promise((resolve) => release = resolve);
  await storage.upload(BUCKET, "key", "text");
  let closed = false;
  const closing = storage.close().then(() => closed = true);
  await assert.rejects(storage.exists(BUCKET, "key"), { code: "closed" });
  assert.equal(closed, false);
  two.before = () => {};
  release();
  await closing;
  assert.deepEqual(two.calls.slice(-1), ["getMetadata key"]);
  await assert.rejects(two.intact.exists(BUCKET, "key"), { code: "closed" });
});

test("a repair needs the primary, and its bucket", async () => {
  const { primary, one, storage } = await open();
  await one.intact.createBucket("other-bucket");
  await assert.rejects(storage.repair("other-bucket", { removeExtra: true }), {
    code: "not_found",
  });
  primary.isAway = true;
  await assert.rejects(storage.repair(BUCKET), { code: "unavailable" });
});

test("health is bad if that of the primary is, and tells that of the replicas", async () => {
  const { primary, one, storage } = await open();
  one.isAway = true;
  const { adapter, replicas } = await storage.health();
  assert.equal(adapter, "replicated");
  assert.match(JSON.stringify(replicas), /it is away.*"memory"/);
  primary.isAway = true;
  await assert.rejects(storage.health(), { code: "unavailable" });
});

test("bad input is refused, with the field", async () => {
  const storage = new FaultyStorage().storage;
  const create = (replicas: unknown, options = {}): ReplicatedStorageProvider =>
    new ReplicatedStorageProvider(storage, replicas as [], options);
  assert.throws(() => create([]), { field: "replicas" });
  assert.throws(() => create(storage), { field: "replicas" });
  assert.throws(() => create([storage], { write: "toString" }), { field: "write" });
  assert.throws(() => create([storage], { failoverMs: 0 }), { field: "failoverMs" });
  const replicated = create([storage]);
  const metadata = { [RECORD]: "mine" };
  await assert.rejects(replicated.upload(BUCKET, "key", "text", { metadata }), {
    field: `metadata.${RECORD}`,
  });
});
