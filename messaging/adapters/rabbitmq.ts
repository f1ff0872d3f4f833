/**
 * Durable streams on RabbitMQ, over the package `amqplib`.
 *
 * @module
 */

import { refuseEdgeConnections } from "../../core/edge.ts";
import { PortableStreamBus } from "../portable_streams.ts";
import { checkConfig, type RabbitMqStreamBusConfig } from "./rabbitmq/config.ts";
import { RabbitMqStreamDriver } from "./rabbitmq/rabbitmq_driver.ts";

export type { RabbitMqStreamBusConfig } from "./rabbitmq/config.ts";
export type { PortableStreamBus, StreamBusOptions } from "../portable_streams.ts";

refuseEdgeConnections("RabbitMQ", "write events to the outbox and run its relay elsewhere");

/**
 * Durable streams on RabbitMQ 3.10 or later.
 *
 * **How it is kept.** Each channel is a durable fanout exchange, each group a quorum queue with one more for its
 * dead letters. What `publish` resolves for was confirmed: it is on the disks of most of the servers that keep the
 * queue.
 *
 * **No history.** A queue forgets what was acknowledged, so `replay`, `seek` and `trim` are `unsupported`, and a
 * group gets what is published once it exists. What is published to a channel that has no group would be lost:
 * `publish` rejects with code `not_found`. `publishMany` may then have reached other channels.
 *
 * **When the server is away**, calls reject with code `unavailable`, and subscriptions go on trying; a server that
 * is back is found within 5 seconds. What was sent and is not confirmed is sent again with the same id until the
 * deadline of its `publish`, so it may come twice. A server that is short of memory or disk takes no messages:
 * `publish` then rejects by its deadline and says so.
 *
 * **Who has a message.** The server gives away what a reader holds when its connection ends, at once, and when it
 * is silent, by `heartbeatMs`. Readers give back what was neither settled nor extended for `takeOverMs`, and
 * all of it when they are closed. No message can be held longer than `consumer_timeout` of the server, 30 minutes
 * by default, however often it is extended.
 *
 * **Attempts** are counted by the server, also those of a reader that was gone before it could read: where readers
 * compete, or one stops reading, a message may have an attempt more than it was read. An exchange or a queue that
 * is deleted is made again, a queue without what it held; a group whose exchange was deleted gets what is published
 * once a reader of it has connected again, until then `publish` rejects.
 *
 * **Figures.** The server does not tell how many messages were given out: `pending` and `oldestPendingMs` are
 * about the readers of this bus. To list dead letters takes all of them for a moment, during which they are not
 * counted, and takes time with the number of all; `redrive` and `discard` wait for each other, and for that.
 *
 * ```ts
 * import { RabbitMqStreamBus } from "@benchmark-exchange/infrastructure/messaging/rabbitmq";
 *
 * const bus = await RabbitMqStreamBus.connect({ url: "amqp://guest:guest@127.0.0.1:5672" });
 * await bus.subscribe("events:submission", (message) => console.log(message.type), {
 *   group: "leaderboards",
 * });
 * await bus.publish("events:submission", { type: "submission_created" });
 * await bus.close();
 * ```
 */
export class RabbitMqStreamBus extends PortableStreamBus {
  private constructor(driver: RabbitMqStreamDriver, config: RabbitMqStreamBusConfig) {
    super(driver, config);
  }

  /**
   * Connects. Rejects with a `MessagingError` if the server cannot be reached within `connectTimeoutMs` or refuses,
   * and with a `ValidationError` or `ConfigurationError` for bad input.
   */
  static async connect(config: RabbitMqStreamBusConfig = {}): Promise<RabbitMqStreamBus> {
    return new RabbitMqStreamBus(await RabbitMqStreamDriver.connect(checkConfig(config)), config);
  }
}
