import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { RabbitMqStreamBus } from "../../messaging/adapters/rabbitmq.ts";
import { freePort } from "./free_port.ts";
import { probeRabbitMq, RabbitMqPlace, withRabbitMq } from "./rabbitmq.ts";
import { findService, serviceTest } from "./services.ts";

const needsRabbitMq = serviceTest(await findService("rabbitmq"));

needsRabbitMq("a server that lets us in is usable", async (url) => {
  assert.equal(await probeRabbitMq(url), undefined);
});

test("a server that answers something else is not usable, nor is one that is not there", async () => {
  const server = createServer((socket) =>
    socket.on("error", () => {}).resume().end("HTTP/1.1 400 Bad\r\n\r\n")
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await assert.rejects(probeRabbitMq(`amqp://127.0.0.1:${port}`));
  server.close();
  await once(server, "close");
  await assert.rejects(probeRabbitMq(`amqp://u:s3cr3t@127.0.0.1:${await freePort()}`), (error) => {
    assert.match(String(error), /ECONNREFUSED/);
    return !String(error).includes("s3cr3t");
  });
});

needsRabbitMq("a place is cleared of what its buses made", async (url) => {
  const place = new RabbitMqPlace(url);
  const bus = place.watch(await RabbitMqStreamBus.connect({ url, prefix: place.prefix }));
  await bus.subscribe("a", () => {}, { group: "g" });
  await bus.reader("b", { group: "g" });
  await bus.publish("c", {}, { type: "t" }).catch(() => {});
  await bus.close();
  await place.clear();
  await withRabbitMq(url, async (client) => {
    for (const queue of [place.names.queue("a", "g"), place.names.letters("b", "g")]) {
      const channel = await client.createChannel();
      channel.on("error", () => {});
      await assert.rejects(channel.checkQueue(queue), /404/);
    }
    for (const name of ["a", "b", "c"]) {
      const channel = await client.createChannel();
      channel.on("error", () => {});
      await assert.rejects(channel.checkExchange(place.names.exchange(name)), /404/);
    }
  });
});
