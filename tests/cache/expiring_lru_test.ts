import assert from "node:assert/strict";
import { test } from "node:test";
import { ExpiringLru } from "../../cache/expiring_lru.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

const entry = (bytes: number, expiresAtMs = Infinity) => ({ value: bytes, bytes, expiresAtMs });

test("the least recently used entries make room", () => {
  const lru = new ExpiringLru(30, new ManualClock());
  for (const key of ["a", "b", "c"]) assert.equal(lru.set(key, entry(10)), true);
  assert.ok(lru.get("a"));
  lru.set("d", entry(15));
  assert.deepEqual(lru.keys().sort(), ["a", "d"]);
  assert.equal(lru.bytes, 25);
});

test("an entry that has no room alone removes its older self and nothing else", () => {
  const lru = new ExpiringLru(30, new ManualClock());
  lru.set("a", entry(10));
  lru.set("b", entry(10));
  assert.equal(lru.set("a", entry(31)), false);
  assert.deepEqual(lru.keys(), ["b"]);
  assert.equal(lru.set("b", entry(30)), true);
  assert.equal(lru.bytes, 30);
});

test("an expired entry takes its room until it is asked for", () => {
  const clock = new ManualClock(0);
  const lru = new ExpiringLru(30, clock);
  lru.set("a", entry(10, 5));
  lru.set("b", entry(10, 5));
  clock.advance(5);
  assert.equal(lru.size, 2);
  assert.equal(lru.get("a"), undefined);
  assert.equal(lru.delete("b"), false);
  assert.equal(lru.size, 0);
  assert.equal(lru.bytes, 0);
});
