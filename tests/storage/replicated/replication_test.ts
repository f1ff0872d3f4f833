import assert from "node:assert/strict";
import { test } from "node:test";
import { Replication } from "../../../storage/adapters/replicated/replication.ts";
import { MemoryStorageProvider } from "../../../storage/adapters/memory.ts";
import type { StorageProvider } from "../../../storage/storage.ts";
import { Reports } from "../../support/faulty_redis.ts";

const PASSES = { timeoutMs: 60_000 };

interface Run {
  finish(): void;
  fail(): void;
  readonly signal: AbortSignal;
}

/** A replication whose steps a test ends, by replica. */
function open(replicas: number, needed: number) {
  const reports = new Reports();
  const locations = Array.from({ length: replicas }, (_, i) => {
    return { name: `replica ${i + 1}`, storage: new MemoryStorageProvider() };
  });
  const replication = new Replication({ replicas: locations, needed, observer: reports });
  const runs: Run[] = [];
  const run = (_: StorageProvider, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error("failed"));
      signal.addEventListener("abort", fail);
      runs.push({ finish: resolve, fail, signal });
    });
  const step = { operation: "upload", bucket: "bucket", key: "key", run } as const;
  return { replication, reports, runs, step };
}

test("a write waits for as many replicas as are needed, and the others go on", async () => {
  const { replication, runs, step, reports } = open(3, 2);
  const write = replication.start(step, PASSES);
  runs[0]!.finish();
  runs[1]!.finish();
  await write;
  assert.equal(replication.underWay, 1);
  runs[2]!.finish();
  await replication.settled();
  assert.equal(replication.underWay, 0);
  assert.deepEqual(reports.records, []);
});

test("a write rejects as soon as too few replicas can follow, and says that it is done on the primary", async () => {
  const { replication, runs, step } = open(3, 2);
  const write = replication.start(step, PASSES);
  runs[0]!.fail();
  runs[1]!.fail();
  await assert.rejects(write, {
    code: "unavailable",
    outcome: "unknown",
    retryable: false,
    message:
      "Cannot upload the object: it is done on the primary, but not on 2 of the replicas as well",
  });
  runs[2]!.finish();
  await replication.settled();
});

test("one failure of three does not matter where two are needed", async () => {
  const { replication, runs, step } = open(3, 2);
  const write = replication.start(step, PASSES);
  runs[0]!.fail();
  runs[1]!.finish();
  runs[2]!.finish();
  await write;
});

test("where none is needed nobody waits", async () => {
  const { replication, runs, step, reports } = open(1, 0);
  await replication.start(step, PASSES);
  runs[0]!.fail();
  await replication.settled();
  assert.equal(reports.records.length, 1);
});

test("every write that a replica misses is reported", async () => {
  const { replication, runs, step, reports } = open(2, 0);
  await replication.start(step, PASSES);
  runs[0]!.finish();
  runs[1]!.fail();
  await replication.settled();
  assert.deepEqual(reports.records, [{
    level: "warn",
    message: "A replica missed a write, and has to be repaired",
    attributes: { location: "replica 2", bucket: "bucket", key: "key", code: "internal" },
  }]);
  assert.deepEqual(reports.of("storage.replica_missed"), [{
    location: "replica 2",
    code: "internal",
  }]);
});

test("the deadline and the signal end the waiting, not the step", async () => {
  const { replication, runs, step } = open(1, 1);
  const late = { code: "timeout", outcome: "unknown" };
  await assert.rejects(replication.start(step, { timeoutMs: 1 }), late);
  const aborter = new AbortController();
  const aborted = replication.start(step, { ...PASSES, signal: aborter.signal });
  aborter.abort();
  await assert.rejects(aborted, { code: "aborted", outcome: "unknown" });
  assert.deepEqual(runs.map(({ signal }) => signal.aborted), [false, false]);
  for (const { finish } of runs) finish();
  await replication.settled();
});

test("a replica does 16 steps at once, and misses what is more than 10,000 behind", async () => {
  const { replication, runs, step, reports } = open(1, 0);
  for (let i = 0; i < 10_017; i++) await replication.start(step, PASSES);
  assert.equal(runs.length, 16);
  assert.deepEqual(reports.of("storage.replica_missed"), [{
    location: "replica 1",
    code: "overloaded",
  }]);
  for (let i = 0; i < 10_016; i++) {
    runs[i]!.finish();
    await Promise.resolve();
    while (runs.length <= i + 1 && i < 10_015) await Promise.resolve();
  }
  await replication.settled();
  assert.equal(runs.length, 10_016);
});

test("the end waits for what is under way, for a while, and then ends it", async () => {
  const first = open(1, 0);
  await first.replication.start(first.step, PASSES);
  const end = first.replication.end(60_000);
  first.runs[0]!.finish();
  await end;
  assert.equal(first.runs[0]!.signal.aborted, false);
  const second = open(1, 0);
  await second.replication.start(second.step, PASSES);
  await second.replication.end(1);
  assert.equal(second.runs[0]!.signal.aborted, true);
  assert.equal(second.reports.records.length, 1);
});
