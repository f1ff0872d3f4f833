import assert from "node:assert/strict";
import { Acknowledgements } from "../../messaging/acknowledgements.ts";
import { gate, Recorder } from "../conformance/messaging/support.ts";
import { systemClock } from "../../core/clock.ts";
import type { StreamEntry } from "../../messaging/streams.ts";
import { test } from "node:test";

const entry = (position: number): StreamEntry => ({ position: String(position) }) as StreamEntry;

function positions(entries: readonly StreamEntry[]): string {
  return entries.map(({ position }) => position).join(" ");
}

test("what one turn of the event loop adds goes in one call, and what comes meanwhile in the next", async () => {
  const sent = new Recorder<string>();
  const [first, done] = [gate(), new Recorder<string>()];
  const acks = new Acknowledgements({
    send: async (entries) => {
      sent.add(positions(entries));
      if (sent.values.length === 1) await first.opened;
    },
    onDone: (entries) => done.add(positions(entries)),
    clock: systemClock,
  });
  for (let i = 0; i < 3; i++) acks.add(entry(i));
  await sent.until(1);
  acks.add(entry(3));
  acks.add(entry(4));
  assert.deepEqual(done.values, []);
  first.open();
  await acks.settled();
  assert.deepEqual(sent.values, ["0 1 2", "3 4"]);
  assert.deepEqual(done.values, ["0 1 2", "3 4"]);
});

test("what could not be sent is sent again, with what came meanwhile", async () => {
  const sent: string[] = [];
  const done: string[] = [];
  const acks = new Acknowledgements({
    send: (entries) => {
      sent.push(positions(entries));
      if (sent.length > 2) return Promise.resolve();
      if (sent.length === 1) acks.add(entry(1));
      return Promise.reject(new Error("the server is away"));
    },
    onDone: (entries) => done.push(positions(entries)),
    clock: systemClock,
  });
  acks.add(entry(0));
  await acks.settled();
  assert.deepEqual(sent, ["0", "0 1", "0 1"]);
  assert.deepEqual(done, ["0 1"]);
});

test("what is stopped sends nothing again", async () => {
  const sent = new Recorder<string>();
  const acks = new Acknowledgements({
    send: (entries) => {
      sent.add(positions(entries));
      acks.stop();
      return Promise.reject(new Error("the server is away"));
    },
    onDone: () => assert.fail("nothing was acknowledged"),
    clock: systemClock,
  });
  acks.add(entry(0));
  await acks.settled();
  assert.deepEqual(sent.values, ["0"]);
});
