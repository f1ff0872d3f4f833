import assert from "node:assert/strict";
import type { StreamProblem } from "../../messaging/streams.ts";
import { Recorder } from "../conformance/messaging/support.ts";
import { withNatsBus } from "../support/faulty_nats.ts";
import { withNats } from "../support/nats.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("nats");

const CHANNEL = "events:submission";
const STREAM = "exchange=channel=events=submission";

test("a subscription survives that its consumer is deleted, says so, and loses nothing", async () =>
  await withNatsBus(async ({ server, bus, problems }) => {
    const got = new Recorder<string>();
    await bus.subscribe(CHANNEL, (message) => got.add(message.id), { group: "all", from: "end" });
    await bus.publish(CHANNEL, {}, { id: "1" });
    await got.until(1);
    await withNats(server.url, ({ jsm }) => jsm.consumers.delete(STREAM, "all"));
    await bus.publish(CHANNEL, {}, { id: "2" });
    await until("the second has come", () => got.values.includes("2"), 10_000);
    assert.ok(problems.values.some(isInterruption));
  }));

test("a subscription survives that its stream is deleted, and gets what is published then", async () =>
  await withNatsBus(async ({ server, bus, problems }) => {
    const got = new Recorder<string>();
    await bus.subscribe(CHANNEL, (message) => got.add(message.id), { group: "all", from: "end" });
    await bus.publish(CHANNEL, {}, { id: "1" });
    await got.until(1);
    await withNats(server.url, ({ jsm }) => jsm.streams.delete(STREAM));
    await bus.publish(CHANNEL, {}, { id: "2" });
    await until("the second has come", () => got.values.includes("2"), 10_000);
    assert.ok(problems.values.some(isInterruption));
  }));

function isInterruption({ kind }: StreamProblem): boolean {
  return kind === "interrupted";
}
