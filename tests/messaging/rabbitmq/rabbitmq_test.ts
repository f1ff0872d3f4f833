import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { CHANNEL, GROUP, publish, readAll, withBus } from "../../support/faulty_rabbitmq.ts";
import { findService, serviceTest } from "../../support/services.ts";

const test = serviceTest(await findService("rabbitmq"));

const DEATH = { reason: "handler_failed", error: "no", attempts: 1 } as const;

test("RabbitMqStreamBus: what is published is persistent, has its id, and says what it is", (url) =>
  withBus(url, async ({ bus, admin, place }) => {
    await bus.reader(CHANNEL, { group: GROUP });
    const id = await bus.publish(CHANNEL, { a: 1 }, { type: "tested", source: "/t" });
    await admin(async (client) => {
      const message = await (await client.createChannel()).get(place.names.queue(CHANNEL, GROUP));
      assert.ok(message);
      assert.equal(message.properties.messageId, id);
      assert.equal(message.properties.deliveryMode, 2);
      assert.equal(message.properties.contentType, "application/cloudevents+json");
      assert.deepEqual(JSON.parse(message.content.toString()).data, { a: 1 });
    });
  }));

test("RabbitMqStreamBus: dead letters keep their order and places, however often they are listed", (url) =>
  withBus(url, async (open) => {
    const { bus } = open;
    const reader = await bus.reader(CHANNEL, { group: GROUP });
    // More than one batch, and more often than servers deliver a message by default.
    const count = 130;
    await Promise.all(Array.from({ length: count }, (_, i) => publish(open, i)));
    for (const entry of await readAll(reader, count)) await reader.bury(entry, DEATH);
    const all = await bus.deadLetters(CHANNEL, GROUP, { limit: 1_000 });
    const payloads = all.map((letter) => Number(letter.decode().payload));
    assert.deepEqual(payloads, Array.from({ length: count }, (_, i) => i));
    for (let i = 0; i < 22; i++) {
      const page = await bus.deadLetters(CHANNEL, GROUP, { limit: 3, after: all[99]!.id });
      assert.deepEqual(page.map(({ id }) => id), all.slice(100, 103).map(({ id }) => id));
    }
    assert.equal((await bus.pending(CHANNEL, GROUP)).deadLetters, count);
  }));

test("RabbitMqStreamBus: an entry that is buried twice is one letter", (url) =>
  withBus(url, async (open) => {
    const { bus } = open;
    const reader = await bus.reader(CHANNEL, { group: GROUP });
    await publish(open, 1);
    const [entry] = await readAll(reader, 1);
    const short = { timeoutMs: 0.001 };
    await reader.bury(entry!, DEATH, short).catch(() => {});
    await reader.bury(entry!, DEATH);
    const letters = await bus.deadLetters(CHANNEL, GROUP);
    assert.equal(letters.length, 1);
    assert.equal(await bus.redrive(CHANNEL, GROUP, [letters[0]!.id]), 1);
    assert.equal((await readAll(reader, 1)).length, 1);
    assert.equal((await reader.read({ waitMs: 0 })).entries.length, 0);
    assert.deepEqual(await bus.deadLetters(CHANNEL, GROUP), []);
  }));

test("RabbitMqStreamBus: what strangers put among the dead letters is left alone", (url) =>
  withBus(url, async ({ bus, admin, place }) => {
    await bus.reader(CHANNEL, { group: GROUP });
    const queue = place.names.letters(CHANNEL, GROUP);
    const count = await admin(async (client) => {
      const channel = await client.createConfirmChannel();
      channel.sendToQueue(queue, Buffer.from("{}"));
      await channel.waitForConfirms();
      assert.deepEqual(await bus.deadLetters(CHANNEL, GROUP), []);
      assert.equal(await bus.discard(CHANNEL, GROUP, ["undefined"]), 0);
      return (await channel.checkQueue(queue)).messageCount;
    });
    assert.equal(count, 1);
  }));
