import assert from "node:assert/strict";
import { inspect } from "node:util";
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
  withProxiedBus,
} from "../support/faulty_rabbitmq.ts";
import { freePort } from "../support/free_port.ts";
import { findService, serviceTest } from "../support/services.ts";
import { blackholeAfter, swallowReply, timeout } from "../support/toxics.ts";
import { until } from "../support/until.ts";

const test = serviceTest(await findService("rabbitmq"));

test("a wrong password and an unknown virtual host reject at once, and show no secret", async (url) => {
  const { host } = new URL(url);
  for (
    const [wrong, code] of [
      [`amqp://guest:s3cr3t@${host}`, "unauthenticated"],
      [`amqp://s3cr3t:s3cr3t@${host}`, "unauthenticated"],
      [new URL("/s3cr3t", url).href, "permission_denied"],
    ] as const
  ) {
    const error = await failureOf(RabbitMqStreamBus.connect({ url: wrong }));
    assert.deepEqual([error.code, error.retryable, error.outcome], [code, false, "not-applied"]);
    assert.ok(!inspect(error, { depth: 10 }).includes("s3cr3t"));
  }
});

test("nobody listens: connecting rejects as unavailable", async () => {
  const url = `amqp://guest:s3cr3t@127.0.0.1:${await freePort()}`;
  const error = await failureOf(RabbitMqStreamBus.connect({ url }));
  assert.deepEqual([error.code, error.retryable], ["unavailable", true]);
  assert.ok(!inspect(error, { depth: 10 }).includes("s3cr3t"));
});

test("a connection that breaks is replaced, and what was not confirmed is sent again", (url) =>
  withProxiedBus(url, async (open) => {
    const { messages } = await recorded(open);
    open.proxy.add(swallowReply(/sent twice/));
    const sent = publish(open, "sent twice");
    await until("the connection broke", async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return open.proxy.connectionCount < 2;
    });
    open.proxy.heal();
    const id = await sent;
    await until("it came", () => messages.length > 0);
    await until("others come, too", () => publish(open, 2).then(() => true, () => false));
    await until("they came", () => idsOf(messages).length === 2);
    assert.equal(messages[0]?.id, id);
  }));

test("no confirmation comes: publish rejects by its deadline, and nobody knows the outcome", (url) =>
  withProxiedBus(url, async (open) => {
    const { messages } = await recorded(open);
    open.proxy.add(blackholeAfter(/swallowed/));
    const error = await failureOf(publish(open, "swallowed", { timeoutMs: 300 }));
    assert.deepEqual([error.code, error.outcome], ["timeout", "unknown"]);
    await until("it came all the same", () => messages.length === 1);
  }));

test("a signal ends the waiting for a confirmation at once", (url) =>
  withProxiedBus(url, async (open) => {
    await recorded(open);
    const abort = new AbortController();
    open.proxy.add(timeout());
    const call = failureOf(publish(open, 1, { signal: abort.signal }));
    abort.abort();
    assert.equal((await call).code, "aborted");
  }));

test("a subscription survives its connection, and says so once", (url) =>
  withProxiedBus(url, async (open) => {
    const { messages } = await recorded(open);
    await publish(open, 1);
    await until("one came", () => messages.length === 1);
    await open.proxy.down();
    const error = await failureOf(publish(open, "nowhere", { timeoutMs: 2_000 }));
    assert.ok(["unavailable", "timeout"].includes(error.code), error.code);
    await until("it is told", () => open.problems.length > 0);
    await open.proxy.up();
    await until("it is back", () => publish(open, 2).then(() => true, () => false), 10_000);
    await until("that came", () => messages.some(({ payload }) => payload === "2"), 10_000);
    assert.deepEqual(open.problems.map(({ kind }) => kind), ["interrupted"]);
  }));

test("entries of a broken connection come again at once, and settling the old ones does nothing", (url) =>
  withBus(url, (mine) =>
    withProxiedBus(url, async (open) => {
      const reader = await open.bus.reader(CHANNEL, { group: GROUP });
      await publish(open, 1);
      const before = await readAll(reader, 1);
      open.proxy.resetAll();
      const other = await mine.bus.reader(CHANNEL, { group: GROUP });
      const [again] = await readAll(other, 1);
      assert.deepEqual([again?.attempt, again?.position], [2, before[0]?.position]);
      await reader.ack(before);
      await other.release([again!]);
      assert.equal((await readAll(other, 1))[0]?.attempt, 3);
    }, { prefix: mine.place.prefix })));

test("a connection that swallows everything is noticed by its heartbeats, and replaced", (url) =>
  withProxiedBus(url, async (open) => {
    const { messages } = await recorded(open);
    open.proxy.add(timeout());
    await until("it is told", () => open.problems.length > 0, 20_000);
    open.proxy.heal();
    await until("it is back", () => publish(open, 1).then(() => true, () => false), 20_000);
    await until("that came", () => messages.length > 0, 20_000);
  }, { heartbeatMs: 1_000 }));

test("closing a bus whose server is silent takes no longer than it says", (url) =>
  withProxiedBus(url, async (open) => {
    const reader = await open.bus.reader(CHANNEL, { group: GROUP });
    await publish(open, 1);
    await readAll(reader, 1);
    const { subscription } = await recorded(open);
    open.proxy.add(timeout());
    const call = failureOf(publish(open, 2));
    await open.bus.close({ timeoutMs: 100 });
    assert.equal((await call).code, "closed");
    await subscription.ended;
    await until("its sockets are closed", () => open.proxy.connectionCount === 0 || heal());
    function heal(): boolean {
      open.proxy.heal();
      return false;
    }
  }));
