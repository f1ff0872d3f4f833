/**
 * Publish and subscribe on Redis or Valkey, over `@redis/client`, the client of the package `redis`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type CallOptions, checkCallOptions, settleWithin } from "../../core/call_options.ts";
import { MessagingError } from "../../core/errors.ts";
import type { RedisClientLike } from "../../core/redis/channel.ts";
import { RedisConnection } from "../../core/redis/connection.ts";
import { checkChannel, checkChannels, checkPattern } from "../channel_rules.ts";
import { encodeEnvelope } from "../envelope.ts";
import { completeAttributes } from "../event_attributes.ts";
import { HandlerQueue } from "../handler_queue.ts";
import { checkCall, DEFAULT_TIMEOUT_MS, interruptionError } from "../interruption.ts";
import type {
  EventBus,
  MessageHandler,
  MessagingCapabilities,
  PublishOptions,
  SubscribeOptions,
  Subscription,
} from "../messaging.ts";
import {
  checkConfig,
  type RedisEventBusConfig,
  type RedisEventBusOptions,
  type RedisEventBusSettings,
} from "./redis/config.ts";
import { RedisSubscriptions } from "./redis/subscriptions.ts";

export type { RedisEventBusConfig, RedisEventBusOptions } from "./redis/config.ts";
export type { RedisClientLike } from "../../core/redis/channel.ts";
export type { RedisSource } from "../../core/redis/redis_source.ts";

/**
 * An event bus on the publish and subscribe of Redis or Valkey, a single server or a cluster.
 *
 * **At most once.** The server keeps nothing: an event is gone for who is not subscribed in that moment, and for
 * who is not connected. A broken connection is replaced within 5 seconds of the server's return, with all its
 * subscriptions; then each of them is told of a gap, because nobody knows what was published meanwhile. The
 * server ends a connection that falls behind (`client-output-buffer-limit`), which is a gap, too. Events that must
 * not be lost belong into a stream.
 *
 * Channels are named on the server as they are here, whatever the database, so that programs in other languages can
 * publish and listen: an event is the JSON format of CloudEvents 1.0. All subscriptions of a bus share one
 * connection, and what is published goes over another. `publish` resolves when the server has taken the event.
 *
 * It counts `messaging.connection_lost` and `messaging.subscription_lost`.
 *
 * ```ts
 * import { EventChannel } from "@benchmark-exchange/infrastructure/messaging";
 * import { RedisEventBus } from "@benchmark-exchange/infrastructure/messaging/redis";
 *
 * const bus = await RedisEventBus.connect({ url: "redis://127.0.0.1:6379" });
 * await bus.subscribe(EventChannel.BENCHMARK, (message) => console.log(message.payload));
 * await bus.publish(EventChannel.BENCHMARK, { type: "Created", benchmarkId: "1", name: "MMLU" });
 * await bus.close();
 * ```
 */
export class RedisEventBus implements EventBus {
  /** What this bus can do. */
  readonly capabilities: MessagingCapabilities;
  readonly #settings: RedisEventBusSettings;
  readonly #connection: RedisConnection;
  readonly #subscriptions: RedisSubscriptions;
  #publishing = 0;
  #onPublished = (): void => {};
  #closing: Promise<void> | undefined;

  private constructor(
    settings: RedisEventBusSettings,
    connection: RedisConnection,
    subscriptions: RedisSubscriptions,
  ) {
    const { maxPayloadBytes } = settings;
    this.capabilities = { durable: false, patterns: true, maxPayloadBytes };
    this.#settings = settings;
    this.#connection = connection;
    this.#subscriptions = subscriptions;
  }

