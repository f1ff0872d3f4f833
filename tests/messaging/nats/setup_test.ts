import assert from "node:assert/strict";
import { NatsStreamBus } from "../../../messaging/adapters/nats.ts";
import type { StreamEntry, StreamReader } from "../../../messaging/streams.ts";
import { failureOf, withNatsBus } from "../../support/faulty_nats.ts";
import { withNats } from "../../support/nats.ts";
import { privateServerTest } from "../../support/services.ts";
import { until } from "../../support/until.ts";

const test = privateServerTest("nats");

const CHANNEL = "events:user";
const STREAM = "exchange=channel=events=user";

test("the last reader to join says for all of the group when one is taken for dead", async () =>
  await withNatsBus(async ({ bus }) => {
    await bus.publish(CHANNEL, {});
    const dead = await bus.reader(CHANNEL, { group: "all", takeOverMs: 60_000 });
    await one(dead);
    await dead.close();
    const reader = await bus.reader(CHANNEL, { group: "all", takeOverMs: 100 });
    await until("it is taken over", async () => (await reader.read()).entries.length === 1);
  }));

test("a subject that somebody else's stream has is an error, not a silent loss", async () =>
  await withNatsBus(async ({ server, bus }) => {
    await withNats(
      server.url,
      ({ jsm }) => jsm.streams.add({ name: "theirs", subjects: ["exchange.channel.>"] }),
    );
    assert.equal((await failureOf(bus.publish(CHANNEL, {}))).code, "conflict");
    assert.equal((await failureOf(bus.reader(CHANNEL, { group: "all" }))).code, "conflict");
  }));

test("a stream that is there keeps the settings that it has", async () =>
  await withNatsBus(async ({ server, bus }) => {
    await bus.publish(CHANNEL, {});
    const other = await NatsStreamBus.connect({ url: server.url, maxRecords: 5, maxAgeMs: 60_000 });
    await other.reader(CHANNEL, { group: "all" });
    await other.publish(CHANNEL, {});
    await other.close();
    await withNats(server.url, async ({ jsm }) => {
      assert.equal((await jsm.streams.info(STREAM)).config.max_msgs, -1);
    });
  }));

test("a group has its place after a restart, also when it had not read anything yet", async () =>
  await withNatsBus(async ({ server, bus }) => {
    await bus.publish(CHANNEL, {}, { id: "1" });
    const before = await bus.reader(CHANNEL, { group: "late", from: "end" });
    await bus.publish(CHANNEL, {}, { id: "2" });
    await server.stop("kill");
    await server.start();
    await until("it is back", () => bus.health().then(() => true, () => false));
    const { entries } = await before.read();
    assert.deepEqual(entries.map((entry) => entry.decode().id), ["2"]);
  }));

/** The next entry, alone. */
async function one(reader: StreamReader): Promise<StreamEntry> {
  for (;;) {
    const { entries } = await reader.read({ max: 1 });
    if (entries[0]) return entries[0];
  }
}
