import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "../../../storage/adapters/replicated/slots.ts";

test("no more work runs at once than there are slots, and what waits comes in its order", async () => {
  const slots = new Slots(2, 10);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (i: number): Promise<void> =>
    slots.run(() => {
      begun.push(i);
      return new Promise((resolve) => ends.push(resolve));
    });
  const all = [0, 1, 2, 3].map(work);
  await Promise.resolve();
  assert.deepEqual(begun, [0, 1]);
  for (let i = 0; i < 4; i++) {
    ends[i]!();
    await all[i];
  }
  assert.deepEqual(begun, [0, 1, 2, 3]);
});

test("work that fails gives its slot back", async () => {
  const slots = new Slots(1, 10);
  await assert.rejects(slots.run(() => Promise.reject(new Error("failed"))), /failed/);
  assert.equal(await slots.run(() => Promise.resolve(7)), 7);
});

test("it is full when as much waits as may", async () => {
  const slots = new Slots(1, 1);
  let end = (): void => {};
  const running = slots.run(() => new Promise<void>((resolve) => end = resolve));
  assert.equal(slots.isFull, false);
  const waiting = slots.run(() => Promise.resolve());
  assert.equal(slots.isFull, true);
  end();
  await Promise.all([running, waiting]);
  assert.equal(slots.isFull, false);
});
