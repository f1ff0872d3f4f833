import { findService, serviceTest } from "../../support/services.ts";
import { RedisStreamBus } from "../../../messaging/adapters/redis_streams.ts";
import { streamConformance } from "../../conformance/streams.ts";
import { streamKeys } from "../../../messaging/adapters/redis/stream_keys.ts";
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
