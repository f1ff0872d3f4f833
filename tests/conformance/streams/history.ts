import assert from "node:assert/strict";
import type { StreamBus, StreamStart } from "../../../messaging/streams.ts";
import { gate, Recorder, rejectsWith } from "../messaging/support.ts";
import { payloads, readSome, readUntil, type StreamScenarios, untilSo } from "./harness.ts";

async function publishNumbers(bus: StreamBus, channel: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await bus.publish(channel, i);
}

async function replayed(bus: StreamBus, channel: string, from?: StreamStart): Promise<string[]> {
  const found: string[] = [];
  for await (const record of bus.replay(channel, from)) found.push(record.decode().payload);
  return found;
}

/** What a bus does that keeps what was acknowledged. */
export const historyScenarios: StreamScenarios = {
  "a new group begins with the oldest record, or where it is told": async ({ bus, channel }) => {
    await publishNumbers(bus, channel, 3);
    // Servers tell times by the millisecond.
    await new Promise((resolve) => setTimeout(resolve, 5));
    const since = new Date();
    await bus.publish(channel, 3);
    await bus.publish(channel, 4);
    const all = await bus.reader(channel, { group: "all" });
    const entries = await readUntil(all, 5);
    assert.deepEqual(payloads(entries), ["0", "1", "2", "3", "4"]);
    const after = { after: entries[3]?.position ?? "" };
    const later = await bus.reader(channel, { group: "later", from: { since } });
    const last = await bus.reader(channel, { group: "last", from: after });
    const none = await bus.reader(channel, { group: "none", from: "end" });
    assert.deepEqual(payloads(await readUntil(later, 2)), ["3", "4"]);
    assert.deepEqual(payloads(await readUntil(last, 1)), ["4"]);
    assert.deepEqual((await readSome(none)).entries, []);
    await bus.publish(channel, 5);
    assert.deepEqual(payloads(await readUntil(none, 1)), ["5"]);
    const from = { after: "no position" };
    await rejectsWith(bus.reader(channel, { group: "x", from }), "invalid_input", "from.after");
  },

  "a group that exists goes on where it was, whatever a reader asks for": async ({
    bus,
    channel,
  }) => {
    await publishNumbers(bus, channel, 2);
    const first = await bus.reader(channel, { group: "one" });
    await first.ack(await readUntil(first, 2));
    await first.close();
    const again = await bus.reader(channel, { group: "one", from: "beginning" });
    await bus.publish(channel, 2);
    assert.deepEqual(payloads(await readUntil(again, 1)), ["2"]);
  },

  "replay gives the records that there were, whoever handled them": async ({ bus, channel }) => {
    assert.deepEqual(await replayed(bus, channel), []);
    await bus.subscribe(channel, () => {}, { group: "one" });
    await publishNumbers(bus, channel, 250);
    const numbers = Array.from({ length: 250 }, (_, i) => String(i));
    assert.deepEqual(await replayed(bus, channel), numbers);
    const positions: string[] = [];
    for await (const { position } of bus.replay(channel)) {
      positions.push(position);
      // What is published meanwhile is not part of it.
      if (positions.length === 1) await bus.publish(channel, 250);
    }
    assert.equal(positions.length, 250);
    const after = { after: positions[247] ?? "" };
    assert.deepEqual(await replayed(bus, channel, after), ["248", "249", "250"]);
    assert.deepEqual(await replayed(bus, channel, { since: new Date(0) }), [...numbers, "250"]);
    assert.deepEqual(await replayed(bus, channel, { since: new Date(Date.now() + 60_000) }), []);
    assert.deepEqual(await replayed(bus, channel, "end"), []);
    for await (const _record of bus.replay(channel)) break;
  },

  "seek lets a group go on from another place, and what it has pending stays so": async ({
    bus,
    channel,
  }) => {
    await publishNumbers(bus, channel, 4);
    const reader = await bus.reader(channel, { group: "one" });
    const entries = await readUntil(reader, 4);
    await reader.ack(entries.slice(0, 3));
    await bus.seek(channel, "one", { after: entries[0]?.position ?? "" });
    const again = await readUntil(reader, 3);
    assert.deepEqual(payloads(again), ["1", "2", "3"]);
    await bus.seek(channel, "one", "end");
    assert.deepEqual((await readSome(reader)).entries, []);
    await rejectsWith(bus.seek(channel, "nobody", "end"), "not_found");
  },

  "trim keeps what a group is not done with": async ({ bus, channel }) => {
    const reader = await bus.reader(channel, { group: "one" });
    await publishNumbers(bus, channel, 10);
    const first = (await reader.read({ max: 4 })).entries;
    await reader.ack([...first.slice(0, 2), ...first.slice(3)]);
    await untilSo("one is pending", async () => {
      return (await bus.pending(channel, "one")).pending === 1;
    });
    assert.equal(await bus.trim(channel, { keep: 0 }), 2);
    assert.deepEqual(await replayed(bus, channel), ["2", "3", "4", "5", "6", "7", "8", "9"]);
    assert.deepEqual(payloads(await readUntil(reader, 6)), ["4", "5", "6", "7", "8", "9"]);
    assert.equal(await bus.trim(channel, { keep: 100 }), 0);
    await rejectsWith(bus.trim(channel, { keep: -1 }), "invalid_input", "keep");
  },

  "a forced trim tells each group how many it lost": async ({ bus, channel }) => {
    const told = new Recorder<number | undefined>();
    const received = new Recorder<string>();
    const done = gate();
    await bus.subscribe(channel, async ({ payload }) => {
      received.add(payload);
      await done.opened;
    }, {
      group: "behind",
      maxInFlight: 1,
      takeOverMs: 200,
      onProblem: (problem) => problem.kind === "gap" && told.add(problem.lost),
    });
    const ahead = await bus.reader(channel, { group: "ahead" });
    await publishNumbers(bus, channel, 10);
    await received.until(1);
    await ahead.ack(await readUntil(ahead, 10));
    assert.equal(await bus.trim(channel, { keep: 3, force: true }), 7);
    done.open();
    await received.until(4);
    assert.deepEqual(received.values, ["0", "7", "8", "9"]);
    await told.until(1);
    assert.deepEqual(told.values, [6]);
    assert.deepEqual(await readSome(ahead), { entries: [], lost: 0 });
  },
};

/** What a bus refuses that keeps nothing which was acknowledged. */
export const noHistoryScenarios: StreamScenarios = {
  "replay, seek, trim and a beginning in the past are refused": async ({ bus, channel }) => {
    await bus.reader(channel, { group: "one" });
    await rejectsWith(replayed(bus, channel), "unsupported");
    await rejectsWith(bus.seek(channel, "one", "end"), "unsupported");
    await rejectsWith(bus.trim(channel, { keep: 0 }), "unsupported");
    const from = "beginning";
    await rejectsWith(bus.reader(channel, { group: "two", from }), "unsupported");
  },
};
