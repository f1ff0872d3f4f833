import assert from "node:assert/strict";
import { closeQuietly, gate, Recorder, rejectsWith, type Scenarios, soon } from "./support.ts";
import type { Message } from "../../../messaging/messaging.ts";

/** How subscriptions end. */
export const unsubscribingScenarios: Scenarios = {
  "after unsubscribe nothing comes, and others go on": async (bus, channel) => {
    const [left, stayed] = [new Recorder<Message>(), new Recorder<Message>()];
    const subscription = await bus.subscribe(channel, left.add);
    await bus.subscribe(channel, stayed.add);
    await bus.publish(channel, 1);
    await Promise.all([left.until(1), stayed.until(1)]);
    await subscription.unsubscribe();
    await subscription.unsubscribe();
    await subscription[Symbol.asyncDispose]();
    await bus.publish(channel, 2);
    await closeQuietly(bus);
    assert.deepEqual(left.values.map((message) => message.payload), ["1"]);
    assert.deepEqual(stayed.values.map((message) => message.payload), ["1", "2"]);
  },

  "a new subscription to a channel works after the last one has ended": async (bus, channel) => {
    const received = new Recorder<Message>();
    for (let i = 0; i < 3; i++) {
      const subscription = await bus.subscribe(channel, received.add);
      await bus.publish(channel, i);
      await received.until(i + 1);
      await subscription.unsubscribe();
    }
    await closeQuietly(bus);
    assert.deepEqual(received.values.map((message) => message.payload), ["0", "1", "2"]);
  },

  "a handler may unsubscribe and wait for it; what was queued is dropped": async (bus, channel) => {
    const received = new Recorder<Message>();
    const subscription = await bus.subscribe(channel, async (message) => {
      await subscription.unsubscribe();
      received.add(message);
    });
    for (let i = 0; i < 5; i++) await bus.publish(channel, i);
    await closeQuietly(bus);
    assert.deepEqual(received.values.map((message) => message.payload), ["0"]);
  },

  "unsubscribe does not wait for the handler, and ended does": async (bus, channel) => {
    const begun = new Recorder<Message>();
    const done = gate();
    let ended = false;
    const subscription = await bus.subscribe(channel, async (message) => {
      begun.add(message);
      await done.opened;
    });
    const ending = subscription.ended.then(() => ended = true);
    await bus.publish(channel, 1);
    await begun.until(1);
    await subscription.unsubscribe();
    assert.equal(ended, false);
    done.open();
    await soon(ending, () => "the end of the subscription");
  },

  "an unsubscribe whose signal is aborted does nothing": async (bus, channel) => {
    const received = new Recorder<Message>();
    const subscription = await bus.subscribe(channel, received.add);
    await rejectsWith(subscription.unsubscribe({ signal: AbortSignal.abort() }), "aborted");
    await bus.publish(channel, 1);
    await received.until(1);
  },
};
