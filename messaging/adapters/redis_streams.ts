/**
 * Durable streams on Redis or Valkey, over `@redis/client`, the client of the package `redis`.
 *
 * @module
 */

import type { RedisClientLike } from "../../core/redis/channel.ts";
import { PortableStreamBus } from "../portable_streams.ts";
import {
  checkStreamConfig,
  type RedisStreamBusConfig,
  type RedisStreamBusOptions,
} from "./redis/stream_config.ts";
import { RedisStreamDriver } from "./redis/stream_driver.ts";

export type { RedisStreamBusConfig, RedisStreamBusOptions } from "./redis/stream_config.ts";
export type { RedisClientLike } from "../../core/redis/channel.ts";
export type { PortableStreamBus, StreamBusOptions } from "../portable_streams.ts";
export type { RedisSource } from "../../core/redis/redis_source.ts";

/**
 * Durable streams on Redis 7 or Valkey, a single server or a cluster, shared by all buses with the same namespace.
 *
 * **At least once, from what the server has.** An event is accepted when the server has it in memory. What a server
 * loses when it dies depends on its `appendfsync`, and a failover loses what was not replicated yet (M. Kleppmann
 * and Jepsen measured both): where that must not be, publish from the outbox of the database. A stream that is
 * gone is created again, and its groups are told by the problem `interrupted`.
 *
 * **What is kept.** A channel is one stream, an event one entry of it with one field, `d`: the JSON format of
 * CloudEvents 1.0. Each process that publishes trims now and then: of the records that every group is done
 * with, the newest `keep` stay. What a group is not done with stays, however much that is; a server without room for
 * more refuses to publish, with code `resource_exhausted`.
 *
 * Each reader has a connection of its own, because it waits on the server. What is given back, and redriven, goes
 * through a stream of its group. Keys are `<namespace>/stream/{<channel>}`, and those of groups beside it.
 *
 * It counts `messaging.connection_lost`.
 *
 * ```ts
 * import { EventChannel } from "@benchmark-exchange/infrastructure/messaging";
 * import { RedisStreamBus } from "@benchmark-exchange/infrastructure/messaging/redis-streams";
 *
 * const bus = await RedisStreamBus.connect({ url: "redis://127.0.0.1:6379" });
 * const handler = (message: { payload: string }): void => console.log(message.payload);
 * await bus.subscribe(EventChannel.SUBMISSION, handler, { group: "verifier", concurrency: 10 });
 * await bus.publish(EventChannel.SUBMISSION, { type: "Created" }, { partitionKey: "42" });
 * await bus.close();
 * ```
 */
export class RedisStreamBus extends PortableStreamBus {
  /**
   * Connects. Takes a configuration, or a client of the package `redis` (single or cluster) and options: the bus
   * then makes connections of its own with that client's options, and leaves the client alone.
   *
   * Rejects with a `MessagingError` if the server cannot be reached within `connectTimeoutMs`, and with a
   * `ValidationError` or `ConfigurationError` for bad input.
   */
  static async connect(
    source: RedisStreamBusConfig | RedisClientLike = {},
    options: RedisStreamBusOptions = {},
  ): Promise<RedisStreamBus> {
    const settings = checkStreamConfig(source, options);
    return new RedisStreamBus(await RedisStreamDriver.open(settings), settings);
  }
}
