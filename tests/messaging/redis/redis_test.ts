import { findService, serviceTest } from "../../support/services.ts";
import { messagingConformance } from "../../conformance/messaging.ts";
import { RedisEventBus } from "../../../messaging/adapters/redis.ts";

const test = serviceTest(await findService("redis"));

for (const maxPayloadBytes of [1_000_000, 1_001]) {
  let url = "";
  messagingConformance(
    (name, fn) =>
      test(name, (found) => {
        url = found;
        return fn();
      }),
    {
      name: `RedisEventBus of ${maxPayloadBytes} bytes`,
      capabilities: { durable: false, patterns: true, maxPayloadBytes },
      create: () => RedisEventBus.connect({ url, maxPayloadBytes }),
    },
  );
}
