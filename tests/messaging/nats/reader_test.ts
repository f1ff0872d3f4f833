import assert from "node:assert/strict";
import type { StreamEntry, StreamReader } from "../../../messaging/streams.ts";
import { failureOf, withNatsBus } from "../../support/faulty_nats.ts";
import { withNats } from "../../support/nats.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("nats");

const CHANNEL = "events:user";
const STREAM = "exchange=channel=events=user";
const DEATH = { reason: "handler_failed", error: "it failed", attempts: 1 } as const;

test("a message is given out as often as it is released: the server never stops in silence", async () =>
  await withNatsBus(async ({ bus }) => {
    await bus.publish(CHANNEL, {});
    const reader = await bus.reader(CHANNEL, { group: "all" });
    for (let attempt = 1; attempt <= 30; attempt++) {
      const entry = await one(reader);
      assert.equal(entry.attempt, attempt);
      await reader.release([entry]);
    }
  }));

test("what a late reader says about an entry of somebody else changes nothing", async () =>
  await withNatsBus(async ({ bus }) => {
    await bus.publish(CHANNEL, {});
    const late = await bus.reader(CHANNEL, { group: "all", takeOverMs: 500 });
    const entry = await one(late);
    const next = await bus.reader(CHANNEL, { group: "all", takeOverMs: 500 });
    const taken = await one(next);
    assert.equal(taken.attempt, 2);
    await late.release([entry]);
    await late.extend([entry]);
    await late.bury(entry, DEATH);
    await next.extend([taken]);
    assert.deepEqual(await late.read({ waitMs: 0 }), { entries: [], lost: 0 });
    assert.deepEqual(await bus.deadLetters(CHANNEL, "all"), []);
    await next.ack([taken]);
    assert.equal((await bus.pending(CHANNEL, "all")).pending, 0);
  }));

test("a reader is not given again what it holds itself, and its last word counts", async () =>
  await withNatsBus(async ({ bus }) => {
    await bus.publish(CHANNEL, {});
    const reader = await bus.reader(CHANNEL, { group: "all", takeOverMs: 100 });
    const entry = await one(reader);
    assert.deepEqual((await reader.read({ waitMs: 300 })).entries, []);
    await reader.ack([entry]);
    assert.equal((await bus.pending(CHANNEL, "all")).pending, 0);
    assert.deepEqual((await reader.read({ waitMs: 300 })).entries, []);
  }));

test("a reader whose consumer was deleted goes on where its group was known to be done", async () =>
  await withNatsBus(async ({ server, bus }) => {
    for (const id of ["1", "2", "3"]) await bus.publish(CHANNEL, {}, { id });
    const first = await bus.reader(CHANNEL, { group: "all" });
    await first.ack((await first.read({ max: 2 })).entries);
    await first.close();
    const reader = await bus.reader(CHANNEL, { group: "all" });
    await withNats(server.url, ({ jsm }) => jsm.consumers.delete(STREAM, "all"));
    const { code, retryable } = await failureOf(reader.read());
    assert.deepEqual([code, retryable], ["unavailable", true]);
    const { entries } = await reader.read();
    assert.deepEqual(entries.map((entry) => entry.decode().id), ["3"]);
  }));

/** The next entry, alone. */
async function one(reader: StreamReader): Promise<StreamEntry> {
  for (;;) {
    const { entries } = await reader.read({ max: 1 });
    if (entries[0]) return entries[0];
  }
}
