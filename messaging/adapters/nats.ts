/**
 * Durable streams on NATS JetStream, over `@nats-io/transport-node` and `@nats-io/jetstream`.
 *
 * @module
 */

import { refuseEdgeConnections } from "../../core/edge.ts";
import { PortableStreamBus } from "../portable_streams.ts";
import { checkConfig, type NatsStreamBusConfig } from "./nats/config.ts";
import { NatsServer } from "./nats/server.ts";
import { NatsStreamDriver } from "./nats/stream_driver.ts";

export type { NatsStreamBusConfig } from "./nats/config.ts";
export type { PortableStreamBus, StreamBusOptions } from "../portable_streams.ts";

refuseEdgeConnections("NATS", "write events to the outbox and run its relay elsewhere");

/**
 * A `StreamBus` on NATS JetStream, 2.9 or later: a stream for each channel, which is made when it is first needed, a
 * durable consumer for each group, and beside them, once they are needed, a stream for dead letters.
 *
 * **Durability.** What `publish` resolves for is in the stream's file on `replicas` servers. By default a server
 * flushes it to the disk only every two minutes, so a power cut can lose more than a crash of the process;
 * `sync_interval: always` in its configuration makes it flush before it answers.
 *
 * **Duplicates.** An event that is published twice with the same id within two minutes is stored once. So a `publish`
 * with `outcome: "unknown"` can be repeated with its id.
 *
 * **Groups.** All readers of a group share `takeOverMs`: that of the last to join holds for all. `pending` counts what
 * was released as pending until it is given out again. A reader notices within two seconds that its group was sent
 * elsewhere by `seek`. When somebody deletes the consumer or the stream behind a subscription, it says `interrupted`,
 * makes it again, and goes on from where the group was known to be done, so messages can come again. What a forced
 * `trim` or a limit of the stream removes is told if it was never given out; what was released and is then removed is not.
 *
 * **While the server is away**, calls wait a moment for a new connection and then reject with `unavailable`; the
 * connection is made again for ever.
 *
 * ```ts
 * import { EventChannel } from "@benchmark-exchange/infrastructure/messaging";
 * import { NatsStreamBus } from "@benchmark-exchange/infrastructure/messaging/nats";
 *
 * const bus = await NatsStreamBus.connect({ url: "nats://127.0.0.1:4222" });
 * const subscription = await bus.subscribe(EventChannel.SUBMISSION, (message) => {
 *   console.log(message.type);
 * }, { group: "scoring" });
 * await bus.publish(EventChannel.SUBMISSION, { type: "scored" });
 * await subscription.unsubscribe();
 * await bus.close();
 * ```
 */
export class NatsStreamBus extends PortableStreamBus {
  /**
   * Connects. Rejects with a `MessagingError` if the server cannot be reached within `connectTimeoutMs` or has no
   * JetStream, and with a `ValidationError` or `ConfigurationError` for bad input.
   */
  static async connect(config: NatsStreamBusConfig = {}): Promise<NatsStreamBus> {
    const settings = checkConfig(config);
    const server = await NatsServer.connect(settings);
    const driver = new NatsStreamDriver(server, settings);
    try {
      await driver.health({ operation: "connect to NATS", timeoutMs: settings.connectTimeoutMs });
    } catch (error) {
      await driver.close();
      throw error;
    }
    return new NatsStreamBus(driver, config);
  }
}
