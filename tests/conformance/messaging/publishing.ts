import assert from "node:assert/strict";
import type { Message, PublishOptions } from "../../../messaging/messaging.ts";
import { closeQuietly, Recorder, rejectsWith, type Scenarios } from "./support.ts";
import { SerializationError } from "../../../core/errors.ts";
import { type UserEvent, userEventSchema } from "../../../domain/events.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const ATTRIBUTES: PublishOptions = {
  id: "event-1",
  type: "BenchmarkCreated",
  source: "/tests",
  time: "2026-11-22T10:00:00.123456Z",
  correlationId: "request-1",
  partitionKey: "bench-1",
  traceparent: TRACEPARENT,
  tracestate: "vendor=1",
  headers: { tenant: 'a "quoted" value, with = and \\', attempt: "3" },
};

const PAYLOADS: readonly unknown[] = [
  null,
  true,
  0,
  -1.5e300,
  "",
  "text",
  [],
  {},
  { text: 'größer 評価 🏁 \u2028 \u0007 "quoted" \\ </script>' },
  { constructor: 1, toString: "own", hasOwnProperty: null, "": "empty key", "a:*b": [[], [{}]] },
];

const REFUSED_PAYLOADS: readonly (readonly [unknown, string])[] = [
  [undefined, "payload"],
  [() => {}, "payload"],
  [Symbol("s"), "payload"],
  [10n, "payload"],
  [{ score: NaN }, "payload.score"],
  [{ score: [1, -Infinity] }, "payload.score[1]"],
  [{ name: "nul \0" }, "payload.name"],
  [{ name: "lone \ud800" }, "payload.name"],
  [JSON.parse('{"nested":{"__proto__":{"admin":true}}}'), "payload.nested"],
  [new Map([["a", 1]]), "payload"],
  [new Uint8Array(2), "payload"],
];

const REFUSED_ATTRIBUTES: readonly (readonly [Record<string, unknown>, string])[] = [
  [{ id: "" }, "id"],
  [{ id: "x".repeat(201) }, "id"],
  [{ id: 7 }, "id"],
  [{ type: "line\nbreak" }, "type"],
  [{ source: "größer" }, "source"],
  [{ time: "yesterday" }, "time"],
  [{ time: "2026-13-01T00:00:00Z" }, "time"],
  [{ correlationId: "" }, "correlationId"],
  [{ partitionKey: "line\nbreak" }, "partitionKey"],
  [{ traceparent: "00-abc" }, "traceparent"],
  [{ traceparent: TRACEPARENT.replace(/^00/, "ff") }, "traceparent"],
  [{ tracestate: "vendor=1" }, "tracestate"],
  [{ headers: { tenant: "a\r\nevil: 1" } }, "headers.tenant"],
  [{ headers: { tenant: 1 } }, "headers.tenant"],
  [{ headers: { tenant: "x".repeat(501) } }, "headers.tenant"],
  [{ headers: { "evil\r\nname": "1" } }, "headers"],
  [{ headers: { Upper: "1" } }, "headers"],
  [{ headers: JSON.parse('{"__proto__":"1"}') }, "headers"],
  [{ headers: { specversion: "2.0" } }, "headers.specversion"],
  [{ headers: { data: "1" } }, "headers.data"],
  [{ headers: { partitionkey: "1" } }, "headers.partitionkey"],
  [
    { headers: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`h${i}`, "1"])) },
    "headers",
  ],
  [{ headers: "tenant" }, "headers"],
];

