import assert from "node:assert/strict";
import type { StreamEntry, StreamReader } from "../../../messaging/streams.ts";
import { withNatsBus } from "../../support/faulty_nats.ts";
import { withNats } from "../../support/nats.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("nats");

const CHANNEL = "events:user";
const STREAM = "exchange=channel=events=user";
const DEATH = { reason: "handler_failed", error: "it failed", attempts: 1 } as const;

test("a letter that is buried twice, because nobody knows how it ended, is kept once", async () =>
  await withNatsBus(async ({ server, bus }) => {
    for (const id of ["1", "2"]) await bus.publish(CHANNEL, {}, { id });
    const reader = await bus.reader(CHANNEL, { group: "all" });
    // Then there is a desk that the next one reaches.
    await reader.bury(await one(reader), DEATH);
    const entry = await one(reader);
    await server.pause();
    await assert.rejects(reader.bury(entry, DEATH, { timeoutMs: 200 }), { outcome: "unknown" });
    server.resume();
    await bus.health();
    await reader.bury(entry, DEATH);
    assert.equal((await bus.deadLetters(CHANNEL, "all")).length, 2);
    assert.equal((await bus.pending(CHANNEL, "all")).pending, 0);
  }));

test("a record that is buried again after a seek is a letter again", async () =>
  await withNatsBus(async ({ bus }) => {
    await bus.publish(CHANNEL, {});
    const reader = await bus.reader(CHANNEL, { group: "all" });
    await reader.bury(await one(reader), DEATH);
    await bus.seek(CHANNEL, "all", "beginning");
    await reader.bury(await one(reader), DEATH);
    assert.equal((await bus.deadLetters(CHANNEL, "all")).length, 2);
  }));

test("a redriven letter whose reader dies goes to another one of the group", async () =>
  await withNatsBus(async ({ bus }) => {
    await bus.publish(CHANNEL, {}, { id: "1" });
    const options = { group: "all", takeOverMs: 100 };
    const first = await bus.reader(CHANNEL, options);
    await first.bury(await one(first), DEATH);
    const [letter] = await bus.deadLetters(CHANNEL, "all");
    await bus.redrive(CHANNEL, "all", [letter?.id ?? ""]);
    const dying = await one(first);
    assert.deepEqual([dying.attempt, dying.position], [1, letter?.position]);
    await first.close();
    const second = await bus.reader(CHANNEL, options);
    const taken = await one(second);
    assert.deepEqual([taken.attempt, taken.decode().id], [2, "1"]);
  }));

test("another group, and who only looks at the stream, does not see a redriven letter", async () =>
  await withNatsBus(async ({ server, bus }) => {
    await bus.publish(CHANNEL, {});
    const other = await bus.reader(CHANNEL, { group: "other" });
    await other.ack([await one(other)]);
    const reader = await bus.reader(CHANNEL, { group: "all" });
    await reader.bury(await one(reader), DEATH);
    const [letter] = await bus.deadLetters(CHANNEL, "all");
    await bus.redrive(CHANNEL, "all", [letter?.id ?? ""]);
    await one(reader);
    assert.deepEqual((await other.read({ waitMs: 0 })).entries, []);
    await withNats(server.url, async ({ jsm }) => {
      assert.equal((await jsm.streams.info(STREAM)).state.messages, 1);
    });
  }));

/** The next entry, alone. */
async function one(reader: StreamReader): Promise<StreamEntry> {
  for (;;) {
    const { entries } = await reader.read({ max: 1 });
    if (entries[0]) return entries[0];
  }
}
