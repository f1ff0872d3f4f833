import assert from "node:assert/strict";
import { closeQuietly, gate, Recorder, rejectsWith, type Scenarios } from "./support.ts";
import type { Message, SubscribeOptions } from "../../../messaging/messaging.ts";

const REFUSED_OPTIONS: readonly (readonly [Record<string, unknown>, string])[] = [
  [{ concurrency: 0 }, "concurrency"],
  [{ concurrency: 1.5 }, "concurrency"],
  [{ concurrency: 1_001 }, "concurrency"],
  [{ maxQueued: 0 }, "maxQueued"],
  [{ maxQueued: 100_001 }, "maxQueued"],
  [{ handlerTimeoutMs: 0 }, "handlerTimeoutMs"],
  [{ handlerTimeoutMs: "1" }, "handlerTimeoutMs"],
];

/** How messages reach subscriptions. */
export const subscribingScenarios: Scenarios = {
  "an event that is published after subscribe has resolved arrives": async (bus, channel) => {
    for (let i = 0; i < 20; i++) {
      const received = new Recorder<Message>();
      await bus.subscribe(`${channel}:${i}`, received.add);
      await bus.publish(`${channel}:${i}`, i);
      assert.equal((await received.until(1))[0]?.payload, String(i));
    }
  },

  "each subscription gets every event by itself": async (bus, channel) => {
    const recorders = Array.from({ length: 20 }, () => new Recorder<Message>());
    await Promise.all(recorders.map((recorder) => bus.subscribe(channel, recorder.add)));
    const ids: string[] = [];
    for (let i = 0; i < 50; i++) ids.push(await bus.publish(channel, i));
    for (const recorder of recorders) {
      const messages = await recorder.until(50);
      assert.deepEqual(messages.map((message) => message.id), ids);
    }
  },

  "a subscription gets only the events of its channel": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    await bus.publish(`${channel}:1`, 1);
    await bus.publish(`${channel}1`, 1);
    await bus.publish(channel.toUpperCase(), 1);
    await bus.publish(channel, 2);
    await closeQuietly(bus);
    assert.deepEqual(received.values.map((message) => message.payload), ["2"]);
  },

  "subscribeMany gets the events of every channel, once": async (bus, channel) => {
    const received = new Recorder<Message>();
    const other = `${channel}:other`;
    await bus.subscribeMany([channel, other, channel], received.add);
    await bus.publish(channel, 1);
    await bus.publish(other, 2);
    await closeQuietly(bus);
    assert.deepEqual(received.values.map((m) => m.channel).sort(), [channel, other]);
  },

  "a malformed handler or option is refused": async (bus, channel) => {
    for (const [options, field] of REFUSED_OPTIONS) {
      const call = bus.subscribe(channel, () => {}, options as SubscribeOptions);
      await rejectsWith(call, "invalid_input", field);
    }
    await rejectsWith(bus.subscribe(channel, "handler" as never), "invalid_input", "handler");
  },

  "events come in the order of the calls to publish": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, async (message) => {
      // Later messages are quicker, so an order that depends on the handler would show.
      for (let i = Number(message.payload) % 7; i < 7; i++) await Promise.resolve();
      received.add(message);
    });
    const calls = Array.from({ length: 1_000 }, (_, i) => bus.publish(channel, i));
    const ids = await Promise.all(calls);
    const messages = await received.until(1_000);
    assert.deepEqual(messages.map((message) => message.id), ids);
    assert.deepEqual(messages.map((message) => Number(message.payload)), ids.map((_, i) => i));
  },

  "with many publishers nothing is lost or doubled, and each one's order holds": async (
    bus,
    channel,
  ) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    const publish = async (publisher: number): Promise<void> => {
      for (let i = 0; i < 50; i++) await bus.publish(channel, { publisher, i });
    };
    await Promise.all(Array.from({ length: 10 }, (_, publisher) => publish(publisher)));
    await received.until(500);
    await closeQuietly(bus);
    assert.equal(new Set(received.values.map((message) => message.id)).size, 500);
    const events = received.values.map((message) => JSON.parse(message.payload));
    for (let publisher = 0; publisher < 10; publisher++) {
      const own = events.filter((event) => event.publisher === publisher).map((event) => event.i);
      assert.deepEqual(own, Array.from({ length: 50 }, (_, i) => i));
    }
  },

  "a handler is never called from inside publish": async (bus, channel) => {
    const received = new Recorder<string>();
    await bus.subscribe(channel, () => received.add("handler"));
    const call = bus.publish(channel, 1);
    received.add("publish");
    await call;
    assert.deepEqual(await received.until(2), ["publish", "handler"]);
  },

  "the next message waits until the handler is done": async (bus, channel) => {
    const steps = new Recorder<string>();
    const gates = [gate(), gate()];
    await bus.subscribe(channel, async (message) => {
      steps.add(`begin ${message.payload}`);
      await gates[Number(message.payload)]?.opened;
      steps.add(`end ${message.payload}`);
    });
    for (let i = 0; i < 3; i++) await bus.publish(channel, i);
    await steps.until(1);
    gates[0]?.open();
    await steps.until(3);
    gates[1]?.open();
    assert.deepEqual(await steps.until(6), [
      "begin 0",
      "end 0",
      "begin 1",
      "end 1",
      "begin 2",
      "end 2",
    ]);
  },

  "a handler takes as many messages at the same time as it says": async (bus, channel) => {
    const begun = new Recorder<Message>();
    const done = gate();
    let running = 0;
    let most = 0;
    await bus.subscribe(channel, async (message) => {
      most = Math.max(most, ++running);
      begun.add(message);
      await done.opened;
      running--;
    }, { concurrency: 3 });
    for (let i = 0; i < 10; i++) await bus.publish(channel, i);
    await begun.until(3);
    done.open();
    await begun.until(10);
    assert.equal(most, 3);
  },

  "a handler may publish, also to its own channel": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, async (message) => {
      received.add(message);
      const next = Number(message.payload) + 1;
      if (next < 200) await bus.publish(channel, next);
    });
    await bus.publish(channel, 0);
    const messages = await received.until(200);
    assert.deepEqual(messages.map((m) => Number(m.payload)), messages.map((_, i) => i));
  },
};
