/**
 * Events on Redis or Valkey, over `@redis/client`, the client of the package `redis`.
 *
 * @module
 */

import { type CallOptions, checkCallOptions, settleWithin } from "../../core/call_options.ts";
import { MessagingError } from "../../core/errors.ts";
import type { RedisClientLike } from "../../core/redis/channel.ts";
import { CommandBatches } from "../../core/redis/command_batches.ts";
import type { SubscriptionKind } from "../../core/redis/subscriber.ts";
import { checkChannel, checkChannels, checkPattern } from "../channel_rules.ts";
import { EventEncoder } from "../event_encoder.ts";
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
import { MESSAGING_AREA } from "./redis/messaging_area.ts";
import { RedisSubscriptions } from "./redis/subscriptions.ts";

export type { RedisEventBusConfig, RedisEventBusOptions } from "./redis/config.ts";
export type { RedisClientLike } from "../../core/redis/channel.ts";
export type { RedisSource } from "../../core/redis/redis_source.ts";

/**
 * An event bus over the publish and subscribe of Redis or Valkey, a single server or a cluster. Channels are named
 * on the server as they are here, and events are JSON (CloudEvents), so other languages can take part.
 *
 * It is **at most once**: the server keeps nothing, and forgets at once what nobody hears.
 *
 * **When the server is away**, `publish` rejects: at once if it knows, by its deadline otherwise; with `outcome: "unknown"`
 * if the event may have been published. Lost connections are replaced within 5 seconds of the server's
 * return, and everything is subscribed again; then each subscription is told of a gap, because what was published
 * meanwhile is lost. So it is when the server ends the connection because this process reads too slowly.
 *
 * What is published to a channel in one turn of the event loop goes as one command: a script, if the user may run scripts.
 * One connection publishes. Another one, from the first subscription on, receives for all of them. In a cluster both
 * are at one node, which passes on what is published; if they have to part because that one fails, an event that
 * is published just before `close` may miss the own subscriptions.
 *
 * ```ts
 * import { EventChannel } from "@benchmark-exchange/infrastructure/messaging";
 * import { RedisEventBus } from "@benchmark-exchange/infrastructure/messaging/redis";
 *
 * const bus = await RedisEventBus.connect({ url: "redis://127.0.0.1:6379" });
 * await bus.subscribe(EventChannel.USER, (message) => console.log(message.payload));
 * await bus.publish(EventChannel.USER, { type: "Registered" });
 * await bus.close();
 * ```
 */
export class RedisEventBus implements EventBus {
  /** What this bus can do. */
  readonly capabilities: MessagingCapabilities;
  readonly #settings: RedisEventBusSettings;
  readonly #commands: CommandBatches;
  readonly #subscriptions: RedisSubscriptions;
  readonly #encoder: EventEncoder;
  /** Those whose last handler call is not over. */
  readonly #queues = new Set<HandlerQueue>();
  #closing: Promise<void> | undefined;

