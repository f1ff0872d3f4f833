import type { ConsumeMessage } from "amqplib";
import { v7 } from "uuid";
import type { Clock } from "../../../core/clock.ts";
import { MessagingError } from "../../../core/errors.ts";
import { encodeLetter } from "../../dead_letter.ts";
import { decodeEnvelope } from "../../envelope.ts";
import { DEFAULT_TIMEOUT_MS } from "../../interruption.ts";
import type { DriverReader, NewDeadLetter, StreamCall } from "../../stream_driver.ts";
import type { StreamBatch, StreamEntry } from "../../streams.ts";
import { closedError, type RabbitMqConnection } from "./connection.ts";
import type { RabbitMqNames } from "./names.ts";
import type { NewRecord, RabbitMqPublisher } from "./publisher.ts";
import { stepsOf } from "./steps.ts";
import { TakingChannel } from "./taking_channel.ts";
import type { RabbitMqTopology } from "./topology.ts";

/** What a {@linkcode RabbitMqReader} works with. */
export interface ReaderParts {
  /** What it reads. */
  readonly channel: string;
  /** Whom it reads for. */
  readonly group: string;
  /** After how long entries that nobody settles nor extends are given back, in milliseconds. */
  readonly takeOverMs: number;
  /** Where it reads. */
  readonly connection: RabbitMqConnection;
  /** Makes the group. */
  readonly topology: RabbitMqTopology;
  /** Takes dead letters. */
  readonly publisher: RabbitMqPublisher;
  /** How things are called on the server. */
  readonly names: RabbitMqNames;
  /** Measures how long entries are held. */
  readonly clock: Clock;
}

interface Held {
  readonly message: ConsumeMessage;
  sinceMs: number;
  /** The same for each attempt to bury the entry, so that it becomes one letter. */
  letterId?: string;
}

/**
 * One reader of a group, with a channel of its own. When that ends, the group has its entries again, and the
 * reader opens another one when it is asked to read.
 */
export class RabbitMqReader implements DriverReader {
  readonly #parts: ReaderParts;
  readonly #onClose: () => void;
  readonly #held = new Map<StreamEntry, Held>();
  #taking: TakingChannel | undefined;
  #isClosed = false;
  #cancelTimer: (() => void) | undefined;

  /** Use {@linkcode RabbitMqReader.join}. */
  private constructor(parts: ReaderParts, onClose: () => void) {
    this.#parts = parts;
    this.#onClose = onClose;
  }

  /** Joins the group: resolves when its queue gets what is published. */
  static async join(
    parts: ReaderParts,
    onClose: () => void,
    call: StreamCall,
  ): Promise<RabbitMqReader> {
    const reader = new RabbitMqReader(parts, onClose);
    await reader.#open(call);
    return reader;
  }

  /** What it reads, and whom for. */
  get place(): { readonly channel: string; readonly group: string } {
    const { channel, group } = this.#parts;
    return { channel, group };
  }

