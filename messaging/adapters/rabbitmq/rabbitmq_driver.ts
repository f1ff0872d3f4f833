import { Buffer } from "node:buffer";
import { MessagingError } from "../../../core/errors.ts";
import type { EncodedEvent } from "../../event_encoder.ts";
import type { DriverReader, JoinRequest, StreamCall, StreamDriver } from "../../stream_driver.ts";
import type { DeadLetter, GroupState, StreamCapabilities } from "../../streams.ts";
import type { RabbitMqSettings } from "./config.ts";
import { RabbitMqConnection } from "./connection.ts";
import { RabbitMqLetters } from "./letters.ts";
import { RabbitMqNames } from "./names.ts";
import { RabbitMqPublisher } from "./publisher.ts";
import { RabbitMqReader, type ReaderParts } from "./reader.ts";
import { stepsOf } from "./steps.ts";
import { RabbitMqTopology } from "./topology.ts";
import { RabbitMqTurns } from "./turns.ts";

/**
 * Streams on RabbitMQ: an exchange for each channel, a quorum queue for each group. Publishing has a connection of
 * its own, because a server that is short of memory stops reading from those that publish.
 */
export class RabbitMqStreamDriver implements StreamDriver {
  /** A queue forgets what was acknowledged. */
  readonly capabilities: StreamCapabilities;
  readonly #parts: Omit<ReaderParts, "channel" | "group" | "takeOverMs">;
  readonly #names: RabbitMqNames;
  readonly #publishing: RabbitMqConnection;
  readonly #reading: RabbitMqConnection;
  readonly #publisher: RabbitMqPublisher;
  readonly #topology: RabbitMqTopology;
  readonly #letters: RabbitMqLetters;
  readonly #readers = new Set<RabbitMqReader>();

  private constructor(
    settings: RabbitMqSettings,
    publishing: RabbitMqConnection,
    reading: RabbitMqConnection,
  ) {
    const { clock, maxPayloadBytes, prefix } = settings;
    this.capabilities = { replay: false, maxPayloadBytes };
    this.#names = new RabbitMqNames(prefix);
    this.#publishing = publishing;
    this.#reading = reading;
    this.#publisher = new RabbitMqPublisher(publishing, clock);
    const turns = new RabbitMqTurns(reading, clock);
    this.#topology = new RabbitMqTopology(reading, turns, this.#names);
    this.#parts = {
      connection: reading,
      publisher: this.#publisher,
      topology: this.#topology,
      names: this.#names,
      clock,
    };
    this.#letters = new RabbitMqLetters({ ...this.#parts, turns });
  }

  /** Connects, or rejects with a {@linkcode MessagingError}. */
  static async connect(settings: RabbitMqSettings): Promise<RabbitMqStreamDriver> {
    const publishing = await RabbitMqConnection.open(settings);
    try {
      const reading = await RabbitMqConnection.open(settings);
      return new RabbitMqStreamDriver(settings, publishing, reading);
    } catch (error) {
      await publishing.close();
      throw error;
    }
  }

  /** See {@linkcode StreamDriver.append}. */
  async append(channel: string, { id, envelope }: EncodedEvent, call: StreamCall): Promise<void> {
    const target = { exchange: this.#names.exchange(channel) };
    await this.#publisher.publish(target, { id, bytes: Buffer.from(envelope) }, call);
  }

  /** See {@linkcode StreamDriver.join}. */
  async join(
    channel: string,
    { group, takeOverMs }: JoinRequest,
    call: StreamCall,
  ): Promise<DriverReader> {
    const parts = { channel, group, takeOverMs, ...this.#parts };
    const leave = (): void => void this.#readers.delete(reader);
    const reader = await RabbitMqReader.join(parts, leave, call);
    this.#readers.add(reader);
    return reader;
  }

  /**
   * See {@linkcode StreamDriver.pending}. The server does not tell what was given out, so this is what the readers
   * of this bus have.
   */
  async pending(channel: string, group: string, call: StreamCall): Promise<GroupState> {
    const step = stepsOf(call, this.#parts.clock);
    const lag = await this.#topology.count(this.#names.queue(channel, group), step());
    if (lag === undefined) throw noGroupError(channel, group, call.operation);
    const letters = await this.#topology.count(this.#names.letters(channel, group), step());
    const readers = [...this.#readers].filter(({ place }) =>
      place.channel === channel && place.group === group
    );
    const since = readers.flatMap(({ heldSinceMs }) => heldSinceMs);
    const nowMs = this.#parts.clock.monotonic();
    const oldestMs = since.reduce((oldest, ms) => Math.min(oldest, ms), nowMs);
    const oldestPendingMs = since.length > 0 ? nowMs - oldestMs : undefined;
    return { pending: since.length, lag, deadLetters: letters ?? 0, oldestPendingMs };
  }

  /** See {@linkcode StreamDriver.deadLetters}. */
  async deadLetters(
    channel: string,
    group: string,
    page: { readonly limit: number; readonly after: string | undefined },
    call: StreamCall,
  ): Promise<readonly DeadLetter[]> {
    return await this.#letters.list({ channel, group }, page, call);
  }

  /** See {@linkcode StreamDriver.redrive}. */
  async redrive(
    channel: string,
    group: string,
    ids: readonly string[],
    call: StreamCall,
  ): Promise<number> {
    return await this.#letters.redrive({ channel, group }, ids, call);
  }

  /** See {@linkcode StreamDriver.discard}. */
  async discard(
    channel: string,
    group: string,
    ids: readonly string[],
    call: StreamCall,
  ): Promise<number> {
    return await this.#letters.discard({ channel, group }, ids, call);
  }

  /** Never called: there is no history. */
  replay(): never {
    throw unsupported("replay");
  }

  /** Never called: there is no history. */
  seek(): never {
    throw unsupported("seek");
  }

  /** Never called: there is no history. */
  trim(): never {
    throw unsupported("trim");
  }

  /** See {@linkcode StreamDriver.health}. */
  async health(call: StreamCall): Promise<Record<string, unknown>> {
    if (this.#publishing.isBlocked) throw blockedError(call.operation);
    const connections = [this.#publishing, this.#reading];
    await Promise.all(
      connections.map((one) => one.withChannel(call, (channel) => channel.prefetch(1))),
    );
    return {
      adapter: "rabbitmq",
      serverVersion: this.#reading.serverVersion,
      unconfirmed: this.#publisher.unconfirmed,
    };
  }

  /** See {@linkcode StreamDriver.close}. */
  async close(): Promise<void> {
    this.#publisher.close();
    await Promise.all([this.#publishing.close(), this.#reading.close()]);
  }
}

function noGroupError(channel: string, group: string, operation: string): MessagingError {
  const why = `there is no group ${group} on ${channel}`;
  return new MessagingError(`Cannot ${operation}: ${why}`, { code: "not_found", operation });
}

function blockedError(operation: string): MessagingError {
  const why = "the server takes no messages, because it is short of memory or disk";
  return new MessagingError(`Cannot ${operation}: ${why}`, {
    code: "resource_exhausted",
    operation,
    retryable: true,
  });
}

function unsupported(operation: string): MessagingError {
  return new MessagingError(`Cannot ${operation}: a queue keeps nothing that was acknowledged`, {
    code: "unsupported",
    operation,
  });
}
