import assert from "node:assert/strict";
import type { Message } from "../../../messaging/messaging.ts";
import { Recorder, rejectsWith, soon, uniqueChannel } from "../messaging/support.ts";
import { bytesOf, type StreamScenarios } from "./harness.ts";

const ATTRIBUTES = {
  id: "event-1",
  type: "BenchmarkCreated",
  source: "/tests",
  time: "2026-11-22T10:00:00.123456Z",
  correlationId: "request-1",
  partitionKey: "bench-1",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  tracestate: "vendor=1",
  headers: { tenant: 'a "quoted" value, with = and \\' },
};

/** What happens to what is published. */
export const publishingScenarios: StreamScenarios = {
  "a message carries the channel and every attribute of its event": async ({ bus, channel }) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add, { group: "one" });
    assert.equal(await bus.publish(channel, { name: "größer" }, ATTRIBUTES), "event-1");
    const [message] = await received.until(1);
    const { channel: arrivedOn, payload, deserialize: _, ...rest } = message as Message;
    assert.deepEqual([arrivedOn, payload], [channel, '{"name":"größer"}']);
    assert.deepEqual(rest, ATTRIBUTES);
  },

  "publishMany publishes one event to each channel, once": async ({ bus, channel }) => {
    const received = new Recorder<string>();
    const channels = [channel, uniqueChannel()];
    for (const one of channels) {
      await bus.subscribe(one, (message) => received.add(`${message.channel} ${message.id}`), {
        group: "one",
      });
    }
    const id = await bus.publishMany([...channels, channel], "x");
    await received.until(2);
    assert.deepEqual([...received.values].sort(), channels.map((one) => `${one} ${id}`).sort());
  },

  "what happens to the object after publish reaches nobody": async ({ bus, channel }) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add, { group: "one" });
    const payload = { name: "before" };
    const published = bus.publish(channel, payload);
    payload.name = "after";
    await published;
    assert.equal((await received.until(1))[0]?.payload, '{"name":"before"}');
  },

  "the largest payload arrives, and one byte more is refused": async ({ bus, channel }) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add, { group: "one" });
    const largest = "x".repeat(bus.capabilities.maxPayloadBytes - 2);
    await rejectsWith(bus.publish(channel, `${largest}x`), "invalid_input", "payload");
    await bus.publish(channel, largest);
    const [message] = await received.until(1);
    assert.equal(message?.payload.length, bus.capabilities.maxPayloadBytes);
  },

  "what JSON cannot hold, and a malformed channel or attribute, is refused": async ({
    bus,
    channel,
  }) => {
    await bus.reader(channel, { group: "one" });
    const evil = JSON.parse('{"__proto__":{"admin":true}}');
    for (const payload of [undefined, { score: NaN }, { name: "nul \0" }, evil, new Map()]) {
      await rejectsWith(bus.publish(channel, payload), "invalid_input");
    }
    for (const bad of ["", "two words", "events:*", "events>", "a\r\nb", "a::b", "größe"]) {
      await rejectsWith(bus.publish(bad, 1), "invalid_input", "channel");
      await rejectsWith(bus.publishMany([channel, bad], 1), "invalid_input", "channels[1]");
      await rejectsWith(bus.subscribe(bad, () => {}, { group: "one" }), "invalid_input", "channel");
      await rejectsWith(bus.reader(bad, { group: "one" }), "invalid_input", "channel");
    }
    const headers = { tenant: "a\r\nevil: 1" };
    await rejectsWith(bus.publish(channel, 1, { headers }), "invalid_input", "headers.tenant");
    await rejectsWith(bus.publish(channel, 1, { id: "" }), "invalid_input", "id");
    assert.equal((await bus.pending(channel, "one")).lag ?? 0, 0);
  },

  "with many publishers nothing is lost or doubled, and each one's order holds": async ({
    bus,
    channel,
    another,
  }) => {
    const received = new Recorder<string>();
    await bus.subscribe(channel, ({ payload }) => received.add(payload), { group: "one" });
    const publishers = await Promise.all([another(), another(), another()]);
    await Promise.all(publishers.map(async (publisher, index) => {
      await Promise.all(
        Array.from({ length: 300 }, (_, i) => publisher.publish(channel, [index, i])),
      );
    }));
    await received.until(900);
    assert.equal(new Set(received.values).size, 900);
    for (const index of [0, 1, 2]) {
      const own = received.values.map((text) => JSON.parse(text)).filter(([one]) => one === index);
      assert.deepEqual(own.map(([, i]) => i), own.map((_, i) => i));
    }
  },

  "what is no event is buried at once with its bytes, and the next message comes": async ({
    bus,
    channel,
    harness,
  }) => {
    const received = new Recorder<Message>();
    const problems = new Recorder<string>();
    await bus.subscribe(channel, received.add, {
      group: "one",
      onProblem: (problem) => problems.add(problem.kind),
    });
    const proto = '{"specversion":"1.0","id":"1","type":"t","source":"s",' +
      '"time":"2026-11-22T10:00:00Z","data":{"__proto__":{"admin":true}}}';
    const garbage = [
      bytesOf("not JSON"),
      Uint8Array.of(0, 255, 254, 13, 10),
      bytesOf("{}"),
      bytesOf(proto),
      bytesOf(proto.replace("1.0", "2.0")),
    ];
    for (const bytes of garbage) await harness.publishRaw(channel, bytes);
    await bus.publish(channel, "good");
    await received.until(1);
    await problems.until(garbage.length);
    assert.deepEqual([...new Set(problems.values)], ["buried"]);
    const letters = await bus.deadLetters(channel, "one");
    assert.deepEqual(letters.map(({ reason, attempts }) => [reason, attempts]), [
      ...garbage.map(() => ["undecodable", 1]),
    ]);
    assert.deepEqual(letters.map(({ bytes }) => [...bytes]), garbage.map((bytes) => [...bytes]));
  },

  "a call whose signal is aborted does nothing, and a bad deadline is refused": async ({
    bus,
    channel,
  }) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add, { group: "one" });
    const signal = AbortSignal.abort();
    await rejectsWith(bus.publish(channel, 1, { signal }), "aborted");
    await rejectsWith(bus.subscribe(channel, () => {}, { group: "one", signal }), "aborted");
    await rejectsWith(bus.reader(channel, { group: "one", signal }), "aborted");
    await rejectsWith(bus.publish(channel, 1, { timeoutMs: 0 }), "invalid_input", "timeoutMs");
    await bus.publish(channel, "last");
    assert.deepEqual((await received.until(1)).map(({ payload }) => payload), ['"last"']);
  },

  "a closed bus takes no more calls, and closing many times closes once": async ({
    bus,
    channel,
  }) => {
    const subscription = await bus.subscribe(channel, () => {}, { group: "one" });
    const reader = await bus.reader(channel, { group: "one" });
    await Promise.all(Array.from({ length: 5 }, () => bus.close()));
    await bus[Symbol.asyncDispose]();
    await soon(subscription.ended, () => "the end of the subscription");
    await rejectsWith(bus.publish(channel, 1), "closed");
    await rejectsWith(bus.publishMany([channel], 1), "closed");
    await rejectsWith(bus.subscribe(channel, () => {}, { group: "one" }), "closed");
    await rejectsWith(bus.reader(channel, { group: "one" }), "closed");
    await rejectsWith(bus.pending(channel, "one"), "closed");
    await rejectsWith(bus.health(), "closed");
    await rejectsWith(reader.read(), "closed");
  },

  "health resolves while the bus works": async ({ bus, channel }) => {
    await bus.subscribe(channel, () => {}, { group: "one" });
    assert.equal((await bus.health())["subscriptions"], 1);
  },
};
