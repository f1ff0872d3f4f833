import assert from "node:assert/strict";
import { gate, Recorder, rejectsWith, type Scenarios, soon } from "./support.ts";
import { InfrastructureError } from "../../../core/errors.ts";
import type { Message } from "../../../messaging/messaging.ts";

/** The end of a bus. */
export const closingScenarios: Scenarios = {
  "health resolves while the bus works": async (bus, channel) => {
    await bus.subscribe(channel, () => {});
    assert.equal(typeof await bus.health(), "object");
  },

  "a closed bus takes no more events and subscriptions": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    await bus.close();
    await rejectsWith(bus.publish(channel, 1), "closed");
    await rejectsWith(bus.publishMany([channel], 1), "closed");
    await rejectsWith(bus.subscribe(channel, received.add), "closed");
    await rejectsWith(bus.subscribeMany([channel], received.add), "closed");
    if (bus.capabilities.patterns) {
      await rejectsWith(bus.psubscribe(`${channel}:*`, received.add), "closed");
    }
    await rejectsWith(bus.health(), "closed");
    assert.deepEqual(received.values, []);
  },

  "close waits for the handlers under way and for what is queued": async (bus, channel) => {
    const begun = new Recorder<Message>();
    const done = gate();
    let closed = false;
    const subscription = await bus.subscribe(channel, async (message) => {
      begun.add(message);
      await done.opened;
    });
    for (let i = 0; i < 5; i++) await bus.publish(channel, i);
    await begun.until(1);
    const closing = bus.close().then(() => closed = true);
    await rejectsWith(bus.publish(channel, 5), "closed");
    assert.equal(closed, false);
    done.open();
    await closing;
    await soon(subscription.ended, () => "the end of the subscription");
    assert.deepEqual(begun.values.map((message) => message.payload), ["0", "1", "2", "3", "4"]);
  },

  "closing many times, also at the same time, closes once": async (bus, channel) => {
    await bus.subscribe(channel, () => {});
    await bus.publish(channel, 1);
    await Promise.all(Array.from({ length: 10 }, () => bus.close()));
    await bus.close();
    await bus[Symbol.asyncDispose]();
  },

  "an event that is published while the bus closes arrives or is refused": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    const calls = Array.from({ length: 20 }, async (_, i) => {
      for (let turn = 0; turn < i; turn++) await Promise.resolve();
      return await bus.publish(channel, i);
    });
    const [results] = await Promise.all([Promise.allSettled(calls), bus.close()]);
    const accepted: string[] = [];
    for (const result of results) {
      if (result.status === "fulfilled") accepted.push(result.value);
      else assert.equal((result.reason as InfrastructureError).code, "closed");
    }
    assert.deepEqual(received.values.map((message) => message.id), accepted);
  },

  "close stops waiting at its deadline, and the bus is closed all the same": async (
    bus,
    channel,
  ) => {
    const begun = new Recorder<AbortSignal>();
    const subscription = await bus.subscribe(channel, (_message, { signal }) => {
      begun.add(signal);
      return new Promise(() => {});
    });
    for (let i = 0; i < 3; i++) await bus.publish(channel, i);
    const [signal] = await begun.until(1) as [AbortSignal];
    await rejectsWith(bus.close({ timeoutMs: 20 }), "timeout");
    await rejectsWith(bus.close(), "timeout");
    assert.equal(signal.aborted, true);
    await soon(subscription.ended, () => "the end of the subscription");
    await rejectsWith(bus.publish(channel, 3), "closed");
    assert.equal(begun.values.length, 1);
  },

  "close stops waiting when its signal aborts": async (bus, channel) => {
    const begun = new Recorder<Message>();
    await bus.subscribe(channel, (message) => {
      begun.add(message);
      return new Promise(() => {});
    });
    await bus.publish(channel, 1);
    await begun.until(1);
    const controller = new AbortController();
    const closing = bus.close({ signal: controller.signal });
    controller.abort();
    await rejectsWith(closing, "aborted");
    await rejectsWith(bus.publish(channel, 2), "closed");
  },

  "a handler that awaits the end of its own bus waits for itself, until the deadline": async (
    bus,
    channel,
  ) => {
    const closed = new Recorder<unknown>();
    const subscription = await bus.subscribe(channel, async () => {
      closed.add(await bus.close({ timeoutMs: 20 }).catch((error: unknown) => error));
    });
    // Together, because the first may close the bus before the next.
    await Promise.all([0, 1, 2].map((i) => bus.publish(channel, i)));
    const [error] = await closed.until(1);
    assert.ok(error instanceof InfrastructureError);
    assert.equal(error.code, "timeout");
    await soon(subscription.ended, () => "the end of the subscription");
    assert.equal(closed.values.length, 1);
  },

  "a handler that starts to close its own bus and goes on is waited for": async (bus, channel) => {
    const handled = new Recorder<string>();
    const closing = new Recorder<Promise<void>>();
    await bus.subscribe(channel, async ({ payload }) => {
      closing.add(bus.close());
      await Promise.resolve();
      handled.add(payload);
    });
    await Promise.all([0, 1, 2].map((i) => bus.publish(channel, i)));
    const [closed] = await closing.until(1);
    await closed;
    assert.deepEqual(handled.values, ["0", "1", "2"]);
  },
};
