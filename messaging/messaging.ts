import type { CallOptions } from "../core/call_options.ts";
import type { UndecodableMessageError } from "./undecodable_message_error.ts";
import type { z } from "zod";

/**
 * What is known about an event besides its payload. Names and meanings are those of CloudEvents
 * 1.0, of its partitioning, distributed tracing and correlation extensions, and of W3C Trace Context.
 *
 * Every value is printable ASCII, which is what the headers of all brokers can carry.
 */
export interface EventAttributes {
  /** Names the event; together with `source` unique. 1 to 200 characters. */
  readonly id: string;
  /** What happened, such as `Created`. 1 to 200 characters. */
  readonly type: string;
  /** Who says so, as a URI reference, such as `/benchmark-exchange`. 1 to 500 characters. */
  readonly source: string;
  /** When it happened, as an RFC 3339 timestamp, such as `2026-11-22T10:00:00.000Z`. */
  readonly time: string;
  /** Joins the events that belong to one request. 1 to 200 characters. */
  readonly correlationId?: string | undefined;
  /**
   * What the event is about, such as the id of a benchmark. Streams keep the order of events with the
   * same one (CloudEvents, partitioning extension). 1 to 200 characters.
   */
  readonly partitionKey?: string | undefined;
  /** The W3C trace context of who published the event. A malformed one is dropped on reception. */
  readonly traceparent?: string | undefined;
  /** What tracing vendors add to `traceparent`; never without it. 1 to 512 characters. */
  readonly tracestate?: string | undefined;
  /**
   * What else a service wants to say: at most 20, names of 1 to 20 lower-case letters and digits
   * (the rule of CloudEvents), values of 1 to 500 characters.
   */
  readonly headers: Readonly<Record<string, string>>;
}

/** An event as a handler receives it; no other handler and no publisher shares it. */
export interface Message extends EventAttributes {
  /** The channel that the event was published to, also when a pattern selected it. */
  readonly channel: string;
  /** The payload as JSON text. */
  readonly payload: string;
  /**
   * Returns the payload as `schema` makes it, a new value each time. Throws a `SerializationError`
   * that says which member does not fit, without its value.
   */
  deserialize<T>(schema: z.ZodType<T>): T;
}

/** What a publisher may say about an event; the rest gets a default. */
export interface PublishOptions extends CallOptions, Partial<EventAttributes> {}

/**
 * Publishes events.
 *
 * - The payload is encoded before the call returns: what happens to the object afterwards reaches
 *   nobody.
 * - A payload that JSON cannot hold unchanged, or of more than `maxPayloadBytes`, a malformed
 *   channel and a malformed attribute are refused with a `ValidationError` that names the field; then
 *   nothing was published.
 * - Defaults: `id` is a UUID of version 7, `type` is the payload's member of that name or else the
 *   channel, `source` is that of the bus, `time` is now.
 * - When the call rejects with `outcome: "unknown"`, the event may have been published. Only who
 *   gives the `id` can then publish again and have receivers notice.
 */
export interface EventPublisher {
  /**
   * Publishes an event to a channel and resolves with its id as soon as the bus has accepted it,
   * not when somebody has received it.
   */
  publish(channel: string, payload: unknown, options?: PublishOptions): Promise<string>;

  /**
   * Publishes one event, under one id, to each of the channels (1 to 1,000; repeated ones count
   * once). After a failure some of the channels may have it.
   */
  publishMany(
    channels: readonly string[],
    payload: unknown,
    options?: PublishOptions,
  ): Promise<string>;
}

/** What a handler is told about the delivery of a message. */
export interface DeliveryContext {
  /** Aborts when the handler has used up its time, or the bus can wait for it no longer. */
  readonly signal: AbortSignal;
}

/** Receives messages. What it returns is awaited. */
export type MessageHandler = (message: Message, context: DeliveryContext) => unknown;

/** Why a subscription did not do what its handler may count on. */
export type DeliveryProblem =
  | {
    /** The handler threw, rejected, or took longer than it may. */
    readonly kind: "handler_failed";
    readonly message: Message;
    /** What it threw; a `MessagingError` with code `timeout` when it took too long. */
    readonly error: unknown;
  }
  | {
    /** Something arrived that is not an event. */
    readonly kind: "undecodable";
    readonly channel: string;
    /** Has the bytes. */
    readonly error: UndecodableMessageError;
  }
  | {
    /** Messages are missing between the one before and the one after this report. */
    readonly kind: "gap";
    /** How many; `undefined` where nobody can know, as after a broken connection. */
    readonly lost: number | undefined;
  };

