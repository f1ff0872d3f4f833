import type { Clock } from "../../../core/clock.ts";
import { MessagingError } from "../../../core/errors.ts";
import type { EncodedEvent } from "../../event_encoder.ts";
import type { DriverReader, JoinRequest, StreamCall, StreamDriver } from "../../stream_driver.ts";
import type {
  DeadLetter,
  GroupState,
  StreamCapabilities,
  StreamRecord,
  StreamStart,
} from "../../streams.ts";
import type { NatsSettings } from "./config.ts";
import { NatsHistory } from "./history.ts";
import { type LetterBox, NatsLetters } from "./letters.ts";
import { consumerOf, namesOf } from "./names.ts";
import { isUnheard } from "./nats_error.ts";
import { NatsReader } from "./reader.ts";
import type { NatsServer } from "./server.ts";
import { LETTER_HEADER_BYTES, NatsSetup } from "./setup.ts";

/** What the attributes of an event take at most, in bytes. */
const ATTRIBUTE_BYTES = 32_768;

/** Durable streams on JetStream: a stream for each channel, a durable pull consumer for each group. */
export class NatsStreamDriver implements StreamDriver {
  /** See `StreamDriver.capabilities`. */
  readonly capabilities: StreamCapabilities;
  readonly #server: NatsServer;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #setup: NatsSetup;
  readonly #letters: NatsLetters;
  readonly #history: NatsHistory;

  /** Works on a server, which it closes in the end. */
  constructor(server: NatsServer, settings: NatsSettings) {
    const { prefix, clock, maxPayloadBytes } = settings;
    this.#server = server;
    this.#prefix = prefix;
    this.#clock = clock;
    this.#setup = new NatsSetup(server, settings);
    this.#letters = new NatsLetters(server, this.#setup);
    const parts = { server, setup: this.#setup, letters: this.#letters, clock };
    this.#history = new NatsHistory(parts);
    const room = server.maxMessageBytes - LETTER_HEADER_BYTES - ATTRIBUTE_BYTES;
    this.capabilities = {
      replay: true,
      maxPayloadBytes: Math.max(0, Math.min(maxPayloadBytes, room)),
    };
  }

  /** See `StreamDriver.append`: with the id, so that the server keeps what it is sent twice only once. */
  async append(
    channel: string,
    { id, envelope }: EncodedEvent,
    streamCall: StreamCall,
  ): Promise<void> {
    const call = this.#server.begin(streamCall);
    const names = namesOf(this.#prefix, channel);
    const publish = (): Promise<unknown> =>
      this.#server.step(call, "unknown", ({ js, leftMs }) =>
        js.publish(names.subject, envelope, {
          // Encoded, because the server drops spaces around the value of a header.
          msgID: encodeURIComponent(id),
          timeout: leftMs,
          expect: { streamName: names.stream },
        }));
    await this.#server.mapped(call, "unknown", async () => {
      try {
        await publish();
      } catch (error) {
        if (!isUnheard(error)) throw error;
        await this.#setup.createStream(names, call);
        await publish();
      }
    });
  }

  /** See `StreamDriver.join`. */
  async join(channel: string, request: JoinRequest, streamCall: StreamCall): Promise<DriverReader> {
    const call = this.#server.begin(streamCall);
    const names = namesOf(this.#prefix, channel);
    const joined = await this.#setup.join(names, request, call);
    return new NatsReader({
      server: this.#server,
      setup: this.#setup,
      letters: this.#letters,
      clock: this.#clock,
      channel,
      names,
      request,
    }, joined);
  }

  /** See `StreamDriver.pending`. */
  async pending(channel: string, group: string, streamCall: StreamCall): Promise<GroupState> {
    const call = this.#server.begin(streamCall);
    const names = namesOf(this.#prefix, channel);
    const { current, older } = await this.#setup.group(names, group, call);
    const again = await this.#setup.findConsumer(names.desk, consumerOf(group), call);
    const all = [current, again, ...older].filter((one) => one !== undefined);
    return {
      pending: sum(all.map(({ num_ack_pending }) => num_ack_pending)),
      lag: sum(all.map(({ num_pending }) => num_pending)),
      deadLetters: await this.#letters.count(this.#box(channel, group), call),
      oldestPendingMs: undefined,
    };
  }

  /** See `StreamDriver.deadLetters`. */
  async deadLetters(
    channel: string,
    group: string,
    page: { readonly limit: number; readonly after: string | undefined },
    call: StreamCall,
  ): Promise<readonly DeadLetter[]> {
    return await this.#letters.list(this.#box(channel, group), page, this.#server.begin(call));
  }

  /** See `StreamDriver.redrive`. */
  async redrive(
    channel: string,
    group: string,
    ids: readonly string[],
    call: StreamCall,
  ): Promise<number> {
    return await this.#letters.redrive(this.#box(channel, group), ids, this.#server.begin(call));
  }

  /** See `StreamDriver.discard`. */
  async discard(
    channel: string,
    group: string,
    ids: readonly string[],
    call: StreamCall,
  ): Promise<number> {
    return await this.#letters.discard(this.#box(channel, group), ids, this.#server.begin(call));
  }

  /** See `StreamDriver.replay`. */
  replay(channel: string, from: StreamStart, call: StreamCall): AsyncIterable<StreamRecord> {
    return this.#history.replay(channel, namesOf(this.#prefix, channel), from, call);
  }

  /** See `StreamDriver.seek`. */
  async seek(
    channel: string,
    group: string,
    from: StreamStart,
    call: StreamCall,
  ): Promise<void> {
    const names = namesOf(this.#prefix, channel);
    await this.#history.seek(names, group, from, this.#server.begin(call));
  }

  /** See `StreamDriver.trim`. */
  async trim(
    channel: string,
    request: { readonly keep: number; readonly force: boolean },
    call: StreamCall,
  ): Promise<number> {
    const names = namesOf(this.#prefix, channel);
    return await this.#history.trim(names, request, this.#server.begin(call));
  }

  /** See `StreamDriver.health`. */
  async health(streamCall: StreamCall): Promise<Record<string, unknown>> {
    const call = this.#server.begin(streamCall);
    const account = await this.#server.run(
      call,
      "not-applied",
      ({ jsm }) =>
        jsm.getAccountInfo().catch((error) => {
          throw isUnheard(error) ? withoutJetStream(call.operation) : error;
        }),
    );
    const { streams, consumers, storage } = account;
    return { ...this.#server.description, streams, consumers, storageBytes: storage };
  }

  /** See `StreamDriver.close`. */
  close(): Promise<void> {
    return this.#server.close();
  }

  #box(channel: string, group: string): LetterBox {
    return { channel, names: namesOf(this.#prefix, channel), group };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function withoutJetStream(operation: string): MessagingError {
  return new MessagingError(`Cannot ${operation}: the server has no JetStream`, {
    code: "unsupported",
    operation,
  });
}
