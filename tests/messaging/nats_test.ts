import assert from "node:assert/strict";
import { NatsStreamBus } from "../../messaging/adapters/nats.ts";
import { namesOf } from "../../messaging/adapters/nats/names.ts";
import { Recorder } from "../conformance/messaging/support.ts";
import { streamConformance } from "../conformance/streams.ts";
import { dropStreams, testPrefix, withNats } from "../support/nats.ts";
import { findService, serviceTest } from "../support/services.ts";

const test = serviceTest(await findService("nats"));
const prefix = testPrefix();
let url = "";

streamConformance(
  (name, fn) =>
    test(name, async (found) => {
      url = found;
      await fn();
    }),
  {
    name: "NatsStreamBus",
    capabilities: { replay: true, maxPayloadBytes: 1_000_000 },
    takeOverMs: 200,
    create: () => NatsStreamBus.connect({ url, prefix }),
    async publishRaw(channel, bytes) {
      const { subject } = namesOf(prefix, channel);
      await withNats(url, ({ nc }) => nc.request(subject, bytes, { timeout: 5_000 }));
    },
  },
);

test("buses with the same prefix share their streams, and others do not", async (url) => {
  const buses = await Promise.all(
    [prefix, prefix, `${prefix}x`].map((one) => NatsStreamBus.connect({ url, prefix: one })),
  );
  const [one, same, other] = buses as [NatsStreamBus, NatsStreamBus, NatsStreamBus];
  try {
    const heard = new Recorder<string>();
    const strange = new Recorder<string>();
    await same.subscribe("events:user", ({ payload }) => heard.add(payload), { group: "all" });
    await other.subscribe("events:user", ({ payload }) => strange.add(payload), { group: "all" });
    await one.publish("events:user", { from: "one" });
    await other.publish("events:user", { from: "other" });
    assert.deepEqual(await heard.until(1), ['{"from":"one"}']);
    assert.deepEqual(await strange.until(1), ['{"from":"other"}']);
    const { adapter, version } = await one.health();
    assert.equal(adapter, "nats");
    assert.match(String(version), /^\d+\.\d+\.\d+/);
  } finally {
    await Promise.all(buses.map((bus) => bus.close()));
  }
});

test("the streams of this file are deleted", (url) => dropStreams(url, prefix));
