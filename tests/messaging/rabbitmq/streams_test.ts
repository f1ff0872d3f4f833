import { after } from "node:test";
import { RabbitMqStreamBus } from "../../../messaging/adapters/rabbitmq.ts";
import { streamConformance } from "../../conformance/streams.ts";
import { RabbitMqPlace } from "../../support/rabbitmq.ts";
import { findService, serviceTest } from "../../support/services.ts";

const service = await findService("rabbitmq");
const url = "url" in service ? service.url : "";
const place = new RabbitMqPlace(url);
const test = serviceTest(service);

streamConformance((name, fn) => test(name, fn), {
  name: "RabbitMqStreamBus",
  capabilities: { replay: false, maxPayloadBytes: 1_000_000 },
  takeOverMs: 200,
  create: async () => place.watch(await RabbitMqStreamBus.connect({ url, prefix: place.prefix })),
  publishRaw: (channel, bytes) => place.publishRaw(channel, bytes),
});

after(() => url ? place.clear() : undefined);
