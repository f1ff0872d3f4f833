import assert from "node:assert/strict";
import { RedisEventBus } from "../../../messaging/adapters/redis.ts";
import { messagingConformance } from "../../conformance/messaging.ts";
import { Heard } from "../../support/faulty_events.ts";
import { lazily } from "../../support/lazily.ts";
import { startRedisCluster } from "../../support/redis_cluster.ts";
import { privateServerTest } from "../../support/services.ts";
import { until } from "../../support/until.ts";

const test = privateServerTest("redis");

const cluster = lazily(startRedisCluster);

messagingConformance(test, {
  name: "redis cluster",
  capabilities: { patterns: true, maxPayloadBytes: 1_000_000 },
  create: async () => RedisEventBus.connect({ cluster: [(await cluster()).urls[0]!] }),
});

test("in a cluster, the events of one channel keep their order, whichever node has it", async () => {
  const bus = await RedisEventBus.connect({ cluster: (await cluster()).urls });
  const channels = Array.from({ length: 9 }, (_, i) => `events:order:${i}`);
  const heard = channels.map(() => new Heard());
  await Promise.all(channels.map((channel, i) => heard[i]!.subscribe(bus, channel)));
  const numbers = Array.from({ length: 50 }, (_, i) => i);
  await Promise.all(numbers.flatMap((i) => channels.map((channel) => bus.publish(channel, i))));
  await Promise.all(heard.map((one) => one.until(numbers.length)));
  for (const { values } of heard) assert.deepEqual(values, numbers.map(String));
  await bus.close();
});

test("a cluster of which one node is away takes events and subscriptions", async () => {
  const { urls, nodes, untilReady } = await cluster();
  for (const node of nodes) {
    // So that the others serve.
    await node.command("CONFIG", "SET", "cluster-require-full-coverage", "no");
  }
  await nodes[0]!.stop("kill");
  for (let i = 0; i < 5; i++) {
    const bus = await RedisEventBus.connect({ cluster: urls });
    const heard = new Heard();
    await heard.subscribe(bus, "events:user");
    await bus.publish("events:user", i);
    await bus.close();
    assert.deepEqual(heard.values, [String(i)]);
  }
  await nodes[0]!.start();
  await untilReady();
});

test("when the node of a bus dies, it goes on at another one, and there is a gap", async () => {
  const { nodes, urls, untilReady } = await cluster();
  const bus = await RedisEventBus.connect({ cluster: urls });
  const heard = new Heard();
  await heard.subscribe(bus, "events:user");
  const listed = await Promise.all(nodes.map((node) => node.command("PUBSUB", "CHANNELS")));
  const node = nodes[listed.findIndex((channels) => String(channels) === "events:user")]!;
  await node.stop("kill");
  await heard.until(1);
  await until("it works", () => bus.publish("events:user", 1).then(() => true, () => false));
  await heard.until(2);
  assert.deepEqual(heard.values, ["gap", "1"]);
  await bus.close();
  await node.start();
  await untilReady();
});

test("the cluster of these tests stops", async () => {
  await (await cluster())[Symbol.asyncDispose]();
});
