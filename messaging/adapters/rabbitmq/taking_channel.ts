import type { Channel, ConsumeMessage } from "amqplib";
import { settleWithin } from "../../../core/call_options.ts";
import type { Clock } from "../../../core/clock.ts";
import { MessagingError } from "../../../core/errors.ts";
import { interruptionError } from "../../interruption.ts";
import type { StreamCall } from "../../stream_driver.ts";
import { closeChannel, type RabbitMqConnection } from "./connection.ts";
import { toMessagingError } from "./rabbitmq_error.ts";

/** How long a reader that nobody asks any more waits for the server. */
const LEAVE_MS = 1_000;

/** How long to wait for messages that the queue had a moment ago: another reader may have taken them. */
const RIVAL_MS = 20;

/** How long the next `take` may let a consumer wait that got nothing. */
const LINGER_MS = 100;

/**
 * Takes messages from a queue when it is asked to, and no others. A consumer of AMQP is sent messages as soon as
 * it has settled some, also when nobody reads; so there is one for each `take`, and it ends with it. What was
 * taken stays with the channel until it is settled; when the channel ends, the queue has it again.
 *
 * Messages that are on their way when a consumer ends are put back by the server, an attempt later and not always
 * in order. So a consumer asks for as many as there are, or for one where there is none, and ends when it has
 * got them. One that got nothing waits for the next `take`, if that follows soon.
 */
export class TakingChannel {
  readonly #queue: string;
  readonly #clock: Clock;
  readonly #onClosed: () => void;
  #channel: Channel | undefined;
  #end: unknown;
  #isOver = false;
  #isTaking = false;
  #isQueueGone = false;
  #consumers = 0;
  #prefetch = 1;
  #arrived: ConsumeMessage[] = [];
  /** The consumer that there is. */
  #standing: string | undefined;
  #givingBack: Promise<void> = Promise.resolve();
  #cancelLinger = (): void => {};
  #onArrival = (): void => {};

  private constructor(queue: string, clock: Clock, onClosed: () => void) {
    this.#queue = queue;
    this.#clock = clock;
    this.#onClosed = onClosed;
  }

