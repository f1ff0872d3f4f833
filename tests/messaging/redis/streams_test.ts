import assert from "node:assert/strict";
import { findService, serviceTest } from "../../support/services.ts";
import { RedisStreamBus } from "../../../messaging/adapters/redis_streams.ts";
import { streamConformance } from "../../conformance/streams.ts";
import { streamKeys } from "../../../messaging/adapters/redis/stream_keys.ts";
import { until } from "../../support/until.ts";
import { testNamespace, withRedis } from "../../support/redis.ts";

const test = serviceTest(await findService("redis"));
const namespace = testNamespace();
let url = "";

streamConformance(
  (name, fn) =>
    test(name, (found) => {
      url = found;
      return fn();
    }),
  {
    name: "RedisStreamBus",
    capabilities: { replay: true, maxPayloadBytes: 1_000_000 },
    takeOverMs: 200,
    create: () => RedisStreamBus.connect({ url, namespace }),
    async publishRaw(channel, bytes) {
      const key = streamKeys(namespace, channel).stream;
      await withRedis(url, (send) => send("XADD", key, "*", "d", bytes));
    },
  },
);

test("a reader that is closed is forgotten, one that holds something is not", async (url) => {
  const bus = await RedisStreamBus.connect({ url, namespace });
  const channel = `consumers:${crypto.randomUUID()}`;
  const [idle, busy] = [
    await bus.reader(channel, { group: "one" }),
    await bus.reader(channel, { group: "one" }),
  ];
  await idle.read({ waitMs: 1 });
  await bus.publish(channel, 1);
  const { entries } = await busy.read();
  await Promise.all([idle.close(), busy.close()]);
  await withRedis(url, async (send) => {
    const key = streamKeys(namespace, channel).stream;
    const consumers = async (): Promise<number> =>
      (await send("XINFO", "CONSUMERS", key, "one") as unknown[]).length;
    await until("one is left", async () => await consumers() === 1);
  });
  const next = await bus.reader(channel, { group: "one", takeOverMs: 100 });
  await until("it is taken over", async () => (await next.read()).entries.length === 1);
  assert.equal(entries.length, 1);
  await bus.close();
});
