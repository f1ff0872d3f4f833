import assert from "node:assert/strict";
import type { Message } from "../../../messaging/messaging.ts";
import { Recorder, rejectsWith, soon, uniqueChannel } from "../messaging/support.ts";
import { type StreamScenarios, untilSo } from "./harness.ts";

/** Who gets what. */
export const groupScenarios: StreamScenarios = {
  "each group gets every event, and the subscriptions of one share them": async ({
    bus,
    channel,
    another,
  }) => {
    const other = await another();
    const [shared, alone] = [new Recorder<string>(), new Recorder<string>()];
    const counts = [0, 0];
    for (const [index, one] of [bus, other].entries()) {
      await one.subscribe(channel, ({ payload }) => {
        counts[index] = (counts[index] ?? 0) + 1;
        shared.add(payload);
        // Whoever has one leaves the next to the other.
        return new Promise((resolve) => setTimeout(resolve, 1));
      }, { group: "shared", maxInFlight: 1 });
    }
    await bus.subscribe(channel, ({ payload }) => alone.add(payload), { group: "alone" });
    for (let i = 0; i < 60; i++) await bus.publish(channel, i);
    await shared.until(60);
    await alone.until(60);
    const all = Array.from({ length: 60 }, (_, i) => String(i));
    assert.deepEqual([...shared.values].sort((a, b) => +a - +b), all);
    assert.deepEqual(alone.values, all);
    assert.ok(Math.min(...counts) > 0, `shared as ${counts}`);
  },

  "many groups each get everything": async ({ bus, channel }) => {
    const recorders = Array.from({ length: 15 }, () => new Recorder<string>());
    await Promise.all(
      recorders.map((recorder, i) =>
        bus.subscribe(channel, ({ payload }) => recorder.add(payload), { group: `group-${i}` })
      ),
    );
    await Promise.all(Array.from({ length: 20 }, (_, i) => bus.publish(channel, i)));
    for (const recorder of recorders) {
      assert.equal(new Set(await recorder.until(20)).size, 20);
    }
  },

  "channels are separate, also for the same group": async ({ bus, channel }) => {
    const received = new Recorder<Message>();
    const other = `${channel}:other`;
    const others = new Recorder<Message>();
    await bus.subscribe(channel, received.add, { group: "one" });
    await bus.subscribe(other, others.add, { group: "one" });
    await bus.publish(other, "other");
    await bus.publish(channel, "own");
    await received.until(1);
    await others.until(1);
    assert.deepEqual(received.values.map(({ payload }) => payload), ['"own"']);
    assert.deepEqual(others.values.map(({ payload }) => payload), ['"other"']);
  },

  "an event that is published when nobody reads waits for the group": async ({
    bus,
    channel,
    another,
  }) => {
    const received = new Recorder<string>();
    const first = await bus.subscribe(channel, ({ payload }) => received.add(payload), {
      group: "one",
    });
    await bus.publish(channel, 1);
    await received.until(1);
    await first.drain(5_000);
    await soon(first.ended, () => "the end");
    await bus.publish(channel, 2);
    await bus.publish(channel, 3);
    const later = await another();
    await later.subscribe(channel, ({ payload }) => received.add(payload), { group: "one" });
    await bus.publish(channel, 4);
    assert.deepEqual([...await received.until(4)], ["1", "2", "3", "4"]);
  },

  "subscribing at the same time from many sides is one group": async ({ channel, another }) => {
    const buses = await Promise.all([another(), another(), another()]);
    const received = new Recorder<string>();
    await Promise.all(
      buses.flatMap((bus) =>
        [1, 2].map(() =>
          bus.subscribe(channel, ({ payload }) => received.add(payload), { group: "one" })
        )
      ),
    );
    await Promise.all(Array.from({ length: 120 }, (_, i) => buses[i % 3]?.publish(channel, i)));
    await received.until(120);
    assert.equal(new Set(received.values).size, 120);
    assert.equal(received.values.length, 120);
  },

  "a group knows how it stands": async ({ bus, channel }) => {
    await rejectsWith(bus.pending(channel, "one"), "not_found");
    const reader = await bus.reader(channel, { group: "one" });
    assert.deepEqual(await bus.pending(channel, "one"), {
      pending: 0,
      lag: 0,
      deadLetters: 0,
      oldestPendingMs: undefined,
    });
    for (let i = 0; i < 5; i++) await bus.publish(channel, i);
    const { entries } = await reader.read({ max: 3 });
    assert.equal(entries.length, 3);
    const [first, ...rest] = entries;
    await reader.bury(first!, { reason: "handler_failed", error: "no", attempts: 1 });
    await untilSo("one letter, two pending, two waiting", async () => {
      const { pending, lag, deadLetters, oldestPendingMs } = await bus.pending(channel, "one");
      return pending === 2 && (lag ?? 2) === 2 && deadLetters === 1 && oldestPendingMs !== Infinity;
    });
    await reader.ack(rest);
    await untilSo("nothing is pending", async () => {
      return (await bus.pending(channel, "one")).pending === 0;
    });
    await rejectsWith(bus.pending(uniqueChannel(), "one"), "not_found");
  },

  "a malformed group, place or number is named": async ({ bus, channel }) => {
    const subscribe = (options: object): Promise<unknown> =>
      bus.subscribe(channel, () => {}, { group: "one", ...options });
    await rejectsWith(subscribe({ group: "two words" }), "invalid_input", "group");
    await rejectsWith(subscribe({ group: "a:b" }), "invalid_input", "group");
    await rejectsWith(subscribe({ group: "*" }), "invalid_input", "group");
    await rejectsWith(subscribe({ takeOverMs: 99 }), "invalid_input", "takeOverMs");
    await rejectsWith(subscribe({ concurrency: 0 }), "invalid_input", "concurrency");
    await rejectsWith(subscribe({ maxInFlight: 0 }), "invalid_input", "maxInFlight");
    await rejectsWith(subscribe({ maxAttempts: 0 }), "invalid_input", "maxAttempts");
    await rejectsWith(subscribe({ handlerTimeoutMs: 0 }), "invalid_input", "handlerTimeoutMs");
    await rejectsWith(subscribe({ from: "now" }), "invalid_input", "from");
    const backoff = { baseMs: -1, maxMs: 1 };
    await rejectsWith(subscribe({ backoff }), "invalid_input", "backoff.baseMs");
    const handler = "handler" as unknown as () => void;
    await rejectsWith(
      bus.subscribe(channel, handler, { group: "one" }),
      "invalid_input",
      "handler",
    );
    await rejectsWith(bus.deadLetters(channel, "a b"), "invalid_input", "group");
    await rejectsWith(bus.redrive(channel, "one", []), "invalid_input", "ids");
    await rejectsWith(bus.discard(channel, "one", [""]), "invalid_input", "ids[0]");
  },
};
