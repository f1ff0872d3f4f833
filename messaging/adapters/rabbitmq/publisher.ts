import { Buffer } from "node:buffer";
import type { ConfirmChannel, Message } from "amqplib";
import { type Backoff, delay, pauseMs } from "../../../core/backoff.ts";
import { settleWithin } from "../../../core/call_options.ts";
import type { Clock } from "../../../core/clock.ts";
import { MessagingError } from "../../../core/errors.ts";
import { DEFAULT_TIMEOUT_MS, interruptionError } from "../../interruption.ts";
import type { StreamCall } from "../../stream_driver.ts";
import { closedError, type RabbitMqConnection } from "./connection.ts";
import { replyCode, toMessagingError } from "./rabbitmq_error.ts";
import { declareExchange } from "./topology.ts";

/** Where a message goes. */
export type Target =
  /** To all queues that are bound to the exchange, which is declared if need be. */
  | { readonly exchange: string }
  /** To this queue. */
  | { readonly queue: string };

/** What is published. */
export interface NewRecord {
  /** Its id, by which readers may notice that it was sent twice. */
  readonly id: string;
  /** What it holds. */
  readonly bytes: Uint8Array;
}

/** A message whose confirmation nobody has yet. */
interface Outgoing {
  readonly target: Target;
  readonly record: NewRecord;
  readonly operation: string;
  readonly confirmed: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: MessagingError) => void;
  /** How often it was sent. */
  sends: number;
  /** The server said that no queue gets it; its confirmation follows. */
  isUnroutable: boolean;
  /** Nobody waits for it any more. */
  isOver: boolean;
}

/** How often a message is sent whose channel the server closes each time: one of them may be the reason. */
const MAX_SENDS = 3;

/** What may wait for confirmations at the same time. */
const MAX_MESSAGES = 10_000;
const MAX_BYTES = 256 * 1_024 * 1_024;

const BACKOFF: Backoff = { baseMs: 50, maxMs: 1_000 };

/**
 * Publishes: a message is published when the server confirms it. What is not confirmed when its channel or its
 * connection ends is sent again, with the same id, until its deadline. Messages are sent in order.
 */
export class RabbitMqPublisher {
  readonly #connection: RabbitMqConnection;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #declared = new Set<string>();
  /** What was sent on the channel, by the number that the server knows it by. */
  readonly #sent = new Map<number, Outgoing>();
  #waiting: Outgoing[] = [];
  #bytes = 0;
  #count = 0;
  #channel: ConfirmChannel | undefined;
  #lastTag = 0;
  #sending: Promise<void> | undefined;

