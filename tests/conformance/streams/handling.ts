import assert from "node:assert/strict";
import type { StreamContext, StreamProblem } from "../../../messaging/streams.ts";
import { gate, Recorder, soon } from "../messaging/support.ts";
import { kindOfProblem, QUICK, type StreamScenarios, untilSo } from "./harness.ts";

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

/** How handlers are called, and what follows from what they do. */
export const handlingScenarios: StreamScenarios = {
  "a handler is told how often, and where the message is": async ({ bus, channel }) => {
    const contexts = new Recorder<StreamContext>();
    await bus.subscribe(channel, (_message, context) => {
      contexts.add(context);
      if (context.attempt < 3) throw failure;
    }, { group: "one", ...QUICK });
    await bus.publish(channel, 1);
    const [first, second, third] = await contexts.until(3);
    assert.deepEqual([first?.attempt, second?.attempt, third?.attempt], [1, 2, 3]);
    assert.equal(new Set(contexts.values.map(({ position }) => position)).size, 1);
    assert.equal(first?.signal.aborted, false);
  },

  "a message is acknowledged when its handler is done, and not before": async ({
    bus,
    channel,
  }) => {
    const begun = new Recorder<string>();
    const done = gate();
    await bus.subscribe(channel, async ({ payload }) => {
      begun.add(payload);
      await done.opened;
    }, { group: "one" });
    await bus.publish(channel, 1);
    await begun.until(1);
    assert.equal((await bus.pending(channel, "one")).pending, 1);
    done.open();
    await untilSo("it is acknowledged", async () => {
      return (await bus.pending(channel, "one")).pending === 0;
    });
  },

  "a message whose handler throws, rejects or takes too long is tried again, then buried": async ({
    bus,
    channel,
  }) => {
    for (const [index, handler] of BAD_HANDLERS.entries()) {
      const own = `${channel}:${index}`;
      const problems = new Recorder<StreamProblem>();
      await bus.subscribe(own, handler, {
        group: "one",
        maxAttempts: 3,
        handlerTimeoutMs: 20,
        onProblem: problems.add,
        ...QUICK,
      });
      const id = await bus.publish(own, { name: "x" });
      await problems.until(4);
      assert.deepEqual(problems.values.map(kindOfProblem), [
        "handler_failed",
        "handler_failed",
        "handler_failed",
        "buried handler_failed 3",
      ]);
      const [letter] = await bus.deadLetters(own, "one");
      assert.deepEqual([letter?.reason, letter?.attempts, letter?.channel, letter?.group], [
        "handler_failed",
        3,
        own,
        "one",
      ]);
      assert.match(letter?.error ?? "", /the handler failed|not done within 20 ms/);
      assert.equal(letter?.decode().id, id);
      assert.ok(letter && Math.abs(letter.buriedAt.getTime() - Date.now()) < 60_000);
      assert.equal((await bus.pending(own, "one")).pending, 0);
    }
  },

  "a handler that takes too long is told so": async ({ bus, channel }) => {
    const reasons = new Recorder<unknown>();
    const problems = new Recorder<StreamProblem>();
    await bus.subscribe(channel, (_message, { signal }) => {
      signal.addEventListener("abort", () => reasons.add(signal.reason));
      return new Promise(() => {});
    }, { group: "one", handlerTimeoutMs: 20, maxAttempts: 1, onProblem: problems.add });
    await bus.publish(channel, 1);
    const [problem] = await problems.until(2);
    assert.ok(problem?.kind === "handler_failed");
    assert.deepEqual([...await reasons.until(1)], [problem.error]);
  },

  "messages of one key keep their order, one that is tried again holds back only those": async ({
    bus,
    channel,
  }) => {
    const handled = new Recorder<string>();
    const again = gate();
    let failures = 0;
    await bus.subscribe(channel, ({ payload }) => {
      const name = JSON.parse(payload);
      if (name === "a1" && failures++ < 2) throw failure;
      handled.add(name);
      if (handled.values.length === 4) again.open();
    }, { group: "one", concurrency: 10, backoff: { baseMs: 200, maxMs: 200 } });
    for (const name of ["a1", "a2", "b1", "a3", "b2"]) {
      await bus.publish(channel, name, { partitionKey: name[0] });
    }
    await bus.publish(channel, "none");
    await handled.until(6);
    const of = (key: string): string[] => handled.values.filter((name) => name[0] === key);
    assert.deepEqual([of("a"), of("b")], [["a1", "a2", "a3"], ["b1", "b2"]]);
  },

  "messages of one key are handled one after the other, those of others at the same time": async ({
    bus,
    channel,
  }) => {
    const running = new Set<string>();
    const handled = new Recorder<string>();
    let most = 0;
    const full = gate();
    await bus.subscribe(channel, async ({ payload, partitionKey = "" }) => {
      assert.equal(running.has(partitionKey), false, `two of ${partitionKey} at once`);
      running.add(partitionKey);
      most = Math.max(most, running.size);
      if (running.size === 3) full.open();
      await full.opened;
      running.delete(partitionKey);
      handled.add(payload);
    }, { group: "one", concurrency: 3 });
    for (let i = 0; i < 30; i++) await bus.publish(channel, i, { partitionKey: `key-${i % 5}` });
    await handled.until(30);
    assert.equal(most, 3);
    for (let key = 0; key < 5; key++) {
      const own = handled.values.map(Number).filter((i) => i % 5 === key);
      assert.deepEqual(own, [...own].sort((a, b) => a - b));
    }
  },

  "messages without a key begin in order": async ({ bus, channel }) => {
    const begun = new Recorder<number>();
    await bus.subscribe(channel, ({ payload }) => begun.add(Number(payload)), { group: "one" });
    await Promise.all(Array.from({ length: 200 }, (_, i) => bus.publish(channel, i)));
    await begun.until(200);
    assert.deepEqual(begun.values, Array.from({ length: 200 }, (_, i) => i));
  },

  "no more is read ahead than the subscription may hold": async ({ bus, channel, another }) => {
    const done = gate();
    const begun = new Recorder<string>();
    await bus.subscribe(channel, async ({ payload }) => {
      begun.add(payload);
      await done.opened;
    }, { group: "one", maxInFlight: 5 });
    for (let i = 0; i < 20; i++) await bus.publish(channel, i);
    await begun.until(1);
    const others = new Recorder<string>();
    const other = await another();
    await other.subscribe(channel, ({ payload }) => others.add(payload), { group: "one" });
    await others.until(15);
    await untilSo("five are held", async () => {
      return (await bus.pending(channel, "one")).pending === 5;
    });
    done.open();
    await begun.until(5);
    assert.equal(new Set([...begun.values, ...others.values]).size, 20);
  },

  "no handler notices what another one does, nor what a problem handler does": async ({
    bus,
    channel,
  }) => {
    const received = new Recorder<string>();
    for (const [index, handler] of BAD_HANDLERS.entries()) {
      await bus.subscribe(channel, handler, {
        group: `bad-${index}`,
        handlerTimeoutMs: 20,
        maxAttempts: 2,
        onProblem: BAD_HANDLERS[index] as () => unknown,
        ...QUICK,
      });
    }
    await bus.subscribe(channel, ({ payload }) => received.add(payload), { group: "good" });
    for (let i = 0; i < 10; i++) await bus.publish(channel, i);
    await received.until(10);
    for (const index of BAD_HANDLERS.keys()) {
      await untilSo("all are buried", async () => {
        return (await bus.pending(channel, `bad-${index}`)).deadLetters === 10;
      });
    }
  },

  "a handler may publish, also to its own channel, and unsubscribe": async ({ bus, channel }) => {
    const received = new Recorder<string>();
    const ended = new Recorder<void>();
    const subscription = await bus.subscribe(channel, async ({ payload }) => {
      received.add(payload);
      if (Number(payload) < 3) await bus.publish(channel, Number(payload) + 1);
      else await subscription.unsubscribe().then(ended.add);
    }, { group: "one" });
    await bus.publish(channel, 1);
    await ended.until(1);
    await soon(subscription.ended, () => "the end of the subscription");
    assert.deepEqual(received.values, ["1", "2", "3"]);
    assert.equal((await bus.pending(channel, "one")).pending, 0);
  },
};
