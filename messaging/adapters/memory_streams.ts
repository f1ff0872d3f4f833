// deno-lint-ignore-file require-await -- what these methods throw has to arrive as a rejection
import { type Clock, systemClock } from "../../core/clock.ts";
import { checkInteger } from "../../core/validation.ts";
import { DEFAULT_MAX_PAYLOAD_BYTES } from "../envelope.ts";
import type { EncodedEvent } from "../event_encoder.ts";
import { MemoryStream } from "../memory_stream.ts";
import { PortableStreamBus, type StreamBusOptions } from "../portable_streams.ts";
import type { DriverReader, JoinRequest, StreamDriver } from "../stream_driver.ts";
import type {
  DeadLetter,
  GroupState,
  StreamCapabilities,
  StreamRecord,
  StreamStart,
} from "../streams.ts";

export type { PortableStreamBus, StreamBusOptions } from "../portable_streams.ts";

/** How a {@linkcode MemoryStreamBus} works; everything has a default. */
export interface MemoryStreamBusConfig extends StreamBusOptions {
  /** What it works on. Default: streams of its own. */
  readonly streams?: MemoryStreams | undefined;
}

/** How {@linkcode MemoryStreams} keep what they are given. */
export interface MemoryStreamsConfig {
  /** The largest payload, as bytes of JSON in UTF-8. Default: 1,000,000. */
  readonly maxPayloadBytes?: number | undefined;
  /** How many records that every group is done with a channel keeps for replays. Default: 10,000. */
  readonly keep?: number | undefined;
  /** Tells when records arrived, and measures how long readers are silent. Default: the clock of the machine. */
  readonly clock?: Clock | undefined;
}

/**
 * What stream buses of one process share; it is gone with the process.
 *
 * ```ts
 * import { MemoryStreamBus, MemoryStreams } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const streams = new MemoryStreams({ keep: 1_000 });
 * const api = new MemoryStreamBus({ streams });
 * const worker = new MemoryStreamBus({ streams });
 * await api.publish("events:submission", { type: "Created", submissionId: "s-1" });
 * const reader = await worker.reader("events:submission", { group: "scoring" });
 * const { entries } = await reader.read();
 * console.log(entries.map((entry) => entry.decode().type)); // ["Created"]
 * await reader.ack(entries);
 * await Promise.all([api.close(), worker.close()]);
 * ```
 */
export class MemoryStreams {
  /** The largest payload, as bytes of JSON in UTF-8. */
  readonly maxPayloadBytes: number;
  readonly #keep: number;
  readonly #clock: Clock;
  readonly #channels = new Map<string, MemoryStream>();

  /** Creates empty streams. Throws a `ValidationError` that names a malformed member of `config`. */
  constructor(config: MemoryStreamsConfig = {}) {
    const { maxPayloadBytes = DEFAULT_MAX_PAYLOAD_BYTES, keep = 10_000 } = config;
    this.maxPayloadBytes = checkInteger("maxPayloadBytes", maxPayloadBytes, { min: 1 });
    this.#keep = checkInteger("keep", keep, { min: 0 });
    this.#clock = config.clock ?? systemClock;
  }

  /** How many channels have a stream. */
  get size(): number {
    return this.#channels.size;
  }

  /** Adds bytes to the stream of a channel, whatever they are. */
  append(channel: string, bytes: Uint8Array): void {
    const stream = this.of(channel);
    stream.append(bytes);
    // Not at each record, because that copies what stays.
    if (stream.size >= 2 * this.#keep) stream.trim(this.#keep, false);
  }

  /**
   * The stream of a channel.
   *
   * @internal
   */
  of(channel: string): MemoryStream {
    let stream = this.#channels.get(channel);
    if (!stream) {
      stream = new MemoryStream(channel, this.#clock);
      this.#channels.set(channel, stream);
    }
    return stream;
  }
}

/**
 * Durable streams inside one process, for development, tests and single-node tools: they do everything that the
 * port says, as long as the process lives. Buses that are to meet are given the same {@linkcode MemoryStreams}.
 *
 * ```ts
 * import { EventChannel } from "@benchmark-exchange/infrastructure/messaging";
 * import { MemoryStreamBus } from "@benchmark-exchange/infrastructure/messaging/memory-streams";
 *
 * const bus = new MemoryStreamBus();
 * await bus.subscribe(EventChannel.SUBMISSION, (message) => console.log(message.payload), {
 *   group: "scoring",
 * });
 * await bus.publish(EventChannel.SUBMISSION, { type: "Scored" });
 * await bus.drain(1_000);
 * await bus.close();
 * ```
 */
export class MemoryStreamBus extends PortableStreamBus {
  /** Creates a bus. Throws a `ValidationError` that names a malformed member of `config`. */
  constructor(config: MemoryStreamBusConfig = {}) {
    const { streams = new MemoryStreams({ clock: config.clock }) } = config;
    super(new MemoryStreamDriver(streams), config);
  }
}

const encoder = new TextEncoder();

class MemoryStreamDriver implements StreamDriver {
  readonly capabilities: StreamCapabilities;
  readonly #streams: MemoryStreams;

  constructor(streams: MemoryStreams) {
    this.#streams = streams;
    this.capabilities = { replay: true, maxPayloadBytes: streams.maxPayloadBytes };
  }

  async append(channel: string, { envelope }: EncodedEvent): Promise<void> {
    this.#streams.append(channel, encoder.encode(envelope));
  }

  async join(channel: string, request: JoinRequest): Promise<DriverReader> {
    const { takeOverMs } = request;
    const group = this.#streams.of(channel).join(request.group, request.from);
    const owner = {};
    return {
      read: (max, waitMs, { signal }) => group.read(owner, { max, waitMs, takeOverMs }, signal),
      ack: async (entries) => group.ack(entries),
      extend: async (entries) => group.extend(entries),
      release: async (entries) => group.release(entries),
      bury: async (entry, letter) => group.bury(entry, letter),
      close: async () => {},
    };
  }

  async pending(channel: string, group: string): Promise<GroupState> {
    return this.#streams.of(channel).group(group, "read the state of a group").state;
  }

  async deadLetters(
    channel: string,
    group: string,
    { limit, after }: { readonly limit: number; readonly after: string | undefined },
  ): Promise<readonly DeadLetter[]> {
    const letters = this.#streams.of(channel).find(group)?.letters ?? [];
    const newer = after === undefined ? letters : letters.filter(({ id }) => +id > +after);
    return newer.slice(0, limit);
  }

  async redrive(channel: string, group: string, ids: readonly string[]): Promise<number> {
    return this.#streams.of(channel).find(group)?.redrive(ids) ?? 0;
  }

  async discard(channel: string, group: string, ids: readonly string[]): Promise<number> {
    return this.#streams.of(channel).find(group)?.discard(ids) ?? 0;
  }

  async *replay(channel: string, from: StreamStart): AsyncGenerator<StreamRecord, void> {
    yield* this.#streams.of(channel).since(from);
  }

  async seek(channel: string, group: string, from: StreamStart): Promise<void> {
    const stream = this.#streams.of(channel);
    stream.group(group, "seek").nextIndex = stream.startIndex(from);
  }

  async trim(
    channel: string,
    { keep, force }: { readonly keep: number; readonly force: boolean },
  ): Promise<number> {
    return this.#streams.of(channel).trim(keep, force);
  }

  async health(): Promise<Record<string, unknown>> {
    return { channels: this.#streams.size };
  }

  async close(): Promise<void> {}
}
