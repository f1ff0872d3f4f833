import assert from "node:assert/strict";
import { gate } from "../conformance/messaging/support.ts";
import { failureOf, Heard, withBus, withProxiedBus } from "../support/faulty_events.ts";
import { within, withServer } from "../support/faulty_redis.ts";
import type { PrivateRedis } from "../support/private_redis.ts";
import { withRedis } from "../support/redis.ts";
import { privateServerTest } from "../support/services.ts";
import { swallowReply, type Toxic } from "../support/toxics.ts";
import { until } from "../support/until.ts";

const test = privateServerTest("redis");

const CHANNEL = "events:user";

const BREAKS: Readonly<Record<string, (server: PrivateRedis) => Promise<unknown>>> = {
  "the server ends the connection": ({ url }) =>
    withRedis(url, (send) => send("CLIENT", "KILL", "TYPE", "pubsub")),
  "the server dies and is started again": async (server) => {
    await server.stop("kill");
    await server.start();
  },
  "the server is stopped and started again": async (server) => {
    await server.stop();
    await server.start();
  },
};

for (const [what, breakIt] of Object.entries(BREAKS)) {
  test(`after ${what} every subscription is told of one gap, and then hears again`, () =>
    withServer({}, (server) =>
      withBus({ url: server.url }, async ({ bus, reports }) => {
        const [one, two, many, pattern] = [new Heard(), new Heard(), new Heard(), new Heard()];
        await one.subscribe(bus, CHANNEL);
        await two.subscribe(bus, CHANNEL);
        await bus.subscribeMany([CHANNEL, "events:other"], ({ payload }) => many.add(payload), {
          onProblem: many.problem,
        });
        await pattern.psubscribe(bus, "events:*");
        const all = [one, two, many, pattern];
        await bus.publish(CHANNEL, 1);
        await Promise.all(all.map((heard) => heard.until(1)));
        await breakIt(server);
        await Promise.all(all.map((heard) => heard.until(2)));
        await until("events can be published", () =>
          bus.publish(CHANNEL, 2).then(() => true, () => false));
        await Promise.all(all.map((heard) =>
          heard.until(3)
        ));
        await bus.publish("events:other", 3);
        await Promise.all([many.until(4), pattern.until(4)]);
        assert.deepEqual([one.values, two.values], [["1", "gap", "2"], ["1", "gap", "2"]]);
        assert.deepEqual([many.values, pattern.values], Array(2).fill(["1", "gap", "2", "3"]));
        assert.equal(reports.of("messaging.subscription_lost").length, 1);
      })));
}

test("a channel and a pattern that selects it bring each event once, also after a break", () =>
  withServer({}, (server) =>
    withBus({ url: server.url }, async ({ bus }) => {
      const [channel, pattern] = [new Heard(), new Heard()];
      await channel.subscribe(bus, CHANNEL);
      await pattern.psubscribe(bus, "events:*");
      for (const round of [0, 1]) {
        for (let i = 0; i < 3; i++) await bus.publish(CHANNEL, i);
        for (const heard of [channel, pattern]) await heard.until(3 + 4 * round);
        if (round === 1) break;
        await withRedis(server.url, (send) => send("CLIENT", "KILL", "TYPE", "pubsub"));
        for (const heard of [channel, pattern]) await heard.until(4);
      }
      const expected = ["0", "1", "2", "gap", "0", "1", "2"];
      assert.deepEqual([channel.values, pattern.values], [expected, expected]);
    })));

test("the server has each channel and pattern once, and only as long as somebody wants it", () =>
  withServer({}, (server) =>
    withBus({ url: server.url }, async ({ bus }) => {
      const counts = async (): Promise<unknown> => [
        await server.command("PUBSUB", "NUMSUB", CHANNEL),
        await server.command("PUBSUB", "NUMPAT"),
        (await server.command("CLIENT", "LIST", "TYPE", "pubsub") as string).trim().split("\n")
          .filter((line) => line !== "").length,
      ];
      const heard = new Heard();
      const first = await heard.subscribe(bus, CHANNEL);
      const second = await heard.subscribe(bus, CHANNEL);
      const pattern = await heard.psubscribe(bus, "events:*");
      assert.deepEqual(await counts(), [[CHANNEL, 1], 1, 1]);
      await first.unsubscribe();
      assert.deepEqual(await counts(), [[CHANNEL, 1], 1, 1]);
      await second.unsubscribe();
      await pattern.unsubscribe();
      const isFree = async (): Promise<boolean> =>
        JSON.stringify(await counts()).startsWith(`[["${CHANNEL}",0],0`);
      await until("the server has none of them", isFree);
    })));

