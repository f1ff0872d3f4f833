// deno-lint-ignore-file require-await -- what these methods throw has to arrive as a rejection
import { type CallOptions, checkCallOptions, settleWithin } from "../../core/call_options.ts";
import { checkChannel, checkChannels, checkPattern, patternMatcher } from "../channel_rules.ts";
import { checkCall, DEFAULT_TIMEOUT_MS, interruptionError } from "../interruption.ts";
import { checkInteger } from "../../core/validation.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES } from "../envelope.ts";
import { EventEncoder } from "../event_encoder.ts";
import type {
  EventBus,
  MessageHandler,
  MessagingCapabilities,
  ProblemHandler,
  PublishOptions,
  SubscribeOptions,
  Subscription,
} from "../messaging.ts";
import { HandlerQueue } from "../handler_queue.ts";
import { MessagingError } from "../../core/errors.ts";

const encoder = new TextEncoder();

/** How a {@linkcode MemoryEventBus} works; everything has a default. */
export interface MemoryEventBusConfig {
  /** The `source` of events that do not name one. Default: `/benchmark-exchange`. */
  readonly source?: string | undefined;
  /** The largest payload, as bytes of JSON in UTF-8. Default: 1,000,000. */
  readonly maxPayloadBytes?: number | undefined;
  /** Receives the problems of subscriptions that do not have their own. Default: drops them. */
  readonly onProblem?: ProblemHandler | undefined;
  /** Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
}

/**
 * An event bus inside one process, for development, tests and single-node tools.
 *
 * It is at most once, and holds nothing for subscribers to come. Events are encoded and decoded as
 * on the way through a server. A subscription holds at most `maxQueued` times `maxPayloadBytes`. Two
 * instances know nothing of each other.
 *
 * ```ts
 * import { EventChannel } from "@benchmark-exchange/infrastructure/messaging";
 * import { MemoryEventBus } from "@benchmark-exchange/infrastructure/messaging/memory";
 *
 * const bus = new MemoryEventBus();
 * await bus.subscribe(EventChannel.USER, (message) => console.log(message.payload));
 * await bus.publish(EventChannel.USER, { type: "Registered" });
 * await bus.close(); // after the handlers
 * ```
 */
export class MemoryEventBus implements EventBus {
  /** What this bus can do. */
  readonly capabilities: MessagingCapabilities;
  readonly #encoder: EventEncoder;
  readonly #onProblem: ProblemHandler;
  readonly #clock: Clock;
  /** Which channels each subscription wants, until its last handler call is over. */
  readonly #queues = new Map<HandlerQueue, (channel: string) => boolean>();
  #closing: Promise<void> | undefined;

  /** Creates a bus. Throws a `ValidationError` that names a malformed member of `config`. */
  constructor(config: MemoryEventBusConfig = {}) {
    const { maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES } = config;
    this.capabilities = {
      patterns: true,
      maxPayloadBytes: checkInteger("maxPayloadBytes", maxPayloadBytes, { min: 1 }),
    };
    this.#clock = config.clock ?? systemClock;
    this.#encoder = new EventEncoder(config);
    this.#onProblem = config.onProblem ?? (() => {});
  }

  /** See {@linkcode EventPublisher.publish}. */
  async publish(channel: string, payload: unknown, options: PublishOptions = {}): Promise<string> {
    return this.#publish([checkChannel("channel", channel)], payload, options);
  }

  /** See {@linkcode EventPublisher.publishMany}. */
  async publishMany(
    channels: readonly string[],
    payload: unknown,
    options: PublishOptions = {},
  ): Promise<string> {
    return this.#publish(checkChannels("channels", channels), payload, options);
  }

  /** See {@linkcode EventSubscriber.subscribe}. */
  async subscribe(
    channel: string,
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const wanted = checkChannel("channel", channel);
    return this.#subscribe((name) => name === wanted, handler, options);
  }

  /** See {@linkcode EventSubscriber.subscribeMany}. */
  async subscribeMany(
    channels: readonly string[],
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const wanted = new Set(checkChannels("channels", channels));
    return this.#subscribe((name) => wanted.has(name), handler, options);
  }

  /** See {@linkcode EventSubscriber.psubscribe}. */
  async psubscribe(
    pattern: string,
    handler: MessageHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    return this.#subscribe(patternMatcher(checkPattern("pattern", pattern)), handler, options);
  }

  /** Resolves with how many subscriptions there are, how much waits for them, and is under way. */
  async health(options: CallOptions = {}): Promise<Record<string, unknown>> {
    this.#checkCall("check the health of the event bus", options);
    return { subscriptions: this.#queues.size, ...this.#load() };
  }

  /** See {@linkcode EventBus.close}. */
  async close(options: CallOptions = {}): Promise<void> {
    checkCallOptions(options);
    this.#closing ??= this.#close(options);
    await this.#closing;
  }

  /** The same as {@linkcode MemoryEventBus.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #publish(channels: readonly string[], payload: unknown, options: PublishOptions): string {
    this.#checkCall("publish", options);
    const { id, envelope } = this.#encoder.encode(channels[0] as string, payload, options);
    const bytes = encoder.encode(envelope);
    for (const channel of channels) {
      for (const [queue, wants] of this.#queues) {
        if (wants(channel)) queue.offer(channel, bytes);
      }
    }
    return id;
  }

  #subscribe(
    wants: (channel: string) => boolean,
    handler: MessageHandler,
    options: SubscribeOptions,
  ): Subscription {
    this.#checkCall("subscribe", options);
    const queue = new HandlerQueue(handler, options, {
      onProblem: this.#onProblem,
      maxPayloadBytes: this.capabilities.maxPayloadBytes,
      clock: this.#clock,
      detach: () => {},
    });
    this.#queues.set(queue, wants);
    queue.ended.then(() => this.#queues.delete(queue));
    return queue;
  }

  #checkCall(operation: string, options: CallOptions): void {
    checkCall(operation, options);
    if (this.#closing === undefined) return;
    throw new MessagingError(`Cannot ${operation}: the event bus is closed`, {
      code: "closed",
      operation,
    });
  }

  async #close(options: CallOptions): Promise<void> {
    const queues = [...this.#queues.keys()];
    const finished = Promise.all(queues.map((queue) => queue.finish().then(() => queue.ended)));
    await settleWithin(
      finished.then(() => {}),
      { ...options, defaultTimeoutMs: DEFAULT_TIMEOUT_MS, clock: this.#clock },
      (interruption) => {
        const { queued, running } = this.#load();
        const error = interruptionError("close the event bus", interruption, {
          reason: `${queued} messages were dropped and ${running} handlers left alone`,
          outcome: "unknown",
        });
        for (const queue of queues) queue.stop(error);
        return error;
      },
    );
  }

  #load(): { queued: number; running: number } {
    const queues = [...this.#queues.keys()];
    return {
      queued: queues.reduce((sum, queue) => sum + queue.queued, 0),
      running: queues.reduce((sum, queue) => sum + queue.running, 0),
    };
  }
}
