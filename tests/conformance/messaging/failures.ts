import assert from "node:assert/strict";
import type { DeliveryProblem, Message, MessageHandler } from "../../../messaging/messaging.ts";
import { closeQuietly, gate, Recorder, type Scenarios, soon } from "./support.ts";
import { MessagingError } from "../../../core/errors.ts";

const failure = new Error("the handler failed");

/** What a handler, also one of problems, can do wrong. */
const BAD_HANDLERS: readonly (() => unknown)[] = [
  () => {
    throw failure;
  },
  () => Promise.reject(failure),
  () => new Promise(() => {}),
  () => ({
    then: () => {
      throw failure;
    },
  }),
];

/** What the failure of a handler does, and what it does not. */
export const failureScenarios: Scenarios = {
  "a handler that throws, rejects or never settles harms no other": async (bus, channel) => {
    const received = new Recorder<Message>();
    for (const handler of BAD_HANDLERS) {
      await bus.subscribe(channel, handler, { handlerTimeoutMs: 20 });
    }
    await bus.subscribe(channel, received.add);
    for (const handler of BAD_HANDLERS) {
      await bus.subscribe(channel, handler, { handlerTimeoutMs: 20 });
    }
    for (let i = 0; i < 20; i++) await bus.publish(channel, i);
    const messages = await received.until(20);
    assert.deepEqual(messages.map((m) => Number(m.payload)), messages.map((_, i) => i));
  },

  "a handler that takes too long is told so and reported": async (bus, channel) => {
    const problems = new Recorder<DeliveryProblem>();
    const reasons = new Recorder<unknown>();
    await bus.subscribe(channel, (_message, { signal }) => {
      assert.equal(signal.aborted, false);
      signal.addEventListener("abort", () => reasons.add(signal.reason));
      return new Promise(() => {});
    }, { handlerTimeoutMs: 10, onProblem: problems.add });
    const id = await bus.publish(channel, 1);
    const [problem] = await problems.until(1) as [DeliveryProblem];
    assert.ok(problem.kind === "handler_failed");
    assert.equal(problem.message.id, id);
    assert.ok(problem.error instanceof MessagingError);
    assert.equal(problem.error.code, "timeout");
    assert.deepEqual(reasons.values, [problem.error]);
  },

  "a problem handler that throws or rejects harms nobody": async (bus, channel) => {
    const received = new Recorder<Message>();
    const handler: MessageHandler = (message) => {
      received.add(message);
      throw failure;
    };
    for (const onProblem of BAD_HANDLERS) await bus.subscribe(channel, handler, { onProblem });
    for (let i = 0; i < 3; i++) await bus.publish(channel, i);
    await received.until(3 * BAD_HANDLERS.length);
  },
};

/** What is lost. */
export const atMostOnceScenarios: Scenarios = {
  "an event that nobody is subscribed to is gone": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.publish(channel, "early");
    await bus.subscribe(channel, received.add);
    await bus.publish(channel, "late");
    await closeQuietly(bus);
    assert.deepEqual(received.values.map((message) => message.payload), ['"late"']);
  },

  "a message whose handler fails is reported and does not come again; the next one comes": async (
    bus,
    channel,
  ) => {
    const recorders: Recorder<Message>[] = [];
    for (const [index, handler] of BAD_HANDLERS.entries()) {
      const received = new Recorder<Message>();
      recorders.push(received);
      const problems = new Recorder<DeliveryProblem>();
      await bus.subscribe(`${channel}:${index}`, (message) => {
        received.add(message);
        return handler();
      }, { handlerTimeoutMs: 10, onProblem: problems.add });
      for (let i = 0; i < 3; i++) await bus.publish(`${channel}:${index}`, i);
      await problems.until(3);
      assert.deepEqual(
        problems.values.map((problem) => problem.kind === "handler_failed" && problem.message),
        received.values,
      );
    }
    await closeQuietly(bus);
    for (const { values } of recorders) {
      assert.deepEqual(values.map((message) => message.payload), ["0", "1", "2"]);
    }
  },

  "what does not fit into the queue is lost, and reported where it is missing": async (
    bus,
    channel,
  ) => {
    const events = new Recorder<string>();
    const gates = [gate(), gate()];
    await bus.subscribe(channel, async (message) => {
      events.add(message.payload);
      await gates[Number(message.payload)]?.opened;
    }, {
      maxQueued: 2,
      onProblem: (problem) => events.add(problem.kind === "gap" ? `lost ${problem.lost}` : "other"),
    });
    await bus.publish(channel, 0);
    await events.until(1);
    for (const i of [1, 2, 3, 4, 5]) await bus.publish(channel, i);
    // Where events are on the way for a while, this one is the first to say that all have arrived.
    const last = gate();
    await bus.subscribe(channel, ({ payload }) => payload === "6" && last.open());
    await bus.publish(channel, 6);
    await soon(last.opened, () => "the last event");
    gates[0]?.open();
    gates[1]?.open();
    await events.until(4);
    await bus.publish(channel, 7);
    assert.deepEqual(await events.until(5), ["0", "1", "2", "lost 4", "7"]);
  },
};