  private constructor(commands: CommandBatches, settings: RedisEventBusSettings) {
    this.#settings = settings;
    this.#commands = commands;
    this.#encoder = new EventEncoder(settings);
    this.#subscriptions = new RedisSubscriptions({
      ...settings,
      subscribe: settings.target.subscribe,
    });
    const { maxPayloadBytes } = settings;
    this.capabilities = { patterns: true, maxPayloadBytes };
  }

  /**
   * Connects. Takes a configuration, or a client of the package `redis` (single or cluster) and options: the bus then
   * makes connections of its own with that client's options, and leaves the client alone.
   *
   * Rejects with a `MessagingError` if the server cannot be reached within `connectTimeoutMs`, and with a
   * `ValidationError` or `ConfigurationError` for bad input.
   */
  static async connect(
    source: RedisEventBusConfig | RedisClientLike = {},
    options: RedisEventBusOptions = {},
  ): Promise<RedisEventBus> {
    const settings = checkConfig(source, options);
    const { target } = settings;
    const commands = await CommandBatches.open({
      ...settings,
      target: { ...target, sharded: false, open: target.openOne },
      area: MESSAGING_AREA,
      prepare: () => Promise.resolve(),
    });
    return new RedisEventBus(commands, settings);
  }

  /** See {@linkcode EventPublisher.publish}. */
  async publish(channel: string, payload: unknown, options: PublishOptions = {}): Promise<string> {
    checkChannel("channel", channel);
    this.#checkCall("publish", options);
    const { id, envelope } = this.#encoder.encode(channel, payload, options);
    await this.#send(channel, envelope, options);
    return id;
  }

  /** See {@linkcode EventPublisher.publishMany}. The channels get the event in their order, all at once. */
  async publishMany(
    channels: readonly string[],
    payload: unknown,
    options: PublishOptions = {},
  ): Promise<string> {
    const names = checkChannels("channels", channels);
    this.#checkCall("publish", options);
    const { id, envelope } = this.#encoder.encode(names[0] as string, payload, options);
    const sent = names.map((name) => this.#send(name, envelope, options));
    const results = await Promise.allSettled(sent);
    const failures = results.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
    if (failures.length === names.length) throw failures.find(isUnknown) ?? failures[0];
    if (failures.length > 0) throw partlyPublished(failures, names.length);
    return id;
  }

  /** See {@linkcode EventSubscriber.subscribe}. */
  async subscribe(
    channel: string,
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    return await this.#subscribe("channel", [checkChannel("channel", channel)], handler, options);
  }

  /** See {@linkcode EventSubscriber.subscribeMany}. */
  async subscribeMany(
    channels: readonly string[],
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    return await this.#subscribe("channel", checkChannels("channels", channels), handler, options);
  }

  /** See {@linkcode EventSubscriber.psubscribe}. */
  async psubscribe(
    pattern: string,
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    // The server means the same by `*`, and its other wildcards are in no pattern of ours.
    return await this.#subscribe("pattern", [checkPattern("pattern", pattern)], handler, options);
  }

  /**
   * Resolves with how many subscriptions there are, how much waits for them, and is under way. Rejects while the server
   * does not answer, or subscriptions are not restored yet.
   */
  async health(options: CallOptions = {}): Promise<Record<string, unknown>> {
    const operation = "check the health of the event bus";
    this.#checkCall(operation, options);
    const { signal, timeoutMs = this.#settings.timeoutMs } = options;
    const ping = { args: ["PING"], readOnly: true, repeatable: true };
    await this.#commands.connection.send(ping, { operation, signal, timeoutMs });
    if (this.#subscriptions.isLost) {
      const why = "its subscriptions are not restored yet";
      throw new MessagingError(`Cannot ${operation}: ${why}`, {
        code: "unavailable",
        operation,
        retryable: true,
      });
    }
    return { adapter: "redis", subscriptions: this.#queues.size, ...this.#load() };
  }

  /** See {@linkcode EventBus.close}. */
  async close(options: CallOptions = {}): Promise<void> {
    checkCallOptions(options);
    this.#closing ??= this.#close(options);
    await this.#closing;
  }

  /** The same as {@linkcode RedisEventBus.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #send(channel: string, envelope: string, options: CallOptions): Promise<void> {
    const { signal, timeoutMs = this.#settings.timeoutMs } = options;
    const command = { args: ["PUBLISH", channel, envelope] };
    return this.#commands.send(command, { operation: "publish", signal, timeoutMs });
  }

  async #subscribe(
    kind: SubscriptionKind,
    names: readonly string[],
    handler: MessageHandler,
    options: SubscribeOptions,
  ): Promise<Subscription> {
    this.#checkCall("subscribe", options);
    const { signal, timeoutMs } = options;
    const { timeoutMs: defaultTimeoutMs, clock } = this.#settings;
    const queue: HandlerQueue = new HandlerQueue(handler, options, {
      ...this.#settings,
      detach: () => this.#subscriptions.leave(kind, names, queue),
    });
    this.#queues.add(queue);
    queue.ended.then(() => this.#queues.delete(queue));
    try {
      await settleWithin(
        this.#subscriptions.join(kind, names, queue),
        { signal, timeoutMs, defaultTimeoutMs, clock },
        (interruption) =>
          interruptionError("subscribe", interruption, {
            reason: "the server has not confirmed it",
            outcome: "not-applied",
          }),
      );
    } catch (error) {
      await queue.unsubscribe();
      this.#checkOpen("subscribe");
      throw error;
    }
    return queue;
  }

  #checkCall(operation: string, options: CallOptions): void {
    checkCall(operation, options);
    this.#checkOpen(operation);
  }

  #checkOpen(operation: string): void {
    if (this.#closing === undefined) return;
    throw new MessagingError(`Cannot ${operation}: the event bus is closed`, {
      code: "closed",
      operation,
    });
  }

  async #close(options: CallOptions): Promise<void> {
    try {
      await settleWithin(
        this.#drain(),
        { ...options, defaultTimeoutMs: DEFAULT_TIMEOUT_MS, clock: this.#settings.clock },
        (interruption) => {
          const { queued, running } = this.#load();
          const error = interruptionError("close the event bus", interruption, {
            reason: `${queued} messages were dropped and ${running} handlers left alone`,
            outcome: "unknown",
          });
          for (const queue of this.#queues) queue.stop(error);
          return error;
        },
      );
    } finally {
      this.#subscriptions.close();
      this.#commands.connection.close();
    }
  }

  /** What was published before, also here, is handed to the handlers. */
  async #drain(): Promise<void> {
    await this.#commands.settled();
    await this.#subscriptions.caughtUp();
    await Promise.all([...this.#queues].map((queue) => queue.finish().then(() => queue.ended)));
  }

  #load(): { queued: number; running: number } {
    const queues = [...this.#queues];
    return {
      queued: queues.reduce((sum, queue) => sum + queue.queued, 0),
      running: queues.reduce((sum, queue) => sum + queue.running, 0),
    };
  }
}

function isUnknown(error: MessagingError): boolean {
  return error.outcome === "unknown";
}

function partlyPublished(failures: readonly MessagingError[], channels: number): MessagingError {
  const [{ message, code, retryable }] = failures as [MessagingError];
  const reached = channels - failures.length;
  return new MessagingError(`${message}; ${reached} of ${channels} channels have the event`, {
    code,
    operation: "publish",
    retryable,
    outcome: "unknown",
    cause: failures[0],
  });
}
