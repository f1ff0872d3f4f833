import assert from "node:assert/strict";
import { ValidationError } from "../../../core/errors.ts";
import { failureOf, withNatsBus } from "../../support/faulty_nats.ts";
import { withNats } from "../../support/nats.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("nats");

const CHANNEL = "events:user";
const STREAM = "exchange=channel=events=user";

test("a payload that the server would not take is refused, and the capabilities say how large", async () =>
  await withNatsBus(async ({ bus }) => {
    const { maxPayloadBytes } = bus.capabilities;
    assert.ok(maxPayloadBytes > 10_000 && maxPayloadBytes < 65_536);
    const error = await failureOf(bus.publish(CHANNEL, "x".repeat(maxPayloadBytes - 1)));
    assert.ok(error instanceof ValidationError);
    assert.equal(error.field, "payload");
  }, { lines: ["max_payload: 65536"] }));

test("the largest payload, with the most attributes, is published, read and buried", async () =>
  await withNatsBus(async ({ bus }) => {
    const headers = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`header${i}`, "v".repeat(500)]),
    );
    const payload = "x".repeat(bus.capabilities.maxPayloadBytes - 2);
    await bus.publish(CHANNEL, payload, { id: "i".repeat(200), headers });
    const reader = await bus.reader(CHANNEL, { group: "all" });
    const [entry] = (await reader.read()).entries;
    assert.ok(entry);
    const death = {
      reason: "handler_failed",
      error: "\u{10ffff}".repeat(500),
      attempts: 1,
    } as const;
    await reader.bury(entry, death);
    const [letter] = await bus.deadLetters(CHANNEL, "all");
    assert.equal(letter?.decode().payload.length, payload.length + 2);
    assert.equal(letter?.error, death.error);
    assert.equal(await bus.redrive(CHANNEL, "all", [letter?.id ?? ""]), 1);
    const [again] = (await reader.read()).entries;
    assert.equal(again?.decode().id, "i".repeat(200));
  }));

test("the same id is stored once in a channel, and in each of several", async () =>
  await withNatsBus(async ({ server, bus }) => {
    const ids = ["same", " same", "same ", "s%20ame", "s ame", "same\\r\\n"];
    for (const id of [...ids, ...ids]) await bus.publishMany([CHANNEL, "events:other"], {}, { id });
    await withNats(server.url, async ({ jsm }) => {
      for (const stream of [STREAM, "exchange=channel=events=other"]) {
        assert.equal((await jsm.streams.info(stream)).state.messages, ids.length);
      }
    });
  }));

test("channels that look alike have streams of their own", async () =>
  await withNatsBus(async ({ bus }) => {
    const channels = ["a.b:c", "a:b.c", "a:b:c", "a.b.c", "a_b_c", "a-b-c", "A:b:c"];
    for (const channel of channels) await bus.publish(channel, { channel });
    for (const channel of channels) {
      const records = await Array.fromAsync(bus.replay(channel));
      assert.deepEqual(records.map((record) => record.decode().payload), [
        JSON.stringify({ channel }),
      ]);
    }
  }));

test("the longest channel, group and prefix can be had", async () =>
  await withNatsBus(
    async ({ bus }) => {
      const channel = Array.from({ length: 100 }, () => "c").join(":") + "c";
      const group = "g".repeat(100);
      const reader = await bus.reader(channel, { group });
      await bus.publish(channel, {});
      const [entry] = (await reader.read()).entries;
      assert.ok(entry);
      await reader.bury(entry, { reason: "abandoned", error: "", attempts: 1 });
      const [letter] = await bus.deadLetters(channel, group);
      assert.equal(await bus.redrive(channel, group, [letter?.id ?? ""]), 1);
      assert.equal((await reader.read()).entries.length, 1);
    },
    {},
    { prefix: "p".repeat(40) },
  ));

test("a stream that is full refuses what is published, and says so", async () =>
  await withNatsBus(async ({ server, bus }) => {
    await bus.publish(CHANNEL, {});
    await withNats(
      server.url,
      ({ jsm }) => jsm.streams.update(STREAM, { max_msgs: 1, discard: "new" }),
    );
    const { code, outcome } = await failureOf(bus.publish(CHANNEL, {}));
    assert.deepEqual([code, outcome], ["resource_exhausted", "not-applied"]);
  }));
