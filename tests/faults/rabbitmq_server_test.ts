import assert from "node:assert/strict";
import { after } from "node:test";
import { RabbitMqStreamBus } from "../../messaging/adapters/rabbitmq.ts";
import {
  CHANNEL,
  failureOf,
  GROUP,
  idsOf,
  publish,
  readAll,
  recorded,
  withBus,
} from "../support/faulty_rabbitmq.ts";
import { type PrivateRabbitMq, startRabbitMq } from "../support/private_rabbitmq.ts";
import { privateServerTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("rabbitmq");

const LIMIT_MS = 30_000;

/** A message above this is refused by the server. */
const MAX_MESSAGE_BYTES = 3_000_000;

// To start one takes many seconds, so the tests share it.
let started: Promise<PrivateRabbitMq> | undefined;
const theServer = (): Promise<PrivateRabbitMq> =>
  started ??= startRabbitMq({ max_message_size: MAX_MESSAGE_BYTES });
after(async () => (await started)?.[Symbol.asyncDispose]());

test("the server stops, and crashes, and starts again: the subscription goes on, nothing is lost", async () => {
  const server = await theServer();
  await withBus(server.url, async (open) => {
    const { messages } = await recorded(open);
    const reader = await open.bus.reader(CHANNEL, { group: "late" });
    // A crash comes last: in the first moments of a queue, this server does not survive one.
    for (const mode of ["graceful", "kill"] as const) {
      const ids: string[] = [];
      for (let i = 0; i < 20; i++) ids.push(await publish(open, i));
      const held = await readAll(reader, 20);
      await server.stop(mode);
      await until("it is told", () => open.problems.length > 0, LIMIT_MS);
      const error = await failureOf(publish(open, "nowhere", { timeoutMs: 2_000 }));
      assert.ok(["unavailable", "timeout"].includes(error.code), error.code);
      await server.start();
      await reader.ack(held);
      await until("it is back", () => publish(open, mode).then(() => true, () => false), LIMIT_MS);
      const isLast = ({ payload }: { payload: string }): boolean => payload === `"${mode}"`;
      await until("all came", () => messages.some(isLast), LIMIT_MS);
      assert.deepEqual(idsOf(messages.splice(0)).slice(0, 20), ids);
      const again = await readAll(reader, 21);
      const expected = ids.map((id) => [2, id]);
      assert.deepEqual(
        again.slice(0, 20).map(({ attempt, decode }) => [attempt, decode().id]),
        expected,
      );
      await reader.ack(again);
      assert.deepEqual(open.problems.splice(0).map(({ kind }) => kind), ["interrupted"]);
    }
  });
});

test("a server that hangs: calls settle by their deadlines, and go on when it does", async () => {
  const server = await theServer();
  await withBus(server.url, async (open) => {
    const { bus } = open;
    const reader = await bus.reader(CHANNEL, { group: GROUP });
    await publish(open, 1);
    const entries = await readAll(reader, 1);
    server.pause();
    const limit = { timeoutMs: 200 };
    const connecting = { url: server.url, connectTimeoutMs: 200 };
    const errors = await Promise.all([
      failureOf(publish(open, 2, limit)),
      failureOf(reader.ack(entries, limit)),
      failureOf(bus.reader(CHANNEL, { group: GROUP, ...limit })),
      failureOf(bus.pending(CHANNEL, GROUP, limit)),
      failureOf(bus.deadLetters(CHANNEL, GROUP, limit)),
      failureOf(bus.health(limit)),
      failureOf(RabbitMqStreamBus.connect(connecting)),
    ]);
    const read = failureOf(reader.read({ waitMs: 10, ...limit }));
    assert.deepEqual([...errors, await read].map(({ code }) => code), Array(8).fill("timeout"));
    server.resume();
    await until("it is back", () => publish(open, 3).then(() => true, () => false), LIMIT_MS);
    await until("it can be read", async () => {
      const { entries } = await reader.read({ waitMs: 50 });
      return entries.some((entry) => entry.decode().payload === "3");
    }, LIMIT_MS);
  }, { heartbeatMs: 1_000 });
});

test("a server that is short of memory: publish says so by its deadline, reading goes on", async () => {
  const server = await theServer();
  await withBus(server.url, async (open) => {
    const reader = await open.bus.reader(CHANNEL, { group: GROUP });
    await publish(open, 1);
    await server.control("set_vm_memory_high_watermark", "0");
    try {
      await until("it is blocked", async () => {
        await publish(open, "blocked", { timeoutMs: 100 }).catch(() => {});
        const health = open.bus.health({ timeoutMs: 100 });
        return await health.then(() => "", ({ code }) => code) === "resource_exhausted";
      });
      const error = await failureOf(publish(open, 2, { timeoutMs: 200 }));
      assert.deepEqual([error.code, error.outcome], ["timeout", "unknown"]);
      assert.match(error.message, /short of memory/);
      await reader.ack(await readAll(reader, 1));
    } finally {
      await server.control("set_vm_memory_high_watermark", "0.4");
    }
    await publish(open, 3);
  });
});

test("a message that is too large for the server is refused, and those beside it are sent again", async () => {
  const server = await theServer();
  await withBus(server.url, async (open) => {
    const { messages } = await recorded(open);
    const large = failureOf(publish(open, "x".repeat(MAX_MESSAGE_BYTES)));
    const error = await large;
    assert.deepEqual([error.code, error.outcome], ["conflict", "unknown"]);
    const largest = "x".repeat(MAX_MESSAGE_BYTES - 1_000);
    await publish(open, largest);
    await until("it came", () => messages.length === 1);
    assert.equal(messages[0]?.payload.length, largest.length + 2);
  }, { maxPayloadBytes: 2 * MAX_MESSAGE_BYTES });
});
