import assert from "node:assert/strict";
import type { DeliveryProblem } from "../../messaging/messaging.ts";
import { Recorder } from "../conformance/messaging/support.ts";
import { withBus } from "../support/faulty_events.ts";
import { withServer } from "../support/faulty_redis.ts";
import type { RedisArgument } from "../support/redis.ts";
import { privateServerTest } from "../support/services.ts";

const test = privateServerTest("redis");

const CHANNEL = "events:user";

const ENVELOPE = {
  specversion: "1.0",
  id: "1",
  type: "t",
  source: "/other",
  time: "2026-11-22T10:00:00Z",
};

/** An event with this data, as JSON text. */
const withData = (data: string): string =>
  JSON.stringify(ENVELOPE).replace(/}$/, `,"data":${data}}`);

const FOREIGN: Readonly<Record<string, RedisArgument>> = {
  "nothing": "",
  "text": "hello",
  "JSON that is no object": "[1]",
  "JSON that is no event": '{"type":"Created"}',
  "half an event": withData("1").slice(0, 40),
  "bytes that are no UTF-8": Uint8Array.of(0, 255, 254, 13, 10, 0xed, 0xa0, 0x80),
  "10 MB": "x".repeat(10_000_000),
  "an event of 10 MB": withData(`"${"x".repeat(10_000_000)}"`),
  "a member __proto__": withData('{"__proto__":{"isAdmin":true}}'),
  "an attribute __proto__": withData("1").replace("{", '{"__proto__":{"isAdmin":true},'),
};

for (const [what, sent] of Object.entries(FOREIGN)) {
  test(`${what} that another program publishes is reported with its bytes, and the next event comes`, () =>
    withServer({}, async (server) => {
      const problems = new Recorder<DeliveryProblem>();
      await withBus({ url: server.url, onProblem: problems.add }, async ({ bus, reports }) => {
        const payloads = new Recorder<string>();
        await bus.subscribe(CHANNEL, ({ payload }) => payloads.add(payload));
        await bus.psubscribe("events:*", ({ payload }) => payloads.add(payload));
        await server.command("PUBLISH", CHANNEL, sent);
        await server.command("PUBLISH", CHANNEL, withData("2"));
        await payloads.until(2);
        assert.deepEqual(payloads.values, ["2", "2"]);
        const expected = typeof sent === "string" ? new TextEncoder().encode(sent) : sent;
        assert.equal(problems.values.length, 2);
        for (const problem of problems.values) {
          assert.ok(problem.kind === "undecodable");
          assert.equal(problem.channel, CHANNEL);
          // Not compared as a whole: what 10 MB differ in would be printed.
          assert.ok(equal(problem.error.bytes, expected), "the bytes are others");
        }
        assert.equal(({} as { isAdmin?: boolean }).isAdmin, undefined);
        assert.deepEqual(reports.counts, []);
      });
    }));
}

test("what comes over a pattern from a channel that is none of ours is reported with its name", () =>
  withServer({}, async (server) => {
    const problems = new Recorder<DeliveryProblem>();
    await withBus({ url: server.url, onProblem: problems.add }, async ({ bus }) => {
      const channels = new Recorder<string>();
      await bus.psubscribe("events:*", ({ channel }) => channels.add(channel));
      for (const channel of ["events: a\n?[b]", "events:", "events:*"]) {
        await server.command("PUBLISH", channel, withData("1"));
      }
      await server.command("PUBLISH", CHANNEL, withData("1"));
      await channels.until(4);
      assert.deepEqual(channels.values, ["events: a\n?[b]", "events:", "events:*", CHANNEL]);
    });
  }));

test("an event that another program publishes is one here, and the other way round", () =>
  withServer({}, (server) =>
    withBus({ url: server.url }, async ({ bus }) => {
      const received = new Recorder<unknown>();
      await bus.subscribe(CHANNEL, (message) =>
        received.add([message.id, message.source, message.payload]));
      await server.command("PUBLISH", CHANNEL, withData('{"a":1}'));
      await received.until(1);
      assert.deepEqual(received.values, [["1", "/other", '{"a":1}']]);
    })));

function equal(some: Uint8Array, others: Uint8Array): boolean {
  return some.length === others.length && some.every((byte, i) => byte === others[i]);
}
