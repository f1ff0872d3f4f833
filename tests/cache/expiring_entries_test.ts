import assert from "node:assert/strict";
import { test } from "node:test";
import { ExpiringEntries, type ExpiringEntry } from "../../cache/expiring_entries.ts";
import { ManualClock } from "../conformance/manual_clock.ts";
import { until } from "../support/until.ts";

function entry(bytes: number, expiresAtMs = Infinity): ExpiringEntry {
  return { value: bytes, bytes, expiresAtMs };
}

/** Entries of 10 bytes each under these keys, as many as there is room for. */
function filled(keys: string): ExpiringEntries {
  const entries = new ExpiringEntries(10 * keys.length, new ManualClock());
  for (const key of keys) assert.equal(entries.set(key, entry(10)), true);
  return entries;
}

test("the oldest of the entries that were not used make room", () => {
  const entries = filled("abc");
  assert.ok(entries.get("a"));
  entries.set("d", entry(15));
  assert.deepEqual(entries.keys(), ["a", "d"]);
  assert.equal(entries.bytes, 25);
});

test("the search for room goes on where it stopped, and begins anew at the end", () => {
  const entries = filled("abc");
  entries.get("a");
  entries.set("d", entry(10));
  assert.deepEqual(entries.keys(), ["a", "c", "d"], "a was used, so b had to go");
  entries.set("e", entry(10));
  assert.deepEqual(entries.keys(), ["a", "d", "e"], "the search had passed a");
  entries.get("d");
  entries.get("e");
  entries.set("f", entry(10));
  assert.deepEqual(entries.keys(), ["d", "e", "f"], "a was not used since");
});

test("when all were used, one of them makes room all the same", () => {
  const entries = filled("abc");
  for (const key of "abc") entries.get(key);
  entries.set("d", entry(10));
  assert.deepEqual(entries.keys(), ["b", "c", "d"]);
});

test("entries that are never asked for do not drive out those that are", () => {
  const entries = filled("abcdefghij");
  for (let i = 0; i < 1_000; i++) {
    for (const key of "abc") assert.ok(entries.get(key), `${key} is gone after ${i}`);
    entries.set(`once ${i}`, entry(10));
    assert.equal(entries.bytes, 100);
  }
});

test("after the newest entry made room, the search begins anew and comes by those not used since", () => {
  const entries = filled("abc");
  for (const key of "abc") entries.get(key);
  entries.set("d", entry(10));
  for (const key of "bc") entries.get(key);
  entries.set("e", entry(10));
  assert.deepEqual(entries.keys(), ["b", "c", "e"], "d was the only one that was not used");
  entries.set("f", entry(10));
  entries.set("g", entry(10));
  assert.deepEqual(entries.keys(), ["e", "f", "g"], "nobody has used b and c since");
});

test("what was removed is not kept alive by the search for room", async () => {
  const entries = new ExpiringEntries(1_000, new ManualClock());
  let collected = 0;
  const registry = new FinalizationRegistry<void>(() => collected++);
  const set = (key: string): void => {
    const value = new Uint8Array(100_000);
    registry.register(value, undefined);
    entries.set(key, { value, bytes: 10, expiresAtMs: Infinity });
  };
  for (let i = 0; i < 101; i++) set(`${i}`); // One has made room, so the search has begun.
  for (let round = 0; round < 20; round++) {
    for (let i = 1; i < 101; i++) set(`${i}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(entries.size, 100);
  await until("most of what was replaced is collected", () => {
    // Without pressure nothing is collected, and no runtime has a function for it that all have.
    for (let i = 0; i < 50; i++) new Uint8Array(1_000_000).fill(1);
    return collected > 1_500;
  });
});

test("an entry that has no room alone removes its older self and nothing else", () => {
  const entries = filled("abc");
  assert.equal(entries.set("a", entry(31)), false);
  assert.deepEqual(entries.keys(), ["b", "c"]);
  assert.equal(entries.set("b", entry(30)), true);
  assert.deepEqual(entries.keys(), ["b"]);
  assert.equal(entries.bytes, 30);
});

test("entries find room after all of them were removed in the middle of a search", () => {
  const entries = filled("abc");
  entries.get("a");
  entries.set("d", entry(10));
  entries.clear();
  assert.equal(entries.bytes, 0);
  for (const key of "wxyz") entries.set(key, entry(10));
  assert.deepEqual(entries.keys(), ["x", "y", "z"]);
});

test("every entry that goes is heard of once", () => {
  const gone: string[] = [];
  const entries = new ExpiringEntries(30, new ManualClock(), (_, key) => gone.push(key));
  for (const key of ["evicted", "replaced", "deleted"]) entries.set(key, entry(10));
  entries.set("replaced", entry(10));
  entries.delete("deleted");
  entries.delete("deleted");
  entries.set("cleared", entry(20));
  entries.clear();
  assert.deepEqual(gone, ["replaced", "deleted", "evicted", "replaced", "cleared"]);
});

test("an expired entry takes its room until it is asked for", () => {
  const clock = new ManualClock(0);
  const entries = new ExpiringEntries(30, clock);
  entries.set("a", entry(10, 5));
  entries.set("b", entry(10, 5));
  clock.advance(5);
  assert.equal(entries.size, 2);
  assert.equal(entries.get("a"), undefined);
  assert.equal(entries.delete("b"), false);
  assert.equal(entries.size, 0);
  assert.equal(entries.bytes, 0);
});

class CoarseClock extends ManualClock {
  coarseMs = 4;

  coarseNow(): number {
    return this.coarseMs;
  }
}

test("a hit looks at the coarse clock, and nothing is removed by that alone", () => {
  const clock = new CoarseClock(10);
  const entries = new ExpiringEntries(30, clock);
  entries.set("late", entry(10, 5));
  assert.ok(entries.get("late"));
  assert.equal(entries.getExact("late"), undefined);
  assert.equal(entries.delete("late"), false, "it had expired");
  clock.coarseMs = 20; // The clock was set back.
  const other = new ExpiringEntries(30, clock);
  other.set("early", entry(10, 15));
  assert.equal(other.get("early"), undefined);
  assert.equal(other.size, 1);
});