  /** Creates a publisher, which opens its channel when it is needed. */
  constructor(connection: RabbitMqConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** How many messages are not confirmed. */
  get unconfirmed(): number {
    return this.#count;
  }

  /** Resolves when the server has confirmed the message; rejects with `not_found` if no queue gets it. */
  async publish(target: Target, record: NewRecord, call: StreamCall): Promise<void> {
    const { operation, signal, timeoutMs } = call;
    if (this.#closing.signal.aborted) throw closedError(operation);
    const { length } = record.bytes;
    if (this.#count >= MAX_MESSAGES || this.#bytes + length > MAX_BYTES) {
      throw overloadedError(operation, this.#count);
    }
    const outgoing = newOutgoing(target, record, operation);
    this.#count++;
    this.#bytes += length;
    this.#waiting.push(outgoing);
    this.#send();
    try {
      const limits = { signal, defaultTimeoutMs: timeoutMs, clock: this.#clock };
      await settleWithin(
        outgoing.confirmed,
        limits,
        (interruption) =>
          interruptionError(operation, interruption, {
            reason: this.#connection.isBlocked
              ? "the server takes no messages, because it is short of memory or disk"
              : "the server has not confirmed the message",
            outcome: outgoing.sends > 0 ? "unknown" : "not-applied",
          }),
      );
    } finally {
      outgoing.isOver = true;
      this.#count--;
      this.#bytes -= length;
    }
  }

  /** Rejects what is not confirmed, and takes nothing more. */
  close(): void {
    this.#closing.abort();
    for (const { reject, operation } of [...this.#sent.values(), ...this.#waiting]) {
      reject(closedError(operation));
    }
    this.#sent.clear();
    this.#waiting = [];
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
      if (this.#waiting.length > 0) this.#send();
    });
  }

  async #sendAll(): Promise<void> {
    for (let failures = 0; this.#waiting.length > 0;) {
      const outgoing = this.#waiting[0] as Outgoing;
      if (outgoing.isOver) {
        this.#waiting.shift();
        continue;
      }
      try {
        const channel = this.#channel ?? await this.#open();
        await this.#declare(channel, outgoing.target);
        // What was sent on a channel that ended meanwhile comes first again.
        if (channel !== this.#channel || outgoing.isOver) continue;
        this.#sendOne(channel, outgoing);
        this.#waiting.shift();
        failures = 0;
      } catch (error) {
        this.#fail(outgoing, toMessagingError(error, { ...outgoing, outcome: "not-applied" }));
        await delay(pauseMs(++failures, BACKOFF), this.#closing.signal, this.#clock).catch(
          () => {},
        );
      }
    }
  }

  async #open(): Promise<ConfirmChannel> {
    const call = { operation: "open a channel", timeoutMs: DEFAULT_TIMEOUT_MS };
    let end = (_: unknown): void => {};
    const ended = new Promise<unknown>((resolve) => end = resolve);
    const channel = await this.#connection.confirmChannel(call, (error) => end(error));
    channel.on("return", (message) => this.#returned(message));
    channel.on("ack", ({ deliveryTag, multiple }) => this.#confirmed(deliveryTag, multiple, true));
    channel.on(
      "nack",
      ({ deliveryTag, multiple }) => this.#confirmed(deliveryTag, multiple, false),
    );
    this.#lastTag = 0;
    this.#channel = channel;
    void ended.then((error) => this.#ended(channel, error));
    return channel;
  }

  /** Awaits nothing for what is declared, so that messages are sent in one turn of the event loop. */
  #declare(channel: ConfirmChannel, target: Target): Promise<void> | undefined {
    if (!("exchange" in target) || this.#declared.has(target.exchange)) return undefined;
    const { exchange } = target;
    const call = { operation: "declare an exchange", timeoutMs: DEFAULT_TIMEOUT_MS };
    return this.#connection.settle(declareExchange(channel, exchange), call, "not-applied")
      .then(() => void this.#declared.add(exchange));
  }

  #sendOne(channel: ConfirmChannel, outgoing: Outgoing): void {
    const { target, record: { id, bytes } } = outgoing;
    const [exchange, routingKey] = "exchange" in target
      ? [target.exchange, ""]
      : ["", target.queue];
    const tag = this.#lastTag + 1;
    channel.publish(
      exchange,
      routingKey,
      Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      {
        persistent: true,
        mandatory: true,
        messageId: id,
        // A message that comes back is known by it: the same id may be on its way to several channels.
        correlationId: String(tag),
        contentType: "application/cloudevents+json",
      },
    );
    this.#lastTag = tag;
    this.#sent.set(tag, outgoing);
    outgoing.sends++;
  }

  #returned({ properties }: Message): void {
    const outgoing = this.#sent.get(Number(properties.correlationId));
    if (outgoing) outgoing.isUnroutable = true;
  }

  #confirmed(lastTag: number, multiple: boolean, isAccepted: boolean): void {
    for (const tag of multiple ? this.#sent.keys() : [lastTag]) {
      if (tag > lastTag) return;
      const outgoing = this.#sent.get(tag);
      this.#sent.delete(tag);
      if (!outgoing) continue;
      if (!isAccepted) outgoing.reject(refusedError(outgoing.operation));
      else if (outgoing.isUnroutable) outgoing.reject(unroutableError(outgoing.operation));
      else outgoing.resolve();
    }
  }

  /** The channel ended, because of a mistake on it or with its connection. */
  #ended(channel: ConfirmChannel, error: unknown): void {
    if (channel !== this.#channel) return;
    this.#channel = undefined;
    this.#declared.clear();
    const unconfirmed = [...this.#sent.values()].filter(({ isOver }) => !isOver);
    this.#sent.clear();
    const isTold = replyCode(error) !== undefined;
    const isGivenUp = ({ sends }: Outgoing): boolean => isTold && sends >= MAX_SENDS;
    for (const { operation, reject } of unconfirmed.filter(isGivenUp)) {
      reject(toMessagingError(error, { operation, outcome: "unknown" }));
    }
    const again = unconfirmed.filter((one) => !isGivenUp(one));
    for (const one of again) one.isUnroutable = false;
    this.#waiting = [...again, ...this.#waiting];
    if (this.#waiting.length > 0) this.#send();
  }

  /** What was never sent need not wait for a server that is away; what was sent may have arrived. */
  #fail(outgoing: Outgoing, error: MessagingError): void {
    const isRefused = error.code === "conflict" || error.code === "permission_denied";
    const failed = isRefused ? [outgoing] : this.#waiting.filter(({ sends }) => sends === 0);
    this.#waiting = this.#waiting.filter((one) => !failed.includes(one));
    const { code, message, retryable } = error;
    for (const { operation, reject, sends } of failed) {
      const outcome = sends > 0 ? "unknown" : "not-applied";
      reject(new MessagingError(message, { code, operation, retryable, outcome }));
    }
  }
}

function newOutgoing(target: Target, record: NewRecord, operation: string): Outgoing {
  let resolve = (): void => {};
  let reject = (_: MessagingError): void => {};
  const confirmed = new Promise<void>((...settle) => [resolve, reject] = settle);
  const state = { sends: 0, isUnroutable: false, isOver: false };
  return { target, record, operation, confirmed, resolve, reject, ...state };
}

function unroutableError(operation: string): MessagingError {
  return new MessagingError(`Cannot ${operation}: there is no group that would get the message`, {
    code: "not_found",
    operation,
  });
}

/** One of several queues may have it. */
function refusedError(operation: string): MessagingError {
  return new MessagingError(`Cannot ${operation}: the server could not keep the message`, {
    code: "unavailable",
    operation,
    retryable: true,
    outcome: "unknown",
  });
}

function overloadedError(operation: string, count: number): MessagingError {
  return new MessagingError(`Cannot ${operation}: ${count} messages are not confirmed yet`, {
    code: "overloaded",
    operation,
    retryable: true,
  });
}
