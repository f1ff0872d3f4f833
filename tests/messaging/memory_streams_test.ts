import assert from "node:assert/strict";
import { MemoryStreamBus, MemoryStreams } from "../../messaging/adapters/memory_streams.ts";
import { streamConformance } from "../conformance/streams.ts";
import { test } from "node:test";
import { ValidationError } from "../../core/errors.ts";

for (const maxPayloadBytes of [1_000_000, 1_001]) {
  const streams = new MemoryStreams({ maxPayloadBytes });
  streamConformance(test, {
    name: `MemoryStreamBus of ${maxPayloadBytes} bytes`,
    capabilities: { replay: true, maxPayloadBytes },
    takeOverMs: 100,
    create: () => Promise.resolve(new MemoryStreamBus({ streams })),
    publishRaw: (channel, bytes) => Promise.resolve(streams.append(channel, bytes)),
  });
}

test("buses that do not share streams know nothing of each other", async () => {
  const [one, other] = [new MemoryStreamBus(), new MemoryStreamBus()];
  await one.publish("events:user", 1);
  const reader = await other.reader("events:user", { group: "g" });
  assert.deepEqual(await reader.read({ waitMs: 0 }), { entries: [], lost: 0 });
  await Promise.all([one.close(), other.close()]);
});

test("records that every group is done with are removed at some time, others are kept", async () => {
  const bus = new MemoryStreamBus({ streams: new MemoryStreams({ keep: 10 }) });
  const slow = await bus.reader("events:user", { group: "slow" });
  const count = async (): Promise<number> => {
    let records = 0;
    for await (const _record of bus.replay("events:user")) records++;
    return records;
  };
  for (let i = 0; i < 50; i++) await bus.publish("events:user", i);
  assert.equal(await count(), 50);
  await slow.ack((await slow.read()).entries);
  await bus.publish("events:user", 50);
  assert.equal(await count(), 10);
  await bus.close();
});

test("a malformed configuration is refused", () => {
  for (const config of [{ maxPayloadBytes: 0 }, { keep: -1 }]) {
    assert.throws(() => new MemoryStreams(config), ValidationError);
  }
  assert.throws(() => new MemoryStreamBus({ source: "größe" }), ValidationError);
});
