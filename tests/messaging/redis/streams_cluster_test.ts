import { Buffer } from "node:buffer";
import { createCluster } from "redis";
import { streamKeys } from "../../../messaging/adapters/redis/stream_keys.ts";
import { RedisStreamBus } from "../../../messaging/adapters/redis_streams.ts";
import { streamConformance } from "../../conformance/streams.ts";
import { lazily } from "../../support/lazily.ts";
import { startRedisCluster } from "../../support/redis_cluster.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("redis");

const cluster = lazily(startRedisCluster);

streamConformance(test, {
  name: "RedisStreamBus on a cluster",
  capabilities: { replay: true, maxPayloadBytes: 1_000_000 },
  takeOverMs: 200,
  create: async () => RedisStreamBus.connect({ cluster: [(await cluster()).urls[0]!] }),
  async publishRaw(channel, bytes) {
    const rootNodes = (await cluster()).urls.map((url) => ({ url }));
    const client = await createCluster({ rootNodes }).connect();
    const key = streamKeys("exchange", channel).stream;
    await client.sendCommand(key, false, ["XADD", key, "*", "d", Buffer.from(bytes)]);
    client.destroy();
  },
});

test("the servers of a run end with it", async () => {
  await (await cluster())[Symbol.asyncDispose]();
});
