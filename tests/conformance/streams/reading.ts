import assert from "node:assert/strict";
import { gate, Recorder, rejectsWith } from "../messaging/support.ts";
import { payloads, readSome, readUntil, type StreamScenarios, untilSo } from "./harness.ts";

/** How entries change hands. */
export const readingScenarios: StreamScenarios = {
  "a reader gets the oldest entries first, and each entry goes to one reader": async ({
    bus,
    channel,
    another,
  }) => {
    const one = await bus.reader(channel, { group: "one" });
    const other = await (await another()).reader(channel, { group: "one" });
    for (let i = 0; i < 10; i++) await bus.publish(channel, i);
    const first = await one.read({ max: 4 });
    assert.deepEqual(payloads(first.entries), ["0", "1", "2", "3"]);
    assert.deepEqual(first.entries.map(({ attempt }) => attempt), [1, 1, 1, 1]);
    const rest = await readUntil(other, 6);
    assert.deepEqual(payloads(rest), ["4", "5", "6", "7", "8", "9"]);
    assert.equal(new Set([...first.entries, ...rest].map(({ position }) => position)).size, 10);
    assert.deepEqual((await one.read({ waitMs: 0 })).entries, []);
  },

  "a read waits for what is published, and no longer than it is told or its signal allows": async ({
    bus,
    channel,
  }) => {
    const reader = await bus.reader(channel, { group: "one" });
    assert.deepEqual(await reader.read({ waitMs: 20 }), { entries: [], lost: 0 });
    const waiting = reader.read({ waitMs: 30_000 });
    await bus.publish(channel, 1);
    assert.deepEqual(payloads((await waiting).entries), ["1"]);
    const controller = new AbortController();
    const aborted = reader.read({ waitMs: 60_000, signal: controller.signal });
    controller.abort();
    assert.deepEqual((await aborted).entries, []);
    await rejectsWith(reader.read({ max: 0 }), "invalid_input", "max");
    await rejectsWith(reader.read({ waitMs: -1 }), "invalid_input", "waitMs");
  },

  "what was acknowledged does not come again": async ({ bus, channel, harness, another }) => {
    const { takeOverMs } = harness;
    const reader = await bus.reader(channel, { group: "one", takeOverMs });
    for (let i = 0; i < 4; i++) await bus.publish(channel, i);
    const entries = await readUntil(reader, 4);
    await reader.ack(entries.slice(0, 3));
    await reader.ack(entries.slice(0, 3));
    await reader.close();
    const other = await (await another()).reader(channel, { group: "one", takeOverMs });
    const [left] = await readUntil(other, 1);
    assert.deepEqual([left?.decode().payload, left?.attempt], ["3", 2]);
    assert.deepEqual(await readSome(other), { entries: [], lost: 0 });
  },

  "what a reader neither settles nor extends goes to another, with an attempt more": async ({
    bus,
    channel,
    harness,
    another,
  }) => {
    const { takeOverMs } = harness;
    const silent = await bus.reader(channel, { group: "one", takeOverMs });
    for (let i = 0; i < 3; i++) await bus.publish(channel, i);
    const lost = await readUntil(silent, 3);
    const elsewhere = await another();
    const other = await elsewhere.reader(channel, { group: "one", takeOverMs });
    const taken = await readUntil(other, 3);
    assert.deepEqual(payloads(taken), ["0", "1", "2"]);
    assert.deepEqual(taken.map(({ attempt }) => attempt), [2, 2, 2]);
    // They are the other one's now.
    await silent.release(lost);
    await silent.bury(lost[0]!, { reason: "handler_failed", error: "late", attempts: 1 });
    await other.extend(taken);
    const { pending, deadLetters } = await elsewhere.pending(channel, "one");
    assert.deepEqual([pending, deadLetters], [3, 0]);
    await other.ack(taken);
    await untilSo("nothing is pending", async () => {
      return (await bus.pending(channel, "one")).pending === 0;
    });
  },

  "a released entry goes to any reader at once": async ({ bus, channel, another }) => {
    const reader = await bus.reader(channel, { group: "one" });
    for (let i = 0; i < 3; i++) await bus.publish(channel, i);
    const entries = await readUntil(reader, 3);
    const other = await (await another()).reader(channel, { group: "one" });
    const waiting = other.read({ waitMs: 30_000 });
    await reader.release(entries.slice(1, 2));
    const { entries: [again] } = await waiting;
    assert.deepEqual([again?.decode().payload, again?.attempt], ["1", 2]);
    assert.equal(again?.position, entries[1]?.position);
    await other.ack([again!]);
    await reader.ack([entries[0]!, entries[2]!]);
    await untilSo("nothing is pending", async () => {
      return (await bus.pending(channel, "one")).pending === 0;
    });
  },

  "the messages of a subscription that is alive stay with it, however slow its handler is": async ({
    bus,
    channel,
    harness,
    another,
  }) => {
    const { takeOverMs } = harness;
    const done = gate();
    const handled = new Recorder<string>();
    await bus.subscribe(channel, async ({ payload }) => {
      handled.add(`slow ${payload}`);
      await done.opened;
    }, { group: "one", takeOverMs, maxInFlight: 1 });
    await bus.publish(channel, "kept");
    await handled.until(1);
    // When what was read after it has been taken over, it would have been, too.
    const silent = await (await another()).reader(channel, { group: "one", takeOverMs });
    await bus.publish(channel, "left");
    await readUntil(silent, 1);
    const others = new Recorder<string>();
    const quick = await another();
    await quick.subscribe(channel, ({ payload }) => others.add(payload), {
      group: "one",
      takeOverMs,
    });
    await others.until(1);
    assert.deepEqual(others.values, ['"left"']);
    done.open();
    await untilSo("all is acknowledged", async () => {
      return (await bus.pending(channel, "one")).pending === 0;
    });
    assert.deepEqual([handled.values, others.values], [['slow "kept"'], ['"left"']]);
  },

  "a message that none of its readers lived to settle is buried as abandoned": async ({
    bus,
    channel,
    harness,
    another,
  }) => {
    const { takeOverMs } = harness;
    const options = { group: "one", takeOverMs };
    const first = await bus.reader(channel, options);
    await bus.publish(channel, "deadly");
    await readUntil(first, 1);
    const second = await (await another()).reader(channel, options);
    await readUntil(second, 1);
    const handled = new Recorder<string>();
    const kinds = new Recorder<string>();
    await bus.subscribe(channel, ({ payload }) => handled.add(payload), {
      ...options,
      maxAttempts: 2,
      onProblem: (problem) => kinds.add(problem.kind),
    });
    await kinds.until(1);
    const [letter] = await bus.deadLetters(channel, "one");
    assert.deepEqual([letter?.reason, letter?.attempts, handled.values], ["abandoned", 2, []]);
  },
};
