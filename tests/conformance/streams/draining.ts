import assert from "node:assert/strict";
import { gate, Recorder, rejectsWith, soon } from "../messaging/support.ts";
import { QUICK, type StreamScenarios, untilSo } from "./harness.ts";

/** How subscriptions end. */
export const drainingScenarios: StreamScenarios = {
  "drain finishes the handlers under way, and gives back the rest at once": async ({
    bus,
    channel,
    another,
  }) => {
    const begun = new Recorder<string>();
    const done = gate();
    const subscription = await bus.subscribe(channel, async ({ payload }) => {
      begun.add(payload);
      await done.opened;
    }, { group: "one", concurrency: 2, maxInFlight: 10 });
    for (let i = 0; i < 10; i++) await bus.publish(channel, i);
    await begun.until(2);
    await untilSo("ten are held", async () => {
      return (await bus.pending(channel, "one")).pending === 10;
    });
    const draining = subscription.drain(30_000);
    const others = new Recorder<string>();
    await (await another()).subscribe(channel, ({ payload }) => others.add(payload), {
      group: "one",
    });
    await others.until(8);
    done.open();
    assert.deepEqual(await draining, { released: 8 });
    await soon(subscription.ended, () => "the end");
    assert.equal(await subscription.drain(1), await draining);
    await untilSo("all is acknowledged", async () => {
      return (await bus.pending(channel, "one")).pending === 0;
    });
    assert.deepEqual([...begun.values, ...others.values].map(Number).sort((a, b) => a - b), [
      ...Array(10).keys(),
    ]);
  },

  "at the deadline of drain the handlers are told to stop, and their messages given back": async ({
    bus,
    channel,
    another,
  }) => {
    const signals = new Recorder<AbortSignal>();
    const late = gate();
    const subscription = await bus.subscribe(channel, async (_message, { signal }) => {
      signals.add(signal);
      await late.opened;
    }, { group: "one" });
    await bus.publish(channel, 1);
    await signals.until(1);
    assert.deepEqual(await subscription.drain(20), { released: 1 });
    assert.equal(signals.values[0]?.aborted, true);
    const others = new Recorder<number>();
    const other = await another();
    const done = gate();
    await other.subscribe(channel, async (_message, { attempt }) => {
      others.add(attempt);
      await done.opened;
    }, { group: "one" });
    assert.deepEqual([...await others.until(1)], [2]);
    // What the first handler does now counts for nothing.
    late.open();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await other.pending(channel, "one")).pending, 1);
    done.open();
    await untilSo("it is acknowledged", async () => {
      return (await other.pending(channel, "one")).pending === 0;
    });
  },

  "a message that waits to be tried again is given back, with its attempts": async ({
    bus,
    channel,
    another,
  }) => {
    const problems = new Recorder<string>();
    const subscription = await bus.subscribe(channel, () => Promise.reject(new Error("no")), {
      group: "one",
      backoff: { baseMs: 60_000, maxMs: 60_000 },
      onProblem: ({ kind }) => problems.add(kind),
    });
    await bus.publish(channel, 1);
    await problems.until(1);
    assert.deepEqual(await subscription.drain(5_000), { released: 1 });
    const others = new Recorder<string>();
    await (await another()).subscribe(channel, ({ payload }) => others.add(payload), {
      group: "one",
    });
    await others.until(1);
  },

  "draining a bus drains its subscriptions, and it still publishes": async ({ bus, channel }) => {
    const received = new Recorder<string>();
    for (const group of ["one", "two"]) {
      await bus.subscribe(channel, ({ payload }) => received.add(payload), { group });
    }
    await bus.publish(channel, 1);
    await received.until(2);
    assert.deepEqual(await bus.drain(5_000), { released: 0 });
    await bus.publish(channel, 2);
    assert.equal((await bus.health())["subscriptions"], 0);
    await rejectsWith(bus.drain(0), "invalid_input", "deadlineMs");
    assert.equal(received.values.length, 2);
  },

  "unsubscribe does not wait for the handler, whose message is acknowledged all the same": async ({
    bus,
    channel,
  }) => {
    const begun = new Recorder<string>();
    const done = gate();
    const subscription = await bus.subscribe(channel, async ({ payload }) => {
      begun.add(payload);
      await done.opened;
    }, { group: "one" });
    await bus.publish(channel, 1);
    await begun.until(1);
    await subscription.unsubscribe();
    await subscription.unsubscribe();
    done.open();
    await soon(subscription.ended, () => "the end");
    await bus.publish(channel, 2);
    const { pending } = await bus.pending(channel, "one");
    assert.deepEqual([pending, begun.values], [0, ["1"]]);
  },

  "closing the bus drains it by the deadline of the call": async ({ bus, channel, another }) => {
    const begun = new Recorder<AbortSignal>();
    await bus.subscribe(channel, (_message, { signal }) => {
      begun.add(signal);
      return new Promise(() => {});
    }, { group: "one", ...QUICK });
    await bus.publish(channel, 1);
    await begun.until(1);
    await Promise.all([bus.close({ timeoutMs: 20 }), bus.close()]);
    assert.equal(begun.values[0]?.aborted, true);
    const others = new Recorder<number>();
    await (await another()).subscribe(channel, (_message, { attempt }) => others.add(attempt), {
      group: "one",
    });
    assert.deepEqual([...await others.until(1)], [2]);
  },
};
