import assert from "node:assert/strict";
import { deadLetter } from "../../../messaging/middleware/dead_letter.ts";
import { deliveryContext, messageOf } from "../../support/deliveries.ts";
import { MemoryEventBus } from "../../../messaging/adapters/memory.ts";
import type { Message } from "../../../messaging/messaging.ts";
import { Recorder } from "../../conformance/messaging/support.ts";
import { test } from "node:test";

const failing = (): never => {
  throw new Error("größer\nthan expected");
};

test("a message whose handler fails is published to the other channel as it is", async () => {
  const bus = new MemoryEventBus();
  const letters = new Recorder<Message>();
  await bus.subscribe("dead:user", letters.add);
  const message = messageOf({ name: "größer" }, {
    id: "event-1",
    correlationId: "request-1",
    headers: { tenant: "blue" },
  });
  await deadLetter(bus, "dead:user")(failing)(message, deliveryContext());
  const [letter] = await letters.until(1) as [Message];
  const { headers, channel, deserialize: _, ...rest } = letter;
  const { headers: __, channel: ___, deserialize: ____, ...expected } = message;
  assert.deepEqual(rest, expected);
  assert.equal(channel, "dead:user");
  assert.deepEqual(headers, {
    tenant: "blue",
    deadchannel: "events:user",
    deaderror: "Error: gr??er than expected",
  });
  await bus.close();
});

test("a handler that succeeds publishes nothing", async () => {
  const publisher = { publish: () => assert.fail(), publishMany: () => assert.fail() };
  const handle = deadLetter(publisher, "dead:user")(() => "done");
  assert.equal(await handle(messageOf(1), deliveryContext()), "done");
});

test("when the letter cannot be published the handler has failed", async () => {
  const bus = new MemoryEventBus();
  await bus.close();
  const handle = deadLetter(bus, "dead:user")(failing);
  await assert.rejects(async () => await handle(messageOf(1), deliveryContext()), /than expected/);
});
