import assert from "node:assert/strict";
import {
  CHANNEL,
  failureOf,
  GROUP,
  idsOf,
  type OpenBus,
  publish,
  readAll,
  recorded,
  withBus,
} from "../support/faulty_rabbitmq.ts";
import { findService, serviceTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = serviceTest(await findService("rabbitmq"));

test("what no group would get is an error, and the channel goes on", (url) =>
  withBus(url, async (open) => {
    const error = await failureOf(publish(open, 1));
    assert.deepEqual([error.code, error.outcome, error.retryable], [
      "not_found",
      "not-applied",
      false,
    ]);
    const { messages } = await recorded(open);
    const others = Promise.all(
      ["a", "b", "c"].map((channel) => failureOf(open.bus.publish(channel, 1, { type: "t" }))),
    );
    const ids = await Promise.all([1, 2, 3].map((one) => publish(open, one)));
    assert.ok((await others).every(({ code }) => code === "not_found"));
    await until("they came", () => messages.length === 3);
    assert.deepEqual(idsOf(messages), ids);
  }));

test("one event to several channels: those without a group are told", (url) =>
  withBus(url, async (open) => {
    const { messages } = await recorded(open);
    const call = open.bus.publishMany([CHANNEL, "nobody"], 1, { type: "tested" });
    assert.equal((await failureOf(call)).code, "not_found");
    await until("it came", () => messages.length === 1);
  }));

test("an exchange that was deleted closes the channel: it is made again, and nothing is lost", (url) =>
  withBus(url, async (open) => {
    const { bus, admin, place } = open;
    const { messages } = await recorded(open);
    await bus.subscribe("other", () => {}, { group: GROUP });
    await Promise.all([publish(open, "before"), bus.publish("other", 1, { type: "t" })]);
    await admin(async (client) => {
      await (await client.createChannel()).deleteExchange(place.names.exchange("other"));
    });
    // The first closes the channel under all the others, which are sent again.
    const lost = failureOf(bus.publish("other", 2, { type: "t" }));
    const ids = await Promise.all(Array.from({ length: 50 }, (_, i) => publish(open, i)));
    assert.equal((await lost).code, "not_found");
    await until("all came", () => idsOf(messages).length === 51);
    assert.deepEqual(idsOf(messages).slice(1), ids);
    await bus.subscribe("other", () => {}, { group: "another" });
    await bus.publish("other", 3, { type: "t" });
  }));

test("a queue that others declared differently is a conflict, at joining", (url) =>
  withBus(url, async ({ bus, admin, place }) => {
    const queue = place.names.queue(CHANNEL, GROUP);
    await admin(async (client) => {
      await (await client.createChannel()).assertQueue(queue, { durable: true });
    });
    const error = await failureOf(bus.reader(CHANNEL, { group: GROUP }));
    assert.deepEqual([error.code, error.retryable], ["conflict", false]);
    await bus.reader(CHANNEL, { group: "another" });
  }));

test("a queue that is deleted is told and made again, and the subscription goes on", (url) =>
  withBus(url, async (open) => {
    const { messages } = await recorded(open);
    await publish(open, "before");
    await until("it came", () => messages.length === 1);
    await deleteQueue(open);
    const told = (): boolean => open.problems.some(({ kind }) => kind === "interrupted");
    await until("it is told", told);
    await until("it goes on", () => publish(open, "after").then(() => true, () => false));
    await until("that came", () => messages.length >= 2);
    const [problem] = open.problems;
    assert.equal((problem as { error?: { code?: unknown } }).error?.code, "not_found");
  }));

test("a deleted queue of dead letters is made again when a message is buried", (url) =>
  withBus(url, async (open) => {
    const { bus, admin, place } = open;
    const reader = await bus.reader(CHANNEL, { group: GROUP });
    await publish(open, 1);
    const [entry] = await readAll(reader, 1);
    await admin(async (client) => {
      await (await client.createChannel()).deleteQueue(place.names.letters(CHANNEL, GROUP));
    });
    await reader.bury(entry!, { reason: "handler_failed", error: "no", attempts: 1 });
    assert.equal((await bus.deadLetters(CHANNEL, GROUP)).length, 1);
    assert.equal((await bus.pending(CHANNEL, GROUP)).pending, 0);
  }));

test("what is settled twice, or by somebody whose it is not, closes no channel", (url) =>
  withBus(url, async (open) => {
    const { bus } = open;
    const [reader, other] = await Promise.all([
      bus.reader(CHANNEL, { group: GROUP }),
      bus.reader(CHANNEL, { group: GROUP }),
    ]);
    await publish(open, 1);
    const entries = await readAll(reader, 1);
    await other.ack(entries);
    await reader.ack(entries);
    await reader.ack(entries);
    await reader.release(entries);
    await reader.bury(entries[0]!, { reason: "handler_failed", error: "no", attempts: 1 });
    await publish(open, 2);
    const [next] = await readAll(reader, 1);
    assert.equal(next?.decode().payload, "2");
    assert.equal(next?.attempt, 1);
  }));

test("entries of a channel that ended are not the reader's any more, and come again", (url) =>
  withBus(url, async (open) => {
    const { bus } = open;
    const reader = await bus.reader(CHANNEL, { group: GROUP });
    await publish(open, 1);
    const before = await readAll(reader, 1);
    await deleteQueue(open);
    await failureOf(reader.read());
    assert.equal((await reader.read({ waitMs: 0 })).entries.length, 0);
    await reader.ack(before);
    await publish(open, 2);
    const [entry] = await readAll(reader, 1);
    assert.equal(entry?.decode().payload, "2");
  }));

test("handlers that throw reach neither the channel nor the other handlers", (url) =>
  withBus(url, async (open) => {
    const fail = (): never => {
      throw new Error("a handler failed");
    };
    const again = { maxAttempts: 2, backoff: { baseMs: 1, maxMs: 1 } };
    await open.bus.subscribe(CHANNEL, fail, { group: "failing", ...again, onProblem: fail });
    const { messages } = await recorded(open);
    await publish(open, 1);
    await publish(open, 2);
    await until("the other has both", () => messages.length === 2);
    const letters = async (): Promise<number> =>
      (await open.bus.pending(CHANNEL, "failing")).deadLetters;
    await until("both are buried", async () => await letters() === 2);
    assert.deepEqual(open.problems, []);
  }));

test("dead letters that two processes work on at the same time are given out once", (url) =>
  withBus(url, async (open) => {
    const reader = await open.bus.reader(CHANNEL, { group: GROUP });
    for (let i = 0; i < 6; i++) await publish(open, i);
    for (const entry of await readAll(reader, 6)) {
      await reader.bury(entry, { reason: "handler_failed", error: "no", attempts: 1 });
    }
    const ids = (await open.bus.deadLetters(CHANNEL, GROUP)).map(({ id }) => id);
    await withBus(url, async ({ bus: other }) => {
      const calls = [open.bus, other, open.bus, other].map((bus, i) =>
        i < 2 ? bus.redrive(CHANNEL, GROUP, ids) : bus.deadLetters(CHANNEL, GROUP)
      );
      const [one, two] = await Promise.all(calls) as [number, number];
      assert.equal(one + two, 6);
    }, { prefix: open.place.prefix });
    assert.equal((await readAll(reader, 6)).length, 6);
    assert.equal((await reader.read({ waitMs: 0 })).entries.length, 0);
  }));

async function deleteQueue({ admin, place }: OpenBus): Promise<void> {
  await admin(async (client) => {
    await (await client.createChannel()).deleteQueue(place.names.queue(CHANNEL, GROUP));
  });
}