/** Receives problems. What it throws is dropped; nothing waits for what it returns. */
export type ProblemHandler = (problem: DeliveryProblem) => unknown;

/** How messages reach a handler. `signal` and `timeoutMs` are about subscribing only. */
export interface SubscribeOptions extends CallOptions {
  /**
   * How many messages the handler takes at the same time, 1 to 1,000. Default: 1, so the next one
   * waits for the one before, which is what keeps the order.
   */
  readonly concurrency?: number | undefined;
  /**
   * How many messages may wait for the handler, 1 to 100,000. Default: 1,000. One that arrives
   * above that is lost and reported as a gap, in the place where it is missing.
   */
  readonly maxQueued?: number | undefined;
  /** How long the handler may take, in milliseconds from 1. Default: 30,000. */
  readonly handlerTimeoutMs?: number | undefined;
  /** Receives what goes wrong here. Default: that of the bus, which by default drops it. */
  readonly onProblem?: ProblemHandler | undefined;
}

/** A live subscription. */
export interface Subscription extends AsyncDisposable {
  /**
   * Ends the subscription: no handler call begins any more, and what was waiting is dropped. It does
   * not wait for the handler calls that are under way, so a handler may await it. Idempotent.
   */
  unsubscribe(options?: CallOptions): Promise<void>;
  /**
   * Resolves when the subscription has ended, by `unsubscribe` or with the bus, and the last handler
   * call is over or was given up, so a handler that awaits it waits for itself. Never rejects.
   */
  readonly ended: Promise<void>;
}

/**
 * Receives events at most once. One is gone when nobody is subscribed, when the handler fails, when the queue is full
 * (which is reported), when the process ends; what must not be lost belongs into a `StreamBus`.
 *
 * What every bus promises:
 *
 * - A call resolves only when the subscription is live: every event published after that reaches it.
 * - Each subscription gets every event by itself; nothing that one handler does (throw, reject, never
 *   settle, unsubscribe, publish) is noticed by another.
 * - A handler is never called from inside `publish`.
 * - With a concurrency of 1, the events of one publisher on one channel come in the order of the
 *   calls to `publish`, also when the publisher did not await them.
 * - After a handler fails the next message comes all the same.
 *
 * What no bus promises: an order between publishers, between channels, or with a concurrency above
 * 1; that a handler which ignores its signal stops.
 *
 * A malformed channel, pattern or option is refused with a `ValidationError` that names the field.
 */
export interface EventSubscriber {
  /** Calls `handler` with every event of a channel. */
  subscribe(
    channel: string,
    handler: MessageHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription>;

  /** Calls `handler` with every event of the channels (1 to 1,000; repeated ones count once). */
  subscribeMany(
    channels: readonly string[],
    handler: MessageHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription>;

  /**
   * Calls `handler` with every event of the channels that match `pattern`, in which `*` stands for any
   * characters, also for none and for `:`. Rejects with code `unsupported` where the capabilities say
   * so.
   */
  psubscribe(
    pattern: string,
    handler: MessageHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription>;
}

/** What a bus can do. */
export interface MessagingCapabilities {
  /** Whether `psubscribe` works. */
  readonly patterns: boolean;
  /** The largest payload, as bytes of JSON in UTF-8. */
  readonly maxPayloadBytes: number;
}

/**
 * Publisher and subscriber in one, with the end of its life.
 *
 * Every call settles by its deadline (`timeoutMs`, default 10,000). One whose signal is already
 * aborted rejects with code `aborted` and does nothing; except `close`, which always closes.
 */
export interface EventBus extends EventPublisher, EventSubscriber, AsyncDisposable {
  /** What this bus can do. */
  readonly capabilities: MessagingCapabilities;

  /** Resolves with figures worth showing if the bus works, and rejects with why it does not. */
  health(options?: CallOptions): Promise<Record<string, unknown>>;

  /**
   * Takes no more events and subscriptions (such calls reject with code `closed`), hands what was
   * accepted to the handlers, and resolves when they are done.
   *
   * At the deadline it stops waiting: what is still queued is dropped, the signals of the handlers
   * under way abort, and it rejects with code `timeout` (or `aborted`) saying how much that was. The
   * bus is closed also then. Idempotent: every call gets the promise of the first one.
   *
   * A handler that awaits it waits for itself, until the deadline, and so drops what is queued. One
   * that starts it and goes on is waited for like every other.
   */
  close(options?: CallOptions): Promise<void>;
}
