import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConsumerInfo } from "@nats-io/jetstream";
import {
  consumersOf,
  describeConsumers,
  doneTo,
  groupConsumers,
  nextConsumer,
} from "../../../messaging/adapters/nats/generations.ts";
import type { StreamEntry, StreamReader } from "../../../messaging/streams.ts";
import { withNatsBus } from "../../support/faulty_nats.ts";
import { withNats } from "../../support/nats.ts";
import { privateServerTest } from "../../support/services.ts";

const needsNats = privateServerTest("nats");

const CHANNEL = "events:user";
const STREAM = "exchange=channel=events=user";

test("a group without a seek has one consumer, which has its name", () => {
  const first = consumer("g", 3);
  assert.deepEqual(consumersOf(first), ["g"]);
  const group = groupConsumers(first, () => first);
  assert.equal(group.current, first);
  assert.deepEqual(group.older, []);
});

test("the first consumer says which others there are; those with nothing pending are over", () => {
  const description = describeConsumers(["g", "g=2", "g=3", "g=4"]);
  const all = [
    consumer("g", 1, description),
    consumer("g=2", 0),
    consumer("g=3", 2),
    consumer("g=4", 5),
  ];
  const find = (name: string): ConsumerInfo | undefined => all.find((one) => one.name === name);
  const group = groupConsumers(all[0] as ConsumerInfo, find);
  assert.equal(group.currentName, "g=4");
  assert.equal(group.current?.name, "g=4");
  assert.deepEqual(group.older.map(({ name }) => name), ["g", "g=3"]);
  const next = nextConsumer(group);
  assert.match(next, /^g=[0-9a-f]{8}$/);
  assert.notEqual(next, nextConsumer(group));
});

test("the first consumer keeps what it has pending also when it is not named any more", () => {
  const first = consumer("g", 1, describeConsumers(["g=2"]));
  const group = groupConsumers(first, (name) => name === "g" ? first : undefined);
  assert.equal(group.current, undefined);
  assert.deepEqual(group.older, [first]);
});

test("a consumer is done up to its floor, or with all that it gave out", () => {
  assert.equal(doneTo(consumer("g", 0, undefined, { delivered: 7, floor: 3 })), 7);
  assert.equal(doneTo(consumer("g", 2, undefined, { delivered: 7, floor: 3 })), 3);
  assert.equal(doneTo(consumer("g", 2, undefined, { delivered: 7, floor: 0, start: 6 })), 5);
});

needsNats(
  "what is pending at a seek goes to another reader when its own dies, and can be settled",
  async () =>
    await withNatsBus(async ({ server, bus }) => {
      for (let i = 1; i <= 4; i++) await bus.publish(CHANNEL, {}, { id: String(i) });
      const options = { group: "all", takeOverMs: 200 };
      const first = await bus.reader(CHANNEL, options);
      const held = await take(first, 3);
      await bus.seek(CHANNEL, "all", "end");
      await bus.seek(CHANNEL, "all", { after: "3" });
      assert.equal((await bus.pending(CHANNEL, "all")).pending, 3);
      await first.ack(held.slice(0, 1));
      assert.equal((await bus.pending(CHANNEL, "all")).pending, 2);
      await first.close();
      const second = await bus.reader(CHANNEL, options);
      const taken = await take(second, 3);
      assert.deepEqual(taken.map((one) => [one.decode().id, one.attempt]).sort(), [
        ["2", 2],
        ["3", 2],
        ["4", 1],
      ]);
      await second.ack(taken);
      assert.equal((await bus.pending(CHANNEL, "all")).pending, 0);
      assert.equal(await bus.trim(CHANNEL, { keep: 0 }), 4);
      await bus.seek(CHANNEL, "all", "end");
      await withNats(server.url, async ({ jsm }) => {
        const names = (await Array.fromAsync(jsm.consumers.list(STREAM))).map(({ name }) => name);
        assert.equal(names.length, 3, "what is over is deleted");
      });
    }),
);

async function take(reader: StreamReader, count: number): Promise<StreamEntry[]> {
  const entries: StreamEntry[] = [];
  while (entries.length < count) {
    entries.push(...(await reader.read({ max: count - entries.length })).entries);
  }
  return entries;
}

function consumer(
  name: string,
  pending: number,
  description?: string,
  { delivered = 0, floor = 0, start }: { delivered?: number; floor?: number; start?: number } = {},
): ConsumerInfo {
  return {
    name,
    num_ack_pending: pending,
    config: { description, opt_start_seq: start },
    delivered: { stream_seq: delivered },
    ack_floor: { stream_seq: floor },
  } as ConsumerInfo;
}