  /** Since when it holds the entries that it has, by the monotonic clock. */
  get heldSinceMs(): readonly number[] {
    return [...this.#held.values()].map(({ sinceMs }) => sinceMs);
  }

  /** See {@linkcode DriverReader.read}. */
  async read(max: number, waitMs: number, call: StreamCall): Promise<StreamBatch> {
    const step = stepsOf(call, this.#parts.clock);
    try {
      const taking = this.#taking ?? await this.#open(step());
      const messages = await taking.take(max, waitMs, step());
      const entries = messages.map((message) => this.#hold(message));
      this.#watch();
      return { entries, lost: 0 };
    } catch (error) {
      if (call.signal?.aborted) return { entries: [], lost: 0 };
      throw error;
    }
  }

  /** See {@linkcode DriverReader.ack}. */
  async ack(entries: readonly StreamEntry[], call: StreamCall): Promise<void> {
    const messages = this.#letGo(entries);
    if (messages.length > 0) await this.#taking?.ack(messages, call);
  }

  /** See {@linkcode DriverReader.extend}. The server has nothing to know: it counts the life of the connection. */
  // deno-lint-ignore require-await -- it is a promise to others
  async extend(entries: readonly StreamEntry[]): Promise<void> {
    const nowMs = this.#parts.clock.monotonic();
    for (const entry of entries) {
      const held = this.#held.get(entry);
      if (held) held.sinceMs = nowMs;
    }
  }

  /** See {@linkcode DriverReader.release}. */
  async release(entries: readonly StreamEntry[], call: StreamCall): Promise<void> {
    const messages = this.#letGo(entries);
    if (messages.length > 0) await this.#taking?.requeue(messages, call);
  }

  /** See {@linkcode DriverReader.bury}. */
  async bury(entry: StreamEntry, letter: NewDeadLetter, call: StreamCall): Promise<void> {
    const step = stepsOf(call, this.#parts.clock);
    const held = this.#held.get(entry);
    if (!held) return;
    held.letterId ??= v7();
    await this.#keep({ id: held.letterId, bytes: encodeLetter(entry, letter) }, step);
    await this.ack([entry], step());
  }

  /** See {@linkcode DriverReader.close}. The group has its entries again at once. */
  // deno-lint-ignore require-await -- it is a promise to others
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#held.clear();
    this.#taking?.close();
    this.#onClose();
  }

  async #keep(record: NewRecord, step: () => StreamCall): Promise<void> {
    const { publisher, topology, names, channel, group } = this.#parts;
    const queue = names.letters(channel, group);
    try {
      await publisher.publish({ queue }, record, step());
    } catch (error) {
      if (!(error instanceof MessagingError) || error.code !== "not_found") throw error;
      // Somebody deleted the queue.
      await topology.declareQueues({ channel, group }, step);
      await publisher.publish({ queue }, record, step());
    }
  }

  async #open(call: StreamCall): Promise<TakingChannel> {
    const { connection, topology, names, channel, group, clock } = this.#parts;
    const step = stepsOf(call, clock);
    await topology.declareQueues({ channel, group }, step);
    if (this.#isClosed) throw closedError(call.operation);
    const taking = await TakingChannel.open(connection, {
      queue: names.queue(channel, group),
      clock,
      prepare: (one) => topology.bind(one, { channel, group }),
      onClosed: () => this.#lose(taking),
    }, step());
    if (this.#isClosed) taking.close();
    else this.#taking = taking;
    return taking;
  }

  #lose(taking: TakingChannel): void {
    if (taking !== this.#taking) return;
    this.#taking = undefined;
    this.#held.clear();
  }

  #hold(message: ConsumeMessage): StreamEntry {
    const { channel, clock } = this.#parts;
    const { content, properties } = message;
    const bytes = new Uint8Array(content);
    const entry: StreamEntry = {
      channel,
      position: positionOf(properties.messageId),
      bytes,
      attempt: attemptOf(properties.headers),
      decode: () => decodeEnvelope(channel, bytes, Infinity),
    };
    this.#held.set(entry, { message, sinceMs: clock.monotonic() });
    return entry;
  }

  /** The messages of those entries that are the reader's. */
  #letGo(entries: readonly StreamEntry[]): ConsumeMessage[] {
    return entries.flatMap((entry) => {
      const held = this.#held.get(entry);
      this.#held.delete(entry);
      return held ? [held.message] : [];
    });
  }

  /** Gives back what nobody said a word about for too long. */
  #watch(): void {
    const { clock, takeOverMs } = this.#parts;
    if (this.#cancelTimer || this.#held.size === 0 || this.#isClosed) return;
    const dueMs = Math.min(...this.heldSinceMs) + takeOverMs - clock.monotonic();
    const giveBack = (): void => {
      this.#cancelTimer = undefined;
      const lastMs = clock.monotonic() - takeOverMs;
      const silent = [...this.#held].filter(([, { sinceMs }]) => sinceMs <= lastMs);
      const call = { operation: "give back entries", timeoutMs: DEFAULT_TIMEOUT_MS };
      if (silent.length > 0) this.release(silent.map(([entry]) => entry), call).catch(() => {});
      this.#watch();
    };
    this.#cancelTimer = clock.after(Math.max(0, dueMs), giveBack, { background: true });
  }
}

/** Quorum queues count; nothing else does. */
function attemptOf(headers: Readonly<Record<string, unknown>> | undefined): number {
  const count = headers?.["x-delivery-count"];
  return (typeof count === "number" ? count : 0) + 1;
}

/** The id of the event, which its publisher put there; who else publishes may have left it out. */
function positionOf(messageId: unknown): string {
  return typeof messageId === "string" && messageId !== "" ? messageId : v7();
}
