import assert from "node:assert/strict";
import { test } from "node:test";
import { Delivery, InFlight } from "../../messaging/in_flight.ts";
import type { StreamEntry } from "../../messaging/streams.ts";

function entry(position: string): StreamEntry {
  const decode = (): never => assert.fail("nobody asked for it");
  return { channel: "events:user", position, bytes: new Uint8Array(), decode, attempt: 1 };
}

const positions = (entries: readonly StreamEntry[]): string[] =>
  entries.map(({ position }) => position);

test("entries go from stage to stage until they are let go", () => {
  const held = new InFlight();
  const [one, two] = [entry("1"), entry("2")];
  held.add([one, two]);
  const delivery = new Delivery(two, 3);
  assert.equal(held.change(two, delivery), true);
  assert.deepEqual(positions(held.inStage((stage) => stage === "waiting")), ["1"]);
  assert.deepEqual(held.deliveries(), [delivery]);
  assert.deepEqual([delivery.position, delivery.attempt], ["2", 3]);
  held.letGo(two);
  assert.deepEqual([held.size, held.deliveries()], [1, []]);
  assert.deepEqual(positions(held.inStage(() => true)), ["1"]);
});

test("what was given up is not held any more", () => {
  const held = new InFlight();
  const one = entry("1");
  held.add([one]);
  held.clear();
  assert.equal(held.change(one, "handled"), false);
  assert.equal(held.size, 0);
});

test("who waits hears of a change, of an entry that is let go, and of a call", async () => {
  const held = new InFlight();
  const one = entry("1");
  held.add([one]);
  for (
    const change of [() => held.change(one, "handled"), () => held.letGo(one), () => held.wake()]
  ) {
    const changed = held.changed();
    change();
    await changed;
  }
});
