import assert from "node:assert/strict";
import { createClient } from "redis";
import { RedisEventBus } from "../../messaging/adapters/redis.ts";
import { gate, Recorder } from "../conformance/messaging/support.ts";
import { failureOf, Heard, withBus, withProxiedBus } from "../support/faulty_events.ts";
import { within, withServer } from "../support/faulty_redis.ts";
import { privateServerTest } from "../support/services.ts";
import { swallowReply } from "../support/toxics.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

const CHANNEL = "events:user";

test("handlers that throw while commands are under way shift no reply", () =>
  withServer({}, (server) =>
    withBus({ url: server.url }, async ({ bus, reports }) => {
      const failures = new Recorder<unknown>();
      await bus.subscribe(CHANNEL, () => {
        throw new Error("the handler failed");
      }, {
        onProblem: (problem) => {
          failures.add(problem);
          throw new Error("the problem handler failed");
        },
      });
      const heard = Array.from({ length: 20 }, () => new Heard());
      // What is held back comes in one piece: messages, and replies behind them.
      await server.command("CLIENT", "PAUSE", "300", "ALL");
      const calls: Promise<unknown>[] = [];
      for (const [i, one] of heard.entries()) {
        calls.push(bus.publish(CHANNEL, i), one.subscribe(bus, `events:${i}`), bus.health());
      }
      await Promise.all(calls);
      await failures.until(heard.length);
      for (let i = 0; i < heard.length; i++) await bus.publish(`events:${i}`, i);
      await Promise.all(heard.map((one) => one.until(1)));
      heard.forEach((one, i) => assert.deepEqual(one.values, [String(i)]));
      assert.deepEqual(reports.counts, []);
    })));

test("a bus leaves a client that was passed in alone, and does not share its fate", () =>
  withServer({}, async (server) => {
    const client = createClient({ url: server.url });
    client.on("error", () => {});
    const bus = await RedisEventBus.connect(client, { source: "/evaluation" });
    try {
      assert.equal(client.isOpen, false);
      await client.connect();
      const heard = new Heard();
      await heard.subscribe(bus, CHANNEL);
      client.destroy();
      await bus.publish(CHANNEL, 1);
      await heard.until(1);
    } finally {
      await bus.close();
    }
  }));

test("a server that does not answer: publish rejects by its deadline, and may have published", () =>
  withServer({}, (server) =>
    withBus({ url: server.url }, async ({ bus }) => {
      const heard = new Heard();
      await heard.subscribe(bus, CHANNEL);
      server.pause();
      const late = failureOf(bus.publish(CHANNEL, 1, { timeoutMs: 300 }));
      const leaving = new AbortController();
      const left = failureOf(bus.publish(CHANNEL, 2, { signal: leaving.signal }));
      leaving.abort();
      for (const [call, code] of [[late, "timeout"], [left, "aborted"]] as const) {
        const error = await within(300, () => call);
        assert.deepEqual([error.code, error.outcome], [code, "unknown"]);
      }
      await until("it is known", async () => {
        const error = await failureOf(bus.publish(CHANNEL, 3, { timeoutMs: 300 }));
        return error.code === "unavailable" && error.outcome === "not-applied";
      });
      await failureOf(bus.health({ timeoutMs: 100 }));
      server.resume();
      await until("it works", () => bus.publish(CHANNEL, "last").then(() => true, () => false));
      await until("health says so", () => bus.health().then(() => true, () => false));
    })));

test("when the reply to a publish is lost, it says so and does not publish again", () =>
  withServer({}, (server) =>
    withProxiedBus(server, {}, async ({ bus, other, proxy }) => {
      const heard = new Heard();
      await heard.subscribe(other, CHANNEL);
      await heard.subscribe(other, "events:other");
      proxy.add(swallowReply(/PUBLISH/));
      const { code, outcome } = await failureOf(bus.publish(CHANNEL, 1));
      assert.deepEqual([code, outcome], ["unavailable", "unknown"]);
      proxy.heal();
      await until("it works", () => bus.health().then(() => true, () => false));
      await bus.publish("events:other", 2);
      await heard.until(2);
      assert.deepEqual(heard.values, ["1", "2"]);
    })));