  /**
   * Connects. Takes a configuration, or a client of the package `redis` (single or cluster) and options: the bus
   * then makes connections of its own with that client's options, and leaves the client alone.
   *
   * Rejects with a `MessagingError` if the server cannot be reached within `connectTimeoutMs`, and with a
   * `ValidationError` or `ConfigurationError` for bad input.
   */
  static async connect(
    source: RedisEventBusConfig | RedisClientLike = {},
    options: RedisEventBusOptions = {},
  ): Promise<RedisEventBus> {
    const settings = checkConfig(source, options);
    const prepare = (): Promise<void> => Promise.resolve();
    const connection = await RedisConnection.open({ ...settings, prepare });
    try {
      const subscriptions = await RedisSubscriptions.open(settings);
      return new RedisEventBus(settings, connection, subscriptions);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** See `EventPublisher.publish`. */
  async publish(channel: string, payload: unknown, options: PublishOptions = {}): Promise<string> {
    return await this.#publish([checkChannel("channel", channel)], payload, options);
  }

  /** See `EventPublisher.publishMany`. */
  async publishMany(
    channels: readonly string[],
    payload: unknown,
    options: PublishOptions = {},
  ): Promise<string> {
    return await this.#publish(checkChannels("channels", channels), payload, options);
  }

  /** See `EventSubscriber.subscribe`. */
  async subscribe(
    channel: string,
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const wanted = [checkChannel("channel", channel)];
    return await this.#subscribe({ kind: "channel", names: wanted }, handler, options);
  }

  /** See `EventSubscriber.subscribeMany`. */
  async subscribeMany(
    channels: readonly string[],
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const wanted = checkChannels("channels", channels);
    return await this.#subscribe({ kind: "channel", names: wanted }, handler, options);
  }

  /** See `EventSubscriber.psubscribe`. */
  async psubscribe(
    pattern: string,
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    // A pattern has no other wildcard than `*`, and no escape, so it means the same to the server.
    const wanted = [checkPattern("pattern", pattern)];
    return await this.#subscribe({ kind: "pattern", names: wanted }, handler, options);
  }

  /** Asks the server, and tells how many subscriptions there are, how much waits for them, and is under way. */
  async health(options: CallOptions = {}): Promise<Record<string, unknown>> {
    const operation = "check the health of the event bus";
    this.#checkCall(operation, options);
    const { timeoutMs } = this.#settings;
    const ping = { args: ["PING"], readOnly: true, repeatable: true };
    await this.#connection.send(ping, { operation, timeoutMs, ...options });
    if (!this.#subscriptions.isReady) {
      throw new MessagingError(`Cannot ${operation}: the subscriptions have no connection`, {
        code: "unavailable",
        operation,
        retryable: true,
      });
    }
    return this.#subscriptions.load;
  }

  /** See `EventBus.close`. */
  async close(options: CallOptions = {}): Promise<void> {
    checkCallOptions(options);
    this.#closing ??= this.#close(options);
    await this.#closing;
  }

  /** The same as {@linkcode RedisEventBus.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #publish(
    channels: readonly string[],
    payload: unknown,
    options: PublishOptions,
  ): Promise<string> {
    this.#checkCall("publish", options);
    const { source, clock, maxPayloadBytes } = this.#settings;
    const attributes = completeAttributes(options, {
      channel: channels[0] as string,
      payload,
      source,
      time: new Date(clock.now()),
    });
    const { buffer, byteOffset, length } = encodeEnvelope(attributes, payload, maxPayloadBytes);
    const bytes = Buffer.from(buffer, byteOffset, length);
    const { signal, timeoutMs = this.#settings.timeoutMs } = options;
    const call = { operation: "publish", signal, timeoutMs };
    const send = (channel: string): Promise<unknown> =>
      this.#connection.send({ args: ["PUBLISH", channel, bytes] }, call);
    this.#publishing++;
    try {
      if (channels.length === 1) await send(channels[0] as string);
      else await Promise.all(channels.map(send));
    } finally {
      if (--this.#publishing === 0) this.#onPublished();
    }
    return attributes.id;
  }

  async #subscribe(
    wanted: Parameters<RedisSubscriptions["add"]>[1],
    handler: MessageHandler,
    options: SubscribeOptions,
  ): Promise<Subscription> {
    this.#checkCall("subscribe", options);
    const { onProblem, maxPayloadBytes, clock } = this.#settings;
    const queue: HandlerQueue = new HandlerQueue(handler, options, {
      onProblem,
      maxPayloadBytes,
      clock,
      detach: () => this.#subscriptions.remove(queue),
    });
    const { signal, timeoutMs } = options;
    const wait = { signal, timeoutMs, defaultTimeoutMs: this.#settings.timeoutMs, clock };
    await this.#subscriptions.add(queue, wanted, wait);
    if (!this.#closing) return queue;
    queue.stop(this.#closedError("subscribe"));
    throw this.#closedError("subscribe");
  }

  #checkCall(operation: string, options: CallOptions): void {
    checkCall(operation, options);
    if (this.#closing) throw this.#closedError(operation);
  }

  #closedError(operation: string): MessagingError {
    return new MessagingError(`Cannot ${operation}: the event bus is closed`, {
      code: "closed",
      operation,
    });
  }

  async #close(options: CallOptions): Promise<void> {
    const { queues } = this.#subscriptions;
    const { clock } = this.#settings;
    try {
      await settleWithin(
        this.#finish(queues),
        { ...options, defaultTimeoutMs: DEFAULT_TIMEOUT_MS, clock },
        (interruption) => {
          const { queued, running } = this.#subscriptions.load;
          const error = interruptionError("close the event bus", interruption, {
            reason: `${queued} messages were dropped and ${running} handlers left alone`,
            outcome: "unknown",
          });
          for (const queue of queues) queue.stop(error);
          return error;
        },
      );
    } finally {
      this.#subscriptions.close();
      this.#connection.close();
    }
  }

  /** What was accepted has to arrive before the queues take nothing more. */
  async #finish(queues: readonly HandlerQueue[]): Promise<void> {
    if (this.#publishing > 0) await new Promise<void>((resolve) => this.#onPublished = resolve);
    await this.#subscriptions.flush();
    await Promise.all(queues.map((queue) => queue.finish().then(() => queue.ended)));
  }
}
