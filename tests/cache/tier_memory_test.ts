import assert from "node:assert/strict";
import { test } from "node:test";
import type { EntryOfStore, Invalidation } from "../../cache/invalidations.ts";
import { TierMemory } from "../../cache/tier_memory.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

const clock = new ManualClock();

function create(limits: { maxBytes?: number; ttlMs?: number } = {}): TierMemory {
  return new TierMemory({ maxBytes: 100_000, ttlMs: 1_000, clock, ...limits });
}

function entry(value: unknown, rest: Partial<EntryOfStore> = {}): EntryOfStore {
  return { value, ttlMs: null, tags: [], ...rest };
}

function fill(memory: TierMemory, key: string, found = entry("value")): void {
  memory.end(memory.begin(key), found);
}

const has = (memory: TierMemory, key: string): boolean => memory.get(key) !== undefined;

test("what a read brings is kept as a frozen value; a miss is not kept", () => {
  const memory = create();
  const value = { list: [1] };
  fill(memory, "k", entry(value));
  assert.equal(memory.get("k")?.value, value);
  assert.ok(Object.isFrozen(value) && Object.isFrozen(value.list));
  memory.end(memory.begin("missing"));
  assert.equal(has(memory, "missing"), false);
});

test("an entry stays for the tier's ttlMs or its own, whatever is shorter, to the millisecond", () => {
  for (const [ttlMs, leftMs] of [[null, 1_000], [5_000, 1_000], [300, 300]] as const) {
    const memory = create();
    fill(memory, "k", entry(1, { ttlMs }));
    clock.advance(leftMs - 1);
    assert.equal(has(memory, "k"), true);
    clock.advance(1);
    assert.equal(has(memory, "k"), false);
  }
});

test("the time that the read took counts", () => {
  const memory = create();
  const slow = memory.begin("k");
  clock.advance(400);
  memory.end(slow, entry(1));
  clock.advance(599);
  assert.equal(has(memory, "k"), true);
  clock.advance(1);
  assert.equal(has(memory, "k"), false);
  for (const ttlMs of [400, 400.9]) {
    const late = memory.begin("late");
    clock.advance(400);
    memory.end(late, entry(1, { ttlMs }));
    assert.equal(has(memory, "late"), false);
  }
});

const CHANGES: [what: string, change: (memory: TierMemory) => void][] = [
  ["its key", (memory) => memory.dropKey("k:1")],
  ["a message about its key", (memory) => memory.drop({ kind: "key", keys: ["x", "k:1"] })],
  ["a pattern that matches", (memory) => memory.drop({ kind: "pattern", pattern: "k:?" })],
  ["the pattern of everything", (memory) => memory.drop({ kind: "pattern", pattern: "*" })],
  ["its tag", (memory) => memory.drop({ kind: "tag", tag: "t" })],
  ["everything", (memory) => memory.dropAll()],
];

for (const [what, change] of CHANGES) {
  test(`dropping ${what} drops the entry`, () => {
    const memory = create();
    fill(memory, "k:1", entry(1, { tags: ["s", "t"] }));
    change(memory);
    assert.equal(has(memory, "k:1"), false);
  });

  test(`dropping ${what} while a read is under way keeps its value out, however many reads there are`, () => {
    const memory = create();
    const reads = [memory.begin("k:1"), memory.begin("k:1")];
    change(memory);
    const later = memory.begin("k:1");
    for (const read of reads) {
      memory.end(read, entry("old", { tags: ["t"] }));
      assert.equal(has(memory, "k:1"), false);
    }
    memory.end(later, entry("new", { tags: ["t"] }));
    assert.equal(memory.get("k:1")?.value, "new");
  });

  test(`dropping ${what} before a read began is harmless`, () => {
    const memory = create();
    change(memory);
    fill(memory, "k:1", entry(1, { tags: ["t"] }));
    assert.equal(has(memory, "k:1"), true);
  });
}

const OTHERS: Invalidation[] = [
  { kind: "key", keys: ["k:2"] },
  { kind: "pattern", pattern: "x:*" },
];

for (const other of OTHERS) {
  test(`a ${other.kind} that is not about the key leaves its entry and its reads alone`, () => {
    const memory = create();
    fill(memory, "k:1");
    const read = memory.begin("k:3");
    memory.drop(other);
    memory.end(read, entry(3));
    assert.deepEqual([has(memory, "k:1"), has(memory, "k:3")], [true, true]);
  });
}

test("a tag leaves entries without it alone", () => {
  const memory = create();
  fill(memory, "k", entry(1, { tags: ["other"] }));
  memory.drop({ kind: "tag", tag: "t" });
  assert.equal(has(memory, "k"), true);
});

test("an old read that ends after a newer one does not replace its value", () => {
  const memory = create();
  const old = memory.begin("k");
  memory.dropKey("k");
  fill(memory, "k", entry("new"));
  memory.end(old, entry("old"));
  assert.equal(memory.get("k")?.value, "new");
});

test("ten times the limit stays within the limit, and a value above it is not kept", () => {
  const memory = create({ maxBytes: 50_000 });
  for (let i = 0; i < 2_000; i++) {
    fill(memory, `k:${i}`, entry({ text: "x".repeat(i % 200) }, { tags: [`t:${i}`] }));
    assert.ok(memory.figures.bytes <= 50_000);
  }
  assert.ok(memory.figures.bytes > 45_000 && memory.figures.entries > 30);
  fill(memory, "big", entry("x".repeat(50_000)));
  assert.equal(has(memory, "big"), false);
  memory.dropAll();
  assert.deepEqual(memory.figures, { entries: 0, bytes: 0, maxBytes: 50_000 });
});
