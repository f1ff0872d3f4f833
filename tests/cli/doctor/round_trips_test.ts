import assert from "node:assert/strict";
import { test } from "node:test";
import { clockSkewMs, medianMs, roundTrips } from "../../../cli/doctor/round_trips.ts";

test("it asks as often as told, and keeps when, for how long, and the answers", async () => {
  let asked = 0;
  const beforeMs = Date.now();
  const trips = await roundTrips(() => Promise.resolve(++asked), 3);
  assert.deepEqual(trips.map(({ answer }) => answer), [1, 2, 3]);
  for (const { askedAtMs, durationMs } of trips) {
    assert.ok(askedAtMs >= beforeMs && askedAtMs <= Date.now());
    assert.ok(durationMs >= 0);
  }
  await assert.rejects(roundTrips(() => Promise.reject(new Error("no")), 3), /no/);
});

test("the median is that of the middle", () => {
  const median = (...times: number[]): number =>
    medianMs(times.map((durationMs) => ({ durationMs })));
  assert.deepEqual([median(900, 1, 3), median(10, 9, 100, 8, 1_000)], [3, 10]);
});

test("the skew is that of the shortest round trip, seen from its middle", () => {
  const slow = { askedAtMs: 1_000, durationMs: 800, answer: 9_999 };
  const quick = { askedAtMs: 5_000, durationMs: 100, answer: 7_050 };
  assert.equal(clockSkewMs([slow, quick, slow]), 2_000);
  assert.equal(clockSkewMs([{ ...quick, answer: 4_050 }]), -1_000);
});
