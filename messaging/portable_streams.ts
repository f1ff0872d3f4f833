// deno-lint-ignore-file require-await -- what these methods throw has to arrive as a rejection
import { type CallOptions, checkCallOptions, checkTimeout } from "../core/call_options.ts";
import { type Clock, systemClock } from "../core/clock.ts";
import { MessagingError, ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";
import { checkInteger } from "../core/validation.ts";
import { checkChannel, checkChannels, checkSegment } from "./channel_rules.ts";
import { EventEncoder } from "./event_encoder.ts";
import { checkCall, DEFAULT_TIMEOUT_MS } from "./interruption.ts";
import type { PublishOptions } from "./messaging.ts";
import type { JoinRequest, StreamCall, StreamDriver } from "./stream_driver.ts";
import { PortableStreamReader } from "./stream_reader.ts";
import { checkIds, checkJoin, checkLetterPage, checkStart } from "./stream_rules.ts";
import { ReadingSubscription } from "./stream_subscription.ts";
import type {
  DeadLetter,
  DeadLetterListOptions,
  DrainResult,
  GroupState,
  ReaderOptions,
  StreamBus,
  StreamCapabilities,
  StreamHandler,
  StreamProblemHandler,
  StreamReader,
  StreamRecord,
  StreamStart,
  StreamSubscribeOptions,
  StreamSubscription,
  TrimOptions,
} from "./streams.ts";

/** What every stream bus can be told. */
export interface StreamBusOptions {
  /** The `source` of events that do not name one. Default: `/benchmark-exchange`. */
  readonly source?: string | undefined;
  /** Receives the problems of subscriptions that do not have their own. Default: drops them. */
  readonly onProblem?: StreamProblemHandler | undefined;
  /** Measures deadlines and pauses; the server has its own. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
}

const DEFAULT_BACKOFF = { baseMs: 200, maxMs: 30_000 };

/**
 * What all stream buses have in common, over a {@linkcode StreamDriver}: the rules of the input, envelopes, the
 * consumer loop, and the end of life.
 *
 * ```ts
 * import {
 *   MemoryStreamBus,
 *   type PortableStreamBus,
 * } from "@benchmark-exchange/infrastructure/messaging";
 *
 * // Works on the buses of every server.
 * async function redriveOldest(bus: PortableStreamBus, channel: string, group: string) {
 *   const letters = await bus.deadLetters(channel, group);
 *   return letters.length > 0 ? await bus.redrive(channel, group, letters.map(({ id }) => id)) : 0;
 * }
 * const bus = new MemoryStreamBus();
 * console.log(await redriveOldest(bus, "events:submission", "scoring")); // 0
 * await bus.close();
 * ```
 */
export class PortableStreamBus implements StreamBus {
  readonly #driver: StreamDriver;
  readonly #encoder: EventEncoder;
  readonly #onProblem: StreamProblemHandler;
  readonly #clock: Clock;
  readonly #subscriptions = new Set<ReadingSubscription>();
  readonly #readers = new Set<PortableStreamReader>();
  #closing: Promise<void> | undefined;

  /** Creates a bus over a driver, which it closes in the end. */
  constructor(driver: StreamDriver, options: StreamBusOptions = {}) {
    this.#driver = driver;
    const { maxPayloadBytes } = driver.capabilities;
    this.#encoder = new EventEncoder({ ...options, maxPayloadBytes });
    this.#onProblem = options.onProblem ?? (() => {});
    this.#clock = options.clock ?? systemClock;
  }

  /** What this bus can do. */
  get capabilities(): StreamCapabilities {
    return this.#driver.capabilities;
  }

  /** See `EventPublisher.publish`. */
  async publish(channel: string, payload: unknown, options: PublishOptions = {}): Promise<string> {
    return this.#publish([checkChannel("channel", channel)], payload, options);
  }

  /** See `EventPublisher.publishMany`. */
  async publishMany(
    channels: readonly string[],
    payload: unknown,
    options: PublishOptions = {},
  ): Promise<string> {
    return this.#publish(checkChannels("channels", channels), payload, options);
  }

  /** See {@linkcode StreamBus.subscribe}. */
  async subscribe(
    channel: string,
    handler: StreamHandler,
    options: StreamSubscribeOptions,
  ): Promise<StreamSubscription> {
    checkChannel("channel", channel);
    const request = this.#checkJoin(options);
    const settings = checkSubscription(handler, options);
    const reader = await this.#driver.join(channel, request, this.#call("subscribe", options));
    const subscription = new ReadingSubscription({
      ...settings,
      channel,
      reader,
      handler,
      onProblem: options.onProblem ?? this.#onProblem,
      takeOverMs: request.takeOverMs,
      clock: this.#clock,
    });
    this.#subscriptions.add(subscription);
    subscription.ended.then(() => this.#subscriptions.delete(subscription));
    if (this.#closing) await subscription.drain(1);
    return subscription;
  }

  /** See {@linkcode StreamBus.reader}. */
  async reader(channel: string, options: ReaderOptions): Promise<StreamReader> {
    checkChannel("channel", channel);
    const request = this.#checkJoin(options);
    const joined = await this.#driver.join(channel, request, this.#call("open reader", options));
    const reader = new PortableStreamReader(
      joined,
      this.#clock,
      () => this.#readers.delete(reader),
    );
    this.#readers.add(reader);
    if (this.#closing) await reader.close();
    return reader;
  }

  /** See {@linkcode StreamBus.pending}. */
  async pending(channel: string, group: string, options: CallOptions = {}): Promise<GroupState> {
    checkGroup(channel, group);
    return this.#driver.pending(channel, group, this.#call("read the state of a group", options));
  }

  /** See {@linkcode StreamBus.deadLetters}. */
  async deadLetters(
    channel: string,
    group: string,
    options: DeadLetterListOptions = {},
  ): Promise<readonly DeadLetter[]> {
    checkGroup(channel, group);
    const page = checkLetterPage(options);
    return this.#driver.deadLetters(channel, group, page, this.#call("list dead letters", options));
  }

  /** See {@linkcode StreamBus.redrive}. */
  async redrive(
    channel: string,
    group: string,
    ids: readonly string[],
    options: CallOptions = {},
  ): Promise<number> {
    checkGroup(channel, group);
    const chosen = checkIds(ids);
    return this.#driver.redrive(channel, group, chosen, this.#call("redrive", options));
  }

  /** See {@linkcode StreamBus.discard}. */
  async discard(
    channel: string,
    group: string,
    ids: readonly string[],
    options: CallOptions = {},
  ): Promise<number> {
    checkGroup(channel, group);
    const chosen = checkIds(ids);
    return this.#driver.discard(channel, group, chosen, this.#call("discard", options));
  }

  /** See {@linkcode StreamBus.replay}. */
  async *replay(
    channel: string,
    from: StreamStart = "beginning",
    options: CallOptions = {},
  ): AsyncGenerator<StreamRecord, void> {
    checkChannel("channel", channel);
    this.#requireReplay("replay");
    yield* this.#driver.replay(channel, checkStart(from), this.#call("replay", options));
  }

  /** See {@linkcode StreamBus.seek}. */
  async seek(
    channel: string,
    group: string,
    from: StreamStart,
    options: CallOptions = {},
  ): Promise<void> {
    checkGroup(channel, group);
    this.#requireReplay("seek");
    return this.#driver.seek(channel, group, checkStart(from), this.#call("seek", options));
  }

  /** See {@linkcode StreamBus.trim}. */
  async trim(channel: string, options: TrimOptions): Promise<number> {
    checkChannel("channel", channel);
    this.#requireReplay("trim");
    const { keep, force = false } = options;
    const request = { keep: checkInteger("keep", keep, { min: 0 }), force };
    return this.#driver.trim(channel, request, this.#call("trim", options));
  }

  /** See {@linkcode StreamBus.health}. */
  async health(options: CallOptions = {}): Promise<Record<string, unknown>> {
    const figures = await this.#driver.health(this.#call("check the health of the bus", options));
    return { subscriptions: this.#subscriptions.size, readers: this.#readers.size, ...figures };
  }

  /** See {@linkcode StreamBus.drain}. */
  async drain(deadlineMs: number): Promise<DrainResult> {
    checkTimeout(deadlineMs, "deadlineMs");
    const drains = [...this.#subscriptions].map((subscription) => subscription.drain(deadlineMs));
    const results = await Promise.all(drains);
    return { released: results.reduce((sum, { released }) => sum + released, 0) };
  }

  /** See {@linkcode StreamBus.close}. */
  async close(options: CallOptions = {}): Promise<void> {
    checkCallOptions(options);
    this.#closing ??= this.#close(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    await this.#closing;
  }

  /** The same as {@linkcode PortableStreamBus.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #publish(
    channels: readonly string[],
    payload: unknown,
    options: PublishOptions,
  ): Promise<string> {
    const call = this.#call("publish", options);
    const [first] = channels as [string];
    const event = this.#encoder.encode(first, payload, options);
    if (channels.length === 1) await this.#driver.append(first, event, call);
    else await Promise.all(channels.map((one) => this.#driver.append(one, event, call)));
    return event.id;
  }

  #checkJoin(options: ReaderOptions): JoinRequest {
    const { replay } = this.capabilities;
    const request = checkJoin(options, replay ? "beginning" : "end");
    if (request.from !== "end") this.#requireReplay("begin a group in the past");
    return request;
  }

  #requireReplay(operation: string): void {
    if (this.capabilities.replay) return;
    throw new MessagingError(
      `Cannot ${operation}: this bus keeps nothing that was acknowledged`,
      { code: "unsupported", operation },
    );
  }

  #call(operation: string, options: CallOptions): StreamCall {
    checkCall(operation, options);
    if (this.#closing) {
      throw new MessagingError(`Cannot ${operation}: the bus is closed`, {
        code: "closed",
        operation,
      });
    }
    const { signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    return { operation, signal, timeoutMs };
  }

  async #close(deadlineMs: number): Promise<void> {
    await this.drain(deadlineMs);
    await Promise.all([...this.#readers].map((reader) => reader.close()));
    await this.#driver.close();
  }
}

function checkGroup(channel: string, group: string): void {
  checkChannel("channel", channel);
  checkSegment("group", group);
}

function checkSubscription(handler: StreamHandler, options: StreamSubscribeOptions) {
  if (typeof handler !== "function") {
    throw new ValidationError("handler", `it must be a function, got ${kindOf(handler)}`);
  }
  const { concurrency = 1, handlerTimeoutMs = 30_000, maxAttempts = 5 } = options;
  const { backoff = DEFAULT_BACKOFF } = options;
  checkInteger("concurrency", concurrency, { min: 1, max: 1_000 });
  const { maxInFlight = Math.max(500, 2 * concurrency) } = options;
  return {
    concurrency,
    maxInFlight: checkInteger("maxInFlight", maxInFlight, { min: 1, max: 10_000 }),
    handlerTimeoutMs: checkInteger("handlerTimeoutMs", handlerTimeoutMs, { min: 1 }),
    maxAttempts: checkInteger("maxAttempts", maxAttempts, { min: 1, max: 1_000 }),
    backoff: {
      baseMs: checkInteger("backoff.baseMs", backoff.baseMs, { min: 0 }),
      maxMs: checkInteger("backoff.maxMs", backoff.maxMs, { min: 0 }),
    },
  };
}
