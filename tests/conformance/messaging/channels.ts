import assert from "node:assert/strict";
import { closeQuietly, Recorder, rejectsWith, type Scenarios } from "./support.ts";
import type { Message } from "../../../messaging/messaging.ts";

const REFUSED_CHANNELS: readonly unknown[] = [
  "",
  " ",
  "events benchmark",
  "events:",
  ":events",
  "events::benchmark",
  "events:*",
  "events:?",
  "events:[a]",
  "events:{a}",
  "events:\\a",
  "events:>",
  "events:#",
  "events\n",
  "events\0",
  "events:größe",
  "events:\u202e",
  "events\ud800",
  "x".repeat(201),
  null,
  undefined,
  7,
  ["events"],
];

/** `*` is allowed in a pattern; everything else is as in a channel. */
const REFUSED_PATTERNS = REFUSED_CHANNELS.filter((channel) => channel !== "events:*");

/** Which channels there are. */
export const channelScenarios: Scenarios = {
  "a malformed channel is refused": async (bus, channel) => {
    for (const malformed of REFUSED_CHANNELS as readonly string[]) {
      await rejectsWith(bus.publish(malformed, 1), "invalid_input", "channel");
      await rejectsWith(bus.subscribe(malformed, () => {}), "invalid_input", "channel");
      const channels = [channel, malformed];
      await rejectsWith(bus.publishMany(channels, 1), "invalid_input", "channels[1]");
      await rejectsWith(bus.subscribeMany(channels, () => {}), "invalid_input", "channels[1]");
    }
  },

  "a list of no channels, and of more than 1,000, is refused": async (bus, channel) => {
    for (const channels of [[], new Array<string>(1_001).fill(channel), channel as never]) {
      await rejectsWith(bus.publishMany(channels, 1), "invalid_input", "channels");
      await rejectsWith(bus.subscribeMany(channels, () => {}), "invalid_input", "channels");
    }
  },
};

/** Which channels a pattern selects; for buses with patterns. */
export const patternScenarios: Scenarios = {
  "a pattern selects the channels in which * stands for any characters": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.psubscribe(`${channel}:*:results`, received.add);
    const selected = ["1", "a.b-c_d", "1:2"].map((part) => `${channel}:${part}:results`);
    const others = [
      channel,
      `${channel}:results`,
      `${channel}:1:resultsX`,
      `X${channel}:1:results`,
    ];
    for (const name of [...selected, ...others]) await bus.publish(name, 1);
    await closeQuietly(bus);
    assert.deepEqual(received.values.map((message) => message.channel), selected);
  },

  "a pattern without * selects one channel, and . means itself": async (bus, channel) => {
    const received = new Recorder<Message>();
    await bus.psubscribe(`${channel}:a.b`, received.add);
    await bus.publish(`${channel}:a.b`, 1);
    await bus.publish(`${channel}:aXb`, 1);
    await closeQuietly(bus);
    assert.deepEqual(received.values.map((message) => message.channel), [`${channel}:a.b`]);
  },

  "a pattern and a channel that select the same event get it by themselves": async (
    bus,
    channel,
  ) => {
    const [byPattern, byChannel] = [new Recorder<Message>(), new Recorder<Message>()];
    const subscription = await bus.psubscribe(`${channel}:*`, byPattern.add);
    await bus.subscribe(`${channel}:1`, byChannel.add);
    await bus.publish(`${channel}:1`, 1);
    await Promise.all([byPattern.until(1), byChannel.until(1)]);
    await subscription.unsubscribe();
    await bus.publish(`${channel}:1`, 2);
    await closeQuietly(bus);
    assert.deepEqual(byPattern.values.map((message) => message.payload), ["1"]);
    assert.deepEqual(byChannel.values.map((message) => message.payload), ["1", "2"]);
  },

  "a malformed pattern is refused": async (bus) => {
    for (const malformed of REFUSED_PATTERNS as readonly string[]) {
      await rejectsWith(bus.psubscribe(malformed, () => {}), "invalid_input", "pattern");
    }
    await rejectsWith(bus.psubscribe("a:*", () => {}, { signal: AbortSignal.abort() }), "aborted");
  },
};

/** For buses without patterns. */
export const noPatternScenarios: Scenarios = {
  "psubscribe is not supported": async (bus, channel) => {
    await rejectsWith(bus.psubscribe(`${channel}:*`, () => {}), "unsupported");
  },
};