/** What a bus does with what is published. */
export const publishingScenarios: Scenarios = {
  "a message carries the channel and every attribute of its event": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    assert.equal(await bus.publish(channel, { name: "x" }, ATTRIBUTES), "event-1");
    const [message] = await received.until(1);
    const { channel: arrivedOn, payload, deserialize: _, ...rest } = message as Message;
    assert.equal(arrivedOn, channel);
    assert.equal(payload, '{"name":"x"}');
    assert.deepEqual(rest, ATTRIBUTES);
  },

  "the attributes that nobody gave have their defaults": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    const startMs = Date.now();
    const id = await bus.publish(channel, { type: "Created" });
    await bus.publish(channel, ["no type"]);
    const [typed, untyped] = await received.until(2) as [Message, Message];
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(typed.id, id);
    assert.notEqual(untyped.id, id);
    assert.equal(typed.type, "Created");
    assert.equal(untyped.type, channel);
    assert.ok(typed.source.length > 0);
    assert.ok(Math.abs(Date.parse(typed.time) - startMs) < 10_000, typed.time);
    assert.deepEqual(typed.headers, {});
    assert.equal(typed.traceparent, undefined);
  },

  "publishMany publishes one event to each channel, once": async (bus, channel) => {
    const other = `${channel}:other`;
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    await bus.subscribe(other, received.add);
    const id = await bus.publishMany([channel, other, channel], "x");
    await received.until(2);
    await closeQuietly(bus);
    assert.deepEqual(received.values.map((message) => message.channel).sort(), [channel, other]);
    assert.deepEqual(received.values.map((message) => message.id), [id, id]);
  },

  "a payload arrives as the same JSON": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    for (const payload of PAYLOADS) await bus.publish(channel, payload);
    const messages = await received.until(PAYLOADS.length);
    assert.deepEqual(messages.map((message) => JSON.parse(message.payload)), PAYLOADS);
    assert.deepEqual(
      messages.map((message) => message.payload),
      PAYLOADS.map((payload) => JSON.stringify(payload)),
    );
  },

  "what happens to the object after publish reaches nobody": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    const event = { tags: ["code"] };
    const published = bus.publish(channel, event);
    event.tags.push("changed");
    await published;
    const [message] = await received.until(1);
    assert.equal(message?.payload, '{"tags":["code"]}');
  },

  "no handler shares a value with another": async (bus, channel) => {
    const event: UserEvent = { type: "ProfileUpdated", userId: "u", changedFields: ["name"] };
    const received = new Recorder<UserEvent>();
    const changing = (message: Message): void => {
      Object.assign(message.deserialize(userEventSchema), { userId: "changed" });
      received.add(message.deserialize(userEventSchema));
    };
    await bus.subscribe(channel, changing);
    await bus.subscribe(channel, changing);
    await bus.publish(channel, event);
    assert.deepEqual(await received.until(2), [event, event]);
  },

  "deserialize says which member does not fit, without its value": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    await bus.publish(channel, { type: "Created", userId: 4711, username: "u", role: "admin" });
    const [message] = await received.until(1) as [Message];
    assert.throws(() => message.deserialize(userEventSchema), (error: unknown) => {
      assert.ok(error instanceof SerializationError);
      assert.equal(error.code, "serialization_failed");
      assert.match(error.message, /payload\.userId/);
      assert.doesNotMatch(error.message, /4711/);
      return true;
    });
  },

  "the largest payload arrives, and one byte more is refused": async (bus, channel) => {
    const { maxPayloadBytes } = bus.capabilities;
    const largest = "é".repeat(Math.floor((maxPayloadBytes - 2) / 2)) +
      "x".repeat(maxPayloadBytes % 2);
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    await rejectsWith(bus.publish(channel, `${largest}x`), "invalid_input", "payload");
    await bus.publish(channel, largest);
    const [message] = await received.until(1);
    assert.equal(JSON.parse(message?.payload ?? ""), largest);
  },

  "a payload that JSON cannot hold unchanged is refused": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    for (const [payload, field] of REFUSED_PAYLOADS) {
      await rejectsWith(bus.publish(channel, payload), "invalid_input", field);
    }
    await closeQuietly(bus);
    assert.deepEqual(received.values, []);
  },

  "a malformed attribute is refused": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.subscribe(channel, received.add);
    for (const [attribute, field] of REFUSED_ATTRIBUTES) {
      const call = bus.publish(channel, {}, attribute as PublishOptions);
      await rejectsWith(call, "invalid_input", field);
    }
    await closeQuietly(bus);
    assert.deepEqual(received.values, []);
  },

  "a call whose signal is aborted does nothing": async (bus, channel) => {
    const received = new Recorder<Message>();
    const signal = AbortSignal.abort();
    await bus.subscribe(channel, received.add);
    await rejectsWith(bus.publish(channel, 1, { signal }), "aborted");
    await rejectsWith(bus.publishMany([channel], 1, { signal }), "aborted");
    await rejectsWith(bus.subscribe(channel, received.add, { signal }), "aborted");
    await rejectsWith(bus.subscribeMany([channel], received.add, { signal }), "aborted");
    await rejectsWith(bus.health({ signal }), "aborted");
    await bus.publish(channel, 2);
    await closeQuietly(bus);
    assert.deepEqual(received.values.map((message) => message.payload), ["2"]);
  },

  "a timeout that is not a number above 0, and a signal that cannot abort, are refused": async (
    bus,
    channel,
  ) => {
    for (const timeoutMs of [0, -1, NaN, Infinity]) {
      await rejectsWith(bus.publish(channel, 1, { timeoutMs }), "invalid_input", "timeoutMs");
      await rejectsWith(bus.close({ timeoutMs }), "invalid_input", "timeoutMs");
    }
    const signal = 5 as unknown as AbortSignal;
    await rejectsWith(bus.publish(channel, 1, { signal }), "invalid_input", "signal");
    await rejectsWith(bus.close({ signal }), "invalid_input", "signal");
    await bus.publish(channel, 1);
  },
};
