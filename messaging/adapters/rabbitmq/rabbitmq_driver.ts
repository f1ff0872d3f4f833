import { MessagingError } from "../../../core/errors.ts";
import type {
  DriverReader,
  JoinRequest,
  NewRecord,
  StreamCall,
  StreamDriver,
} from "../../stream_driver.ts";
import type { DeadLetter, GroupState, StreamCapabilities } from "../../streams.ts";
import type { RabbitMqSettings } from "./config.ts";
import { RabbitMqConnection } from "./connection.ts";
import { RabbitMqLetters } from "./letters.ts";
import { RabbitMqNames } from "./names.ts";
import { RabbitMqPublisher } from "./publisher.ts";
import { RabbitMqReader } from "./reader.ts";
import { stepsOf } from "./steps.ts";

/**
 * Streams on RabbitMQ: an exchange for each channel, a quorum queue for each group. Publishing has a connection of
 * its own, because a server that is short of memory stops reading from those that publish.
 */
export class RabbitMqStreamDriver implements StreamDriver {
  /** A queue forgets what was acknowledged. */
  readonly capabilities: StreamCapabilities;
  readonly #settings: RabbitMqSettings;
  readonly #names: RabbitMqNames;
  readonly #publishing: RabbitMqConnection;
  readonly #reading: RabbitMqConnection;
  readonly #publisher: RabbitMqPublisher;
  readonly #letters: RabbitMqLetters;
  readonly #readers = new Set<RabbitMqReader>();

  private constructor(
    settings: RabbitMqSettings,
    publishing: RabbitMqConnection,
    reading: RabbitMqConnection,
  ) {
    const { clock, maxPayloadBytes, prefix } = settings;
    this.capabilities = { replay: false, maxPayloadBytes };
    this.#settings = settings;
    this.#names = new RabbitMqNames(prefix);
    this.#publishing = publishing;
    this.#reading = reading;
    this.#publisher = new RabbitMqPublisher(publishing, clock);
    const parts = { connection: reading, publisher: this.#publisher, names: this.#names, clock };
    this.#letters = new RabbitMqLetters(parts);
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
  async append(channel: string, record: NewRecord, call: StreamCall): Promise<void> {
    const target = { exchange: this.#names.exchange(channel) };
    await this.#publisher.publish(target, record, call);
  }

  /** See {@linkcode StreamDriver.join}. */
  async join(
    channel: string,
    { group, takeOverMs }: JoinRequest,
    call: StreamCall,
  ): Promise<DriverReader> {
    const { clock } = this.#settings;
    const place = { channel, group, takeOverMs };
    const means = { connection: this.#reading, publisher: this.#publisher, names: this.#names };
    const leave = (): void => void this.#readers.delete(reader);
    const reader = await RabbitMqReader.join({ ...place, ...means, clock }, leave, call);
    this.#readers.add(reader);
    return reader;
  }

  /**
   * See {@linkcode StreamDriver.pending}. The server does not tell what was given out, so this is what the readers
   * of this bus have.
   */
  async pending(channel: string, group: string, call: StreamCall): Promise<GroupState> {
    const step = stepsOf(call, this.#settings.clock);
    const lag = await this.#countGroup(channel, group, step());
    const deadLetters = await this.#count(this.#names.letters(channel, group), step()) ?? 0;
    const readers = [...this.#readers].filter(({ place }) =>
      place.channel === channel && place.group === group
    );
    const since = readers.flatMap(({ heldSinceMs }) => heldSinceMs);
    const nowMs = this.#settings.clock.monotonic();
    const oldestMs = since.reduce((oldest, ms) => Math.min(oldest, ms), nowMs);
    const oldestPendingMs = since.length > 0 ? nowMs - oldestMs : undefined;
    return { pending: since.length, lag, deadLetters, oldestPendingMs };
  }

  /** See {@linkcode StreamDriver.deadLetters}. */
  async deadLetters(
    channel: string,
    group: string,
    page: { readonly limit: number; readonly after: string | undefined },
    call: StreamCall,
  ): Promise<readonly DeadLetter[]> {
    const step = stepsOf(call, this.#settings.clock);
    await this.#countGroup(channel, group, step());
    return await this.#letters.list({ channel, group }, page, step());
  }

  /** See {@linkcode StreamDriver.redrive}. */
  async redrive(
    channel: string,
    group: string,
    ids: readonly string[],
    call: StreamCall,
  ): Promise<number> {
    const step = stepsOf(call, this.#settings.clock);
    await this.#countGroup(channel, group, step());
    return await this.#letters.redrive({ channel, group }, ids, step());
  }

  /** See {@linkcode StreamDriver.discard}. */
  async discard(
    channel: string,
    group: string,
    ids: readonly string[],
    call: StreamCall,
  ): Promise<number> {
    const step = stepsOf(call, this.#settings.clock);
    await this.#countGroup(channel, group, step());
    return await this.#letters.discard({ channel, group }, ids, step());
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

  /** How many messages wait for a group; rejects if there is no such group. */
  async #countGroup(channel: string, group: string, call: StreamCall): Promise<number> {
    const count = await this.#count(this.#names.queue(channel, group), call);
    if (count !== undefined) return count;
    const { operation } = call;
    const why = `there is no group ${group} on ${channel}`;
    throw new MessagingError(`Cannot ${operation}: ${why}`, { code: "not_found", operation });
  }

  /** How many messages wait in a queue; `undefined` if there is no such queue. */
  async #count(queue: string, call: StreamCall): Promise<number | undefined> {
    try {
      const look = this.#reading.withChannel(call, (channel) => channel.checkQueue(queue));
      return (await look).messageCount;
    } catch (error) {
      if (error instanceof MessagingError && error.code === "not_found") return undefined;
      throw error;
    }
  }
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