test("when some of many channels have the event, it says how many", () =>
  withServer(
    { settings: { user: "narrow on nopass ~* &events:user +@all" } },
    (server) =>
      withBus({ url: `redis://narrow:any@127.0.0.1:${server.port}` }, async ({ bus }) => {
        const some = await failureOf(bus.publishMany([CHANNEL, "events:secret"], 1));
        assert.deepEqual([some.code, some.outcome], ["permission_denied", "unknown"]);
        assert.match(some.message, /1 of 2 channels have the event/);
        const none = await failureOf(bus.publishMany(["events:a", "events:b"], 1));
        assert.deepEqual([none.code, none.outcome], ["permission_denied", "not-applied"]);
        const refused = await failureOf(bus.subscribe("events:secret", () => {}));
        assert.equal(refused.code, "permission_denied");
        const heard = new Heard();
        await heard.subscribe(bus, CHANNEL);
        await bus.publish(CHANNEL, 1);
        await heard.until(1);
      }),
  ));

test("on a server that has no memory left, events are published and heard", () =>
  withServer(
    { settings: { "maxmemory-policy": "noeviction" } },
    (server) =>
      withBus({ url: server.url }, async ({ bus }) => {
        await server.command("CONFIG", "SET", "maxmemory", "1");
        await assert.rejects(server.command("SET", "a", "b"), /OOM/);
        const heard = new Heard();
        await heard.subscribe(bus, CHANNEL);
        await bus.publishMany([CHANNEL, "events:other"], 1);
        await heard.until(1);
        assert.equal((await bus.health()).subscriptions, 1);
      }),
  ));

test("close hands over what was published before, however long the server takes to bring it here", () =>
  withServer({}, (server) =>
    withProxiedBus(server, {}, async ({ bus, proxy }) => {
      const heard = new Heard();
      await heard.subscribe(bus, CHANNEL);
      const { opened, open } = gate();
      proxy.add(() => async (data, direction) => {
        if (direction === "reply" && data.includes("specversion")) await opened;
        return data;
      });
      for (let i = 0; i < 3; i++) await bus.publish(CHANNEL, i);
      assert.deepEqual(heard.values, []);
      const closed = bus.close();
      setTimeout(open, 50);
      await closed;
      assert.deepEqual(heard.values, ["0", "1", "2"]);
    })));

test("close settles by its deadline also when the server does not answer", () =>
  withServer({}, (server) =>
    withBus({ url: server.url }, async ({ bus }) => {
      const subscription = await bus.subscribe(CHANNEL, () => {});
      server.pause();
      const publishing = failureOf(bus.publish(CHANNEL, 1));
      const error = await within(300, () => failureOf(bus.close({ timeoutMs: 300 })));
      assert.equal(error.code, "timeout");
      assert.ok(["closed", "timeout", "unavailable"].includes((await publishing).code));
      await subscription.ended;
    })));

test("a bus whose server is away closes without waiting for it", () =>
  withServer({}, (server) =>
    withBus({ url: server.url }, async ({ bus, reports }) => {
      await bus.subscribe(CHANNEL, () => {});
      await server.stop("kill");
      await until("it is noticed", () => reports.of("messaging.subscription_lost").length > 0);
      await within(0, () => bus.close());
    })));

test("a bus for a server that cannot be reached is none, and neither is its subscription", () =>
  withServer({}, async (server) => {
    await withBus({ url: server.url }, async ({ bus, reports }) => {
      await server.stop("kill");
      await until("it is noticed", () => reports.of("messaging.connection_lost").length > 0);
      assert.equal((await failureOf(bus.subscribe(CHANNEL, () => {}))).code, "unavailable");
      const connecting = RedisEventBus.connect({ url: server.url });
      assert.equal((await failureOf(connecting)).code, "unavailable");
      await server.start();
      const heard = new Heard();
      await heard.subscribe(bus, CHANNEL);
      await until("it works", () => bus.publish(CHANNEL, 1).then(() => true, () => false));
      await heard.until(1);
    });
  }));