  /** Opens a channel for a queue, and prepares it; `onClosed` hears when it is of no use any more. */
  static async open(
    connection: RabbitMqConnection,
    options: {
      readonly queue: string;
      readonly clock: Clock;
      readonly prepare: (channel: Channel) => Promise<void>;
      readonly onClosed: () => void;
    },
    call: StreamCall,
  ): Promise<TakingChannel> {
    const taking = new TakingChannel(options.queue, options.clock, options.onClosed);
    const channel = await connection.channel(call, (error) => taking.#ended(error));
    // Before the listener of the client, which knows no consumer whose end was confirmed before its last message.
    channel.prependListener("delivery", (message: ConsumeMessage) => taking.#arrive(message));
    try {
      await connection.settle(options.prepare(channel), call, "unknown");
    } catch (error) {
      closeChannel(channel);
      throw error;
    }
    if (taking.#isOver) throw toMessagingError(taking.#end, { ...call, outcome: "unknown" });
    taking.#channel = channel;
    return taking;
  }

  /** Takes up to `max` messages, waiting up to `waitMs` for the first; a signal ends the waiting. */
  async take(max: number, waitMs: number, call: StreamCall): Promise<readonly ConsumeMessage[]> {
    const { signal } = call;
    const leave = new AbortController();
    let cancel = (): void => {};
    const leaveSoon = (): void => void (cancel = this.#clock.after(LEAVE_MS, () => leave.abort()));
    signal?.addEventListener("abort", leaveSoon, { once: true });
    const limits = { signal: leave.signal, timeoutMs: call.timeoutMs + waitMs };
    this.#cancelLinger();
    this.#isTaking = true;
    try {
      await this.#settle(this.#consume(max, waitMs, signal), { ...call, ...limits });
      return this.#arrived.splice(0, max);
    } catch (error) {
      // Messages may be on their way to nobody.
      this.close();
      throw error;
    } finally {
      this.#isTaking = false;
      if (this.#standing || this.#arrived.length > 0) this.#linger();
      cancel();
      signal?.removeEventListener("abort", leaveSoon);
    }
  }

  /** Has the server forget the messages; resolves when it knows. */
  async ack(messages: readonly ConsumeMessage[], call: StreamCall): Promise<void> {
    await this.#settle(this.#tell((channel) => messages.forEach((one) => channel.ack(one))), call);
  }

  /** Puts the messages, the oldest first, at the front of the queue again; resolves when they are there. */
  async requeue(messages: readonly ConsumeMessage[], call: StreamCall): Promise<void> {
    const ordered = messages.toSorted((a, b) => a.fields.deliveryTag - b.fields.deliveryTag);
    await this.#settle(
      this.#tell((channel) => ordered.forEach((one) => channel.nack(one, false, true))),
      call,
    );
  }

  /** Ends the channel and waits for nothing. */
  close(): void {
    const channel = this.#channel;
    this.#ended(undefined);
    if (channel) closeChannel(channel);
  }

  async #consume(max: number, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    await this.#givingBack;
    const channel = this.#open();
    if (!this.#standing && this.#arrived.length === 0) await this.#takeReady(channel, max);
    const mayWait = waitMs > 0 && !signal?.aborted;
    if (this.#arrived.length === 0 && mayWait) {
      this.#standing ??= await this.#order(channel, 1);
      await this.#arrival(1, waitMs, signal);
    }
    if (this.#standing && this.#arrived.length > 0) await this.#dismiss(channel);
    if (this.#isQueueGone) throw queueGoneError();
  }

  /** Takes what the queue has now. */
  async #takeReady(channel: Channel, max: number): Promise<void> {
    const { messageCount } = await channel.checkQueue(this.#queue);
    if (messageCount === 0) return;
    const count = Math.min(max, messageCount);
    this.#standing = await this.#order(channel, count);
    await this.#arrival(count, RIVAL_MS);
    await this.#dismiss(channel);
  }

  /** Has the server send so many messages; returns the name of the consumer. */
  async #order(channel: Channel, count: number): Promise<string> {
    const consumerTag = `take-${++this.#consumers}`;
    this.#prefetch = count;
    await channel.prefetch(count);
    await channel.consume(this.#queue, (message) => this.#noticeEnd(message), { consumerTag });
    return consumerTag;
  }

  /** Ends the consumer. */
  async #dismiss(channel: Channel): Promise<void> {
    const tag = this.#standing as string;
    await channel.cancel(tag);
    await this.#fence(channel);
    this.#standing = undefined;
  }

  /** Unless somebody takes soon, ends the consumer that waits, and gives back what it got. */
  #linger(): void {
    const giveBack = async (): Promise<void> => {
      const channel = this.#open();
      if (this.#standing) await this.#dismiss(channel);
      if (this.#isTaking) return;
      for (const message of this.#arrived.splice(0)) channel.nack(message, false, true);
    };
    const giveUp = (): void => void (this.#givingBack = giveBack().catch(() => this.close()));
    this.#cancelLinger = this.#clock.after(LINGER_MS, giveUp, { background: true });
  }

  /** Replies come in order, so what the server did before it has been done. */
  async #fence(channel: Channel): Promise<void> {
    await channel.prefetch(this.#prefetch);
  }

  async #tell(tell: (channel: Channel) => void): Promise<void> {
    const channel = this.#open();
    tell(channel);
    await this.#fence(channel);
  }

  #open(): Channel {
    if (this.#channel) return this.#channel;
    throw this.#end ?? new Error("the channel is closed");
  }

  /** Resolves when there are so many messages, or nothing more can be expected. */
  #arrival(count: number, waitMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        cancel();
        signal?.removeEventListener("abort", over);
        this.#onArrival = () => {};
        resolve();
      };
      const cancel = this.#clock.after(waitMs, over);
      signal?.addEventListener("abort", over, { once: true });
      const isOver = (): boolean =>
        this.#arrived.length >= count || this.#isQueueGone || this.#isOver;
      this.#onArrival = () => isOver() && over();
      this.#onArrival();
    });
  }

  #arrive(message: ConsumeMessage): void {
    if (this.#isTaking || this.#standing) this.#arrived.push(message);
    // It was on its way when the consumer ended, which happens between the servers of a cluster.
    else this.#channel?.nack(message, false, true);
    this.#onArrival();
  }

  /** The server says that there is no queue any more by a message that is none. */
  #noticeEnd(message: ConsumeMessage | null): void {
    if (message !== null) return;
    this.#isQueueGone = true;
    this.#onArrival();
  }

  #ended(error: unknown): void {
    this.#end ??= error;
    this.#isOver = true;
    this.#cancelLinger();
    this.#onArrival();
    const wasOpen = this.#channel !== undefined;
    this.#channel = undefined;
    if (wasOpen) this.#onClosed();
  }

  async #settle(work: Promise<void>, call: StreamCall): Promise<void> {
    const { operation, signal, timeoutMs } = call;
    try {
      await settleWithin(
        work,
        { signal, defaultTimeoutMs: timeoutMs, clock: this.#clock },
        (interruption) =>
          interruptionError(operation, interruption, {
            reason: "the server has not answered",
            outcome: "unknown",
          }),
      );
    } catch (error) {
      const failure = error instanceof MessagingError ? error : this.#end ?? error;
      throw toMessagingError(failure, { operation, outcome: "unknown" });
    }
  }
}

function queueGoneError(): MessagingError {
  return new MessagingError("Cannot read: the queue of the group was deleted, and is made anew", {
    code: "not_found",
    operation: "read",
    retryable: true,
  });
}
