import assert from "node:assert/strict";
import { test } from "node:test";
import type { Held } from "../../../messaging/adapters/nats/delivery.ts";
import { HeldEntries } from "../../../messaging/adapters/nats/held_entries.ts";

test("what is new is returned, the oldest first, and held until it is forgotten", () => {
  const entries = new HeldEntries();
  const [two, one] = [delivery(2), delivery(1)];
  assert.deepEqual(entries.keep([two, one]), [one.entry, two.entry]);
  assert.deepEqual(entries.find([two.entry, { ...one.entry }]), [two]);
  entries.forget([two]);
  assert.deepEqual(entries.find([one.entry, two.entry]), [one]);
  entries.clear();
  assert.deepEqual(entries.find([one.entry]), []);
});

test("what comes back while it is held is not new, and is settled where it came last", () => {
  const entries = new HeldEntries();
  const first = delivery(1);
  entries.keep([first]);
  assert.deepEqual(entries.keep([delivery(1, { attempt: 2, reply: "again", signMs: 9 })]), []);
  const [held] = entries.find([first.entry]);
  assert.deepEqual([held?.reply, held?.signMs], ["again", 9]);
  entries.forget([first]);
  assert.equal(entries.keep([delivery(1, { attempt: 3 })]).length, 1);
});

test("a record that comes for the first time again, or from another consumer, is new", () => {
  const entries = new HeldEntries();
  const [first, second] = [delivery(1), delivery(1)];
  entries.keep([first]);
  assert.equal(entries.keep([second]).length, 1);
  assert.equal(entries.keep([delivery(1, { consumer: "other", attempt: 2 })]).length, 1);
  // The one that is forgotten does not take the other one with it.
  entries.forget([first]);
  assert.deepEqual(entries.keep([delivery(1, { attempt: 2 })]), []);
});

function delivery(sequence: number, rest: Partial<Held> = {}): Held {
  const entry = { channel: "c", position: String(sequence), bytes: new Uint8Array() };
  return {
    stream: "s",
    consumer: "g",
    attempt: 1,
    sequence,
    delivery: sequence,
    pending: 0,
    reply: "first",
    signMs: 0,
    ...rest,
    entry: { ...entry, attempt: rest.attempt ?? 1, decode: () => assert.fail() },
  };
}
