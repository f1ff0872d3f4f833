import type { ConsumeMessage } from "amqplib";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { systemClock } from "../../../core/clock.ts";
import { checkConfig } from "../../../messaging/adapters/rabbitmq/config.ts";
import { RabbitMqConnection } from "../../../messaging/adapters/rabbitmq/connection.ts";
import { TakingChannel } from "../../../messaging/adapters/rabbitmq/taking_channel.ts";
import { declareQueue } from "../../../messaging/adapters/rabbitmq/topology.ts";
import { failureOf } from "../../support/faulty_rabbitmq.ts";
import { type RabbitMqClient, RabbitMqPlace, withRabbitMq } from "../../support/rabbitmq.ts";
import { findService, serviceTest } from "../../support/services.ts";
import { until } from "../../support/until.ts";

const test = serviceTest(await findService("rabbitmq"));

const CALL = { operation: "read", timeoutMs: 10_000 };

test("takes what it is asked for, the oldest first, and no more when that is settled", (url) =>
  withQueue(url, async ({ publish, open, count }) => {
    await publish(["a", "b", "c", "d"]);
    const taking = await open();
    const two = await taking.take(2, 0, CALL);
    assert.deepEqual(textsOf(two), ["a", "b"]);
    assert.equal(await count(), 2);
    await taking.ack(two, CALL);
    assert.equal(await count(), 2);
    assert.deepEqual(textsOf(await (await open()).take(10, 0, CALL)), ["c", "d"]);
    assert.deepEqual(textsOf(await taking.take(10, 0, CALL)), []);
  }));

test("waits for the first, but not longer than it may, nor after the signal", (url) =>
  withQueue(url, async ({ publish, open }) => {
    const taking = await open();
    assert.deepEqual(await taking.take(10, 20, CALL), []);
    const waiting = taking.take(10, 60_000, CALL);
    await publish(["a"]);
    assert.deepEqual(textsOf(await waiting), ["a"]);
    const abort = new AbortController();
    const ended = taking.take(10, 60_000, { ...CALL, signal: abort.signal });
    abort.abort();
    assert.deepEqual(await ended, []);
    await publish(["b"]);
    const call = { ...CALL, signal: abort.signal };
    assert.deepEqual(textsOf(await taking.take(10, 60_000, call)), ["b"]);
  }));

test("what is put back comes first again, in its order, one attempt later", (url) =>
  withQueue(url, async ({ publish, open, count }) => {
    await publish(["a", "b", "c", "d"]);
    const taking = await open();
    const three = await taking.take(3, 0, CALL);
    await taking.requeue([...three].reverse(), CALL);
    await until("they are back", async () => await count() === 4);
    const again = await taking.take(10, 0, CALL);
    assert.deepEqual(textsOf(again), ["a", "b", "c", "d"]);
    const attempts = again.map(({ properties }) => properties.headers?.["x-delivery-count"]);
    assert.deepEqual(attempts, [1, 1, 1, undefined]);
  }));

test("one that waits in vain keeps its place in the queue for a moment, and no message for long", (url) =>
  withQueue(url, async ({ publish, open }) => {
    const [taking, other] = [await open(), await open()];
    for (let i = 0; i < 50; i++) {
      assert.deepEqual(await taking.take(10, 1, CALL), []);
      if (i % 2) await publish([String(i)]);
      const [message] = await taking.take(10, i % 2 ? 10_000 : 0, CALL);
      assert.equal(message?.content.toString(), i % 2 ? String(i) : undefined);
      if (message) await taking.ack([message], CALL);
      // It was not on its way when a consumer ended.
      assert.equal(message?.properties.headers?.["x-delivery-count"], undefined);
    }
    assert.deepEqual(await taking.take(10, 1, CALL), []);
    await publish(["left"]);
    assert.deepEqual(textsOf(await other.take(10, 10_000, CALL)), ["left"]);
  }));

test("the end of a channel gives back what it has; its user hears of it and can do nothing more", (url) =>
  withQueue(url, async ({ publish, open, ends }) => {
    await publish(["a"]);
    const taking = await open();
    const [message] = await taking.take(1, 0, CALL) as [ConsumeMessage];
    taking.close();
    assert.equal(ends(), 1);
    assert.deepEqual(textsOf(await (await open()).take(1, 1_000, CALL)), ["a"]);
    for (const call of [taking.ack([message], CALL), taking.take(1, 0, CALL)]) {
      assert.equal((await failureOf(call)).code, "unavailable");
    }
    taking.close();
    assert.equal(ends(), 1);
  }));

interface QueueParts {
  readonly publish: (texts: readonly string[]) => Promise<void>;
  readonly open: () => Promise<TakingChannel>;
  readonly count: () => Promise<number>;
  readonly ends: () => number;
}

async function withQueue(url: string, use: (parts: QueueParts) => Promise<void>): Promise<void> {
  const queue = new RabbitMqPlace(url).names.queue("a", "g");
  const connection = await RabbitMqConnection.open(checkConfig({ url }));
  let ends = 0;
  const open = (): Promise<TakingChannel> =>
    TakingChannel.open(connection, {
      queue,
      clock: systemClock,
      prepare: (channel) => declareQueue(channel, queue),
      onClosed: () => ends++,
    }, CALL);
  try {
    await open();
    await withRabbitMq(url, async (client: RabbitMqClient) => {
      const admin = await client.createConfirmChannel();
      const publish = async (texts: readonly string[]): Promise<void> => {
        for (const text of texts) admin.sendToQueue(queue, Buffer.from(text));
        await admin.waitForConfirms();
      };
      const count = async (): Promise<number> => (await admin.checkQueue(queue)).messageCount;
      await use({ publish, open, count, ends: () => ends });
      await admin.deleteQueue(queue);
    });
  } finally {
    await connection.close();
  }
}

function textsOf(messages: readonly ConsumeMessage[]): string[] {
  return messages.map(({ content }) => content.toString());
}