test("a subscribe that is under way when the connection breaks resolves with the next one", () =>
  withServer({}, (server) =>
    withProxiedBus(server, {}, async ({ bus, other, proxy, reports }) => {
      const [first, late] = [new Heard(), new Heard()];
      await first.subscribe(bus, CHANNEL);
      proxy.add(swallowReply(/events:late/));
      const subscribing = late.subscribe(bus, "events:late");
      await until("it breaks", () => reports.of("messaging.subscription_lost").length > 0);
      proxy.heal();
      await subscribing;
      await other.publish("events:late", 1);
      await late.until(1);
      await first.until(1);
      assert.deepEqual([first.values, late.values], [["gap"], ["1"]]);
    })));

test("a subscribe that the server does not confirm rejects by its deadline, and is none then", () =>
  withServer({}, (server) =>
    withBus({ url: server.url }, async ({ bus }) => {
      const [first, late] = [new Heard(), new Heard()];
      await first.subscribe(bus, CHANNEL);
      server.pause();
      const options = { timeoutMs: 200, onProblem: late.problem };
      const add = ({ payload }: { payload: string }): void => late.add(payload);
      const error = await within(200, () => failureOf(bus.subscribe("events:late", add, options)));
      assert.deepEqual([error.code, error.outcome], ["timeout", "not-applied"]);
      const leaving = new AbortController();
      const aborted = failureOf(bus.subscribe("events:late", () => {}, { signal: leaving.signal }));
      leaving.abort();
      assert.equal((await aborted).code, "aborted");
      server.resume();
      await until("it works again", () => bus.health().then(() => true, () => false));
      assert.equal((await bus.health()).subscriptions, 1);
      await bus.publish("events:late", 1);
      await bus.publish(CHANNEL, 2);
      await until("the last event has come", () => first.values.includes("2"));
      assert.deepEqual(late.values, []);
    })));

test("while the server is away, a subscription to a channel that is there waits for its return", () =>
  withServer({}, (server) =>
    withBus({ url: server.url }, async ({ bus, reports }) => {
      const [first, second] = [new Heard(), new Heard()];
      await first.subscribe(bus, CHANNEL);
      await server.stop("kill");
      await until("it is noticed", () => reports.of("messaging.subscription_lost").length > 0);
      let isLive = false;
      const subscribing = second.subscribe(bus, CHANNEL).then(() => isLive = true);
      const { code } = await failureOf(bus.subscribe(CHANNEL, () => {}, { timeoutMs: 100 }));
      assert.deepEqual([code, isLive], ["timeout", false]);
      await server.start();
      await subscribing;
      await until("it is published", () => bus.publish(CHANNEL, 1).then(() => true, () => false));
      await Promise.all([first.until(2), second.until(1)]);
      // Nothing was promised to the second one before the gap.
      assert.deepEqual([first.values, second.values], [["gap", "1"], ["1"]]);
    })));

test("unsubscribe while the server is away resolves at once, and it is not subscribed again", () =>
  withServer({}, (server) =>
    withBus({ url: server.url }, async ({ bus, reports }) => {
      const [left, stayed] = [new Heard(), new Heard()];
      const subscription = await left.subscribe(bus, "events:left");
      await stayed.subscribe(bus, CHANNEL);
      await server.stop("kill");
      await until("it is noticed", () => reports.of("messaging.subscription_lost").length > 0);
      await within(0, () => subscription.unsubscribe());
      await subscription.ended;
      await server.start();
      await stayed.until(1);
      assert.deepEqual(await server.command("PUBSUB", "CHANNELS"), [CHANNEL]);
      assert.deepEqual([left.values, stayed.values], [[], ["gap"]]);
    })));

test("when the server ends a connection that reads too slowly, there is a gap, and what comes later is heard", () =>
  withServer(
    { settings: { "client-output-buffer-limit": "pubsub 1mb 1mb 1" } },
    (server) =>
      withProxiedBus(server, {}, async ({ bus, other, proxy, reports }) => {
        const heard = new Heard();
        await heard.subscribe(bus, CHANNEL);
        const reading = gate();
        const slowly: Toxic = () => async (data, direction) => {
          if (direction === "reply") await reading.opened;
          return data;
        };
        proxy.add(slowly);
        const large = "x".repeat(500_000);
        const readers = (): Promise<unknown> => server.command("CLIENT", "LIST", "TYPE", "pubsub");
        const [id = ""] = /id=\d+ /.exec(String(await readers())) ?? [];
        let published = 0;
        await until("the server has ended it", async () => {
          await other.publish(CHANNEL, large);
          published++;
          return !String(await readers()).includes(id);
        });
        assert.deepEqual(reports.of("messaging.subscription_lost"), []);
        reading.open();
        await until("the gap is told", () => heard.values.includes("gap"));
        await other.publish(CHANNEL, 1);
        await until("it is heard", () => heard.values.at(-1) === "1");
        assert.equal(heard.values.filter((one) => one === "gap").length, 1);
        assert.ok(heard.values.length < published + 2, "nothing was lost");
      }),
  ));
