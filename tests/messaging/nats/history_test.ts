import assert from "node:assert/strict";
import type { NatsStreamBus } from "../../../messaging/adapters/nats.ts";
import type { StreamReader, StreamStart } from "../../../messaging/streams.ts";
import { failureOf, withNatsBus } from "../../support/faulty_nats.ts";
import { withNats } from "../../support/nats.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("nats");

const CHANNEL = "events:user";
const STREAM = "exchange=channel=events=user";

test("a replay goes over many pages to what was the newest, and leaves nothing on the server", async () =>
  await withNatsBus(async ({ server, bus }) => {
    await publish(bus, 700);
    const ids: string[] = [];
    for await (const record of bus.replay(CHANNEL)) {
      if (ids.length === 0) await publish(bus, 1);
      ids.push(record.position);
    }
    assert.deepEqual(ids, Array.from({ length: 700 }, (_, i) => String(i + 1)));
    for await (const _ of bus.replay(CHANNEL)) break;
    await withNats(server.url, async ({ jsm }) => {
      assert.equal((await jsm.streams.info(STREAM)).state.consumer_count, 0);
    });
  }));

test("a replay begins where it is told, and there is none of what is not there", async () =>
  await withNatsBus(async ({ bus }) => {
    assert.deepEqual(await positions(bus, "beginning"), []);
    await publish(bus, 3);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const since = new Date();
    await publish(bus, 2);
    assert.deepEqual(await positions(bus, { after: "3" }), ["4", "5"]);
    assert.deepEqual(await positions(bus, { since }), ["4", "5"]);
    assert.deepEqual(await positions(bus, { since: new Date(Date.now() + 60_000) }), []);
    assert.deepEqual(await positions(bus, "end"), []);
    assert.deepEqual(await positions(bus, { after: "5" }), []);
    const error = await failureOf(positions(bus, { after: "five" }));
    assert.deepEqual([error.code, (error as { field?: string }).field], [
      "invalid_input",
      "from.after",
    ]);
  }));

test("a replay goes on over records that were removed meanwhile", async () =>
  await withNatsBus(async ({ server, bus }) => {
    await publish(bus, 300);
    const seen: string[] = [];
    for await (const { position } of bus.replay(CHANNEL)) {
      if (seen.length === 0) {
        await withNats(server.url, ({ jsm }) => jsm.streams.purge(STREAM, { seq: 300 }));
      }
      seen.push(position);
    }
    assert.equal(seen.at(-1), "300");
    assert.ok(seen.length < 300);
  }));

test("a replay whose server dies rejects", async () =>
  await withNatsBus(async ({ server, bus }) => {
    await publish(bus, 600);
    const replay = (async () => {
      for await (const _ of bus.replay(CHANNEL)) await server.stop("kill");
    })();
    assert.equal((await failureOf(replay)).code, "unavailable");
  }));

test("a group that seeks goes on from there, with a reader that is open, and has lost nothing", async () =>
  await withNatsBus(async ({ bus }) => {
    await publish(bus, 9);
    const reader = await bus.reader(CHANNEL, { group: "all" });
    await bus.seek(CHANNEL, "all", { after: "6" });
    assert.deepEqual(await read(reader, 3), { positions: ["7", "8", "9"], lost: 0 });
    await bus.seek(CHANNEL, "all", { after: "7" });
    assert.deepEqual(await read(reader, 2), { positions: ["8", "9"], lost: 0 });
    await bus.seek(CHANNEL, "all", "end");
    await publish(bus, 1);
    assert.deepEqual(await read(reader, 1), { positions: ["10"], lost: 0 });
    assert.equal((await failureOf(bus.seek(CHANNEL, "none", "end"))).code, "not_found");
  }));

test("a trim keeps what any group is not done with", async () =>
  await withNatsBus(async ({ bus }) => {
    assert.equal(await bus.trim(CHANNEL, { keep: 0 }), 0);
    await publish(bus, 9);
    const slow = await bus.reader(CHANNEL, { group: "slow" });
    const quick = await bus.reader(CHANNEL, { group: "quick" });
    await quick.ack((await quick.read()).entries);
    assert.equal(await bus.trim(CHANNEL, { keep: 2 }), 0);
    const { entries } = await slow.read({ max: 4 });
    await slow.ack(entries.slice(1));
    assert.equal(await bus.trim(CHANNEL, { keep: 2 }), 0);
    await slow.ack(entries.slice(0, 1));
    assert.equal(await bus.trim(CHANNEL, { keep: 2 }), 4);
    assert.deepEqual(await read(slow, 5), { positions: ["5", "6", "7", "8", "9"], lost: 0 });
  }));

test("a trim by force tells each group once how many it lost, whether it is read or not", async () =>
  await withNatsBus(async ({ bus }) => {
    await publish(bus, 9);
    const live = await bus.reader(CHANNEL, { group: "live" });
    await live.read({ max: 1 });
    await (await bus.reader(CHANNEL, { group: "asleep" })).close();
    const done = await bus.reader(CHANNEL, { group: "done" });
    await done.ack((await done.read()).entries);
    assert.equal(await bus.trim(CHANNEL, { keep: 2, force: true }), 7);
    assert.deepEqual(await read(live, 2), { positions: ["8", "9"], lost: 6 });
    const asleep = await bus.reader(CHANNEL, { group: "asleep" });
    assert.deepEqual(await read(asleep, 2), { positions: ["8", "9"], lost: 7 });
    await publish(bus, 1);
    for (const reader of [live, asleep, done]) {
      assert.deepEqual(await read(reader, 1), { positions: ["10"], lost: 0 });
    }
  }));

async function publish(bus: NatsStreamBus, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await bus.publish(CHANNEL, { i });
}

async function positions(bus: NatsStreamBus, from: StreamStart): Promise<string[]> {
  const records = await Array.fromAsync(bus.replay(CHANNEL, from));
  return records.map(({ position }) => position);
}

/** Reads until there are so many entries, and what was lost before; acknowledges. */
async function read(
  reader: StreamReader,
  count: number,
): Promise<{ positions: string[]; lost: number }> {
  const positions: string[] = [];
  let lost = 0;
  while (positions.length < count) {
    const batch = await reader.read();
    await reader.ack(batch.entries);
    positions.push(...batch.entries.map(({ position }) => position));
    lost += batch.lost;
  }
  // What was lost may be told after what comes next.
  const { lost: late } = await reader.read({ waitMs: 300 });
  return { positions, lost: lost + late };
}
