import { RedisEventBus } from "../../../messaging/adapters/redis.ts";
import { messagingConformance } from "../../conformance/messaging.ts";
import { findService, serviceTest } from "../../support/services.ts";

const service = await findService("redis");
const url = "url" in service ? service.url : "";

messagingConformance(serviceTest(service), {
  name: "redis",
  capabilities: { patterns: true, maxPayloadBytes: 1_000_000 },
  create: () => RedisEventBus.connect({ url }),
});
