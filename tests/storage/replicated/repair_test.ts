import assert from "node:assert/strict";
import { test } from "node:test";
import { repairReplica } from "../../../storage/adapters/replicated/repair.ts";
import { FaultyStorage } from "../../support/faulty_storage.ts";

const BUCKET = "bucket";

async function openPair() {
  const [primary, replica] = [new FaultyStorage(), new FaultyStorage()];
  await primary.intact.createBucket(BUCKET);
  return { primary, replica, pair: { primary: primary.storage, replica: replica.storage } };
}

async function keysOf({ intact }: FaultyStorage): Promise<string[]> {
  return (await Array.fromAsync(intact.iterateObjects(BUCKET))).map(({ key }) => key);
}

async function fill({ intact }: FaultyStorage, keys: readonly string[]): Promise<void> {
  for (const key of keys) await intact.upload(BUCKET, key, key);
}

const KEYS = Array.from({ length: 1_200 }, (_, i) => `a/${String(i).padStart(4, "0")}`);

test("a replica gets everything, of more than a page, and the bucket", async () => {
  const { primary, replica, pair } = await openPair();
  await fill(primary, KEYS);
  const repaired = await repairReplica(pair, BUCKET, {});
  assert.deepEqual(repaired, {
    compared: 1_200,
    copied: 1_200,
    removed: 0,
    extra: [],
    failures: [],
  });
  assert.deepEqual(await keysOf(replica), KEYS);
  replica.calls.length = 0;
  const again = await repairReplica(pair, BUCKET, {});
  assert.deepEqual([again.compared, again.copied], [1_200, 0]);
  // To create one may need a right that to write does not.
  assert.ok(!replica.calls.some((call) => call.startsWith("createBucket")));
});

test("only what begins with the prefix is repaired", async () => {
  const { primary, replica, pair } = await openPair();
  await fill(primary, ["a/1", "a/2", "b/1"]);
  assert.equal((await repairReplica(pair, BUCKET, { prefix: "a/" })).copied, 2);
  assert.deepEqual(await keysOf(replica), ["a/1", "a/2"]);
});

test("what the primary lacks is told and kept, unless it is to be removed", async () => {
  const { primary, replica, pair } = await openPair();
  await replica.intact.createBucket(BUCKET);
  await fill(primary, ["b", "d"]);
  await fill(replica, ["a", "b", "c", "e"]);
  const kept = await repairReplica(pair, BUCKET, {});
  assert.deepEqual([...kept.extra].sort(), ["a", "c", "e"]);
  assert.deepEqual([kept.compared, kept.copied, kept.removed], [5, 2, 0]);
  assert.deepEqual(await keysOf(replica), ["a", "b", "c", "d", "e"]);
  const removed = await repairReplica(pair, BUCKET, { removeExtra: true });
  assert.deepEqual([removed.extra, removed.removed], [[], 3]);
  assert.deepEqual(await keysOf(replica), ["b", "d"]);
});

test("what cannot be repaired is told, and the rest is repaired", async () => {
  const { primary, replica, pair } = await openPair();
  await fill(primary, ["a", "b", "c"]);
  replica.before = () => {
    replica.isAway = replica.calls.at(-1) === "upload b";
  };
  const { copied, failures } = await repairReplica(pair, BUCKET, {});
  assert.equal(copied, 2);
  assert.deepEqual(failures.map(({ key, error }) => [key, error.code]), [["b", "unavailable"]]);
  assert.deepEqual(await keysOf(replica), ["a", "c"]);
});

test("a replica that is away is a failure without a key", async () => {
  const { replica, pair } = await openPair();
  replica.isAway = true;
  const { failures } = await repairReplica(pair, BUCKET, {});
  assert.deepEqual(failures.map(({ key, error }) => [key, error.code]), [[
    undefined,
    "unavailable",
  ]]);
});

test("an aborted signal ends it", async () => {
  const { primary, replica, pair } = await openPair();
  await fill(primary, KEYS);
  const aborter = new AbortController();
  replica.before = (name) => {
    if (name === "upload" && replica.calls.length > 100) aborter.abort();
  };
  const repair = repairReplica(pair, BUCKET, { signal: aborter.signal });
  await assert.rejects(repair, { code: "aborted" });
  assert.ok((await keysOf(replica)).length < 200);
});
