import type {
  ConsumerConfig,
  ConsumerInfo,
  ConsumerUpdateConfig,
  JetStreamManager,
  StreamInfo,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { MessagingError, ValidationError } from "../../../core/errors.ts";
import type { JoinRequest } from "../../stream_driver.ts";
import type { StreamStart } from "../../streams.ts";
import type { NatsSettings } from "./config.ts";
import { consumersOf, type GroupConsumers, groupConsumers } from "./generations.ts";
import { type ChannelNames, consumerOf } from "./names.ts";
import { isMissing, isTaken } from "./nats_error.ts";
import type { NatsCall, NatsServer } from "./server.ts";

/** How long a stream knows the ids of what was published, in milliseconds. */
const DUPLICATE_WINDOW_MS = 120_000;

/** What the headers of a dead letter take at most, in bytes: reason, text, position and the client's own. */
export const LETTER_HEADER_BYTES = 12_288;

/** A group as it was found or made. */
export interface JoinedGroup {
  /** The consumer that gives out what is new. */
  readonly consumer: ConsumerInfo;
  /** Older ones, which have something pending. */
  readonly older: readonly ConsumerInfo[];
  /** When the stream was created, which tells it from another one of the same name. */
  readonly streamCreated: string;
}

/** Creates streams and consumers where they are missing, and finds what is there. */
export class NatsSetup {
  readonly #server: NatsServer;
  readonly #settings: NatsSettings;

  /** Works on a server. */
  constructor(server: NatsServer, settings: NatsSettings) {
    this.#server = server;
    this.#settings = settings;
  }

  /** Creates the stream of a channel unless it is there. */
  async createStream(names: ChannelNames, call: NatsCall): Promise<void> {
    const { replicas, maxAgeMs, maxRecords } = this.#settings;
    await this.#create(call, {
      name: names.stream,
      subjects: [names.subject, names.past],
      retention: "limits",
      num_replicas: replicas,
      max_age: nanos(maxAgeMs),
      max_msgs: maxRecords ?? -1,
      // What is stored has to fit into a dead letter, whoever published it.
      max_msg_size: this.#server.maxMessageBytes - LETTER_HEADER_BYTES,
    });
  }

  /** Creates the desk of a channel unless it is there. */
  async createDesk(names: ChannelNames, call: NatsCall): Promise<void> {
    await this.#create(call, {
      name: names.desk,
      subjects: [...names.deskSubjects],
      retention: "workqueue",
      num_replicas: this.#settings.replicas,
    });
  }

  /** The stream of a channel; `undefined` if there is none. */
  findStream(stream: string, call: NatsCall, subjects?: string): Promise<StreamInfo | undefined> {
    const filter = subjects === undefined ? undefined : { subjects_filter: subjects };
    return this.#find(call, (jsm) => jsm.streams.info(stream, filter));
  }

  /** A consumer on one of the streams of a channel; `undefined` if there is none. */
  findConsumer(
    stream: string,
    consumer: string,
    call: NatsCall,
  ): Promise<ConsumerInfo | undefined> {
    return this.#find(call, (jsm) => jsm.consumers.info(stream, consumer));
  }

  /** The consumers of a group; `undefined` if there is no such group. */
  async findGroup(
    { stream }: ChannelNames,
    group: string,
    call: NatsCall,
  ): Promise<GroupConsumers | undefined> {
    const first = await this.findConsumer(stream, consumerOf(group), call);
    if (!first) return undefined;
    const found = new Map([[first.name, first]]);
    for (const name of consumersOf(first).filter((name) => name !== first.name)) {
      const consumer = await this.findConsumer(stream, name, call);
      if (consumer) found.set(name, consumer);
    }
    return groupConsumers(first, (name) => found.get(name));
  }

  /** The consumers of a group; rejects with code `not_found` if there is no such group. */
  async group(names: ChannelNames, group: string, call: NatsCall): Promise<GroupConsumers> {
    const found = await this.findGroup(names, group, call);
    if (found) return found;
    throw new MessagingError(`Cannot ${call.operation}: there is no group ${group}`, {
      code: "not_found",
      operation: call.operation,
    });
  }

  /** Joins a group, and creates it, and the stream, where they are missing. */
  async join(names: ChannelNames, request: JoinRequest, call: NatsCall): Promise<JoinedGroup> {
    const { group, takeOverMs } = request;
    const ack_wait = nanos(takeOverMs);
    const stream = await this.#stream(names, call);
    const found = await this.findGroup(names, group, call);
    const consumer = found?.current ??
      await this.createConsumer(names.stream, found?.currentName ?? consumerOf(group), {
        ack_wait,
        ...startOf(request.from, stream.state.last_seq),
      }, call);
    const again = await this.findConsumer(names.desk, consumerOf(group), call);
    // All readers of a group have the time that the last one to join said.
    for (const one of [consumer, ...found?.older ?? [], ...again ? [again] : []]) {
      if (one.config.ack_wait === ack_wait) continue;
      await this.updateConsumer(one, { ack_wait }, call);
    }
    return { consumer, older: found?.older ?? [], streamCreated: stream.created };
  }

  /** Changes a consumer. */
  async updateConsumer(
    { stream_name, name }: ConsumerInfo,
    config: Partial<ConsumerConfig>,
    call: NatsCall,
  ): Promise<void> {
    const change = config as ConsumerUpdateConfig;
    await this.#server.run(
      call,
      "unknown",
      ({ jsm }) => jsm.consumers.update(stream_name, name, change),
    );
  }

  /** Has the desk give the group what is for it only. */
  async createAgain(names: ChannelNames, group: string, call: NatsCall): Promise<void> {
    if (await this.findConsumer(names.desk, consumerOf(group), call)) return;
    const { first } = await this.group(names, group, call);
    await this.createDesk(names, call);
    await this.createConsumer(names.desk, consumerOf(group), {
      ack_wait: first.config.ack_wait,
      filter_subject: names.again(group),
      deliver_policy: "all",
    }, call);
  }

  /** Creates a consumer, or finds that somebody else just did. */
  async createConsumer(
    stream: string,
    durable_name: string,
    config: Partial<ConsumerConfig>,
    call: NatsCall,
  ): Promise<ConsumerInfo> {
    try {
      return await this.#server.step(call, "unknown", ({ jsm }) =>
        jsm.consumers.add(stream, {
          durable_name,
          ack_policy: "explicit",
          // Without a bound: with one, the server would stop to give a message out and tell nobody.
          max_deliver: -1,
          max_ack_pending: -1,
          ...config,
        }));
    } catch (error) {
      const found = isTaken(error)
        ? await this.findConsumer(stream, durable_name, call)
        : undefined;
      if (found) return found;
      return await this.#server.mapped(call, "unknown", () => Promise.reject(error));
    }
  }

  /** Deletes a consumer, if it is there. */
  async removeConsumer(stream: string, name: string, call: NatsCall): Promise<void> {
    await this.#find(call, (jsm) => jsm.consumers.delete(stream, name));
  }

  async #stream(names: ChannelNames, call: NatsCall): Promise<StreamInfo> {
    const found = await this.findStream(names.stream, call);
    if (found) return found;
    await this.createStream(names, call);
    return await this.#server.run(
      call,
      "not-applied",
      ({ jsm }) => jsm.streams.info(names.stream),
    );
  }

  async #find<T>(
    call: NatsCall,
    find: (jsm: JetStreamManager) => Promise<T>,
  ): Promise<T | undefined> {
    return await this.#server.run(call, "not-applied", ({ jsm }) =>
      find(jsm).catch((error) => {
        if (isMissing(error)) return undefined;
        throw error;
      }));
  }

  async #create(call: NatsCall, config: NewStream): Promise<void> {
    await this.#server.run(call, "unknown", ({ jsm }) =>
      jsm.streams.add({
        storage: "file",
        discard: "old",
        duplicate_window: nanos(DUPLICATE_WINDOW_MS),
        ...config,
      }).catch((error) => {
        if (!isTaken(error)) throw error;
      }));
  }
}

type NewStream = Parameters<JetStreamManager["streams"]["add"]>[0];

/** Where a consumer begins. `lastSeq` is the newest record: `new` would be decided again at each start of the server. */
export function startOf(from: StreamStart, lastSeq: number): Partial<ConsumerConfig> {
  if (from === "beginning") return { deliver_policy: "all" };
  if (from === "end") return startAt(lastSeq + 1);
  if ("after" in from) return startAt(sequenceOf(from.after, "from.after") + 1);
  return { deliver_policy: "by_start_time", opt_start_time: from.since.toISOString() };
}

/** Begins with a record, or with the next one that there is. */
export function startAt(sequence: number): Partial<ConsumerConfig> {
  return { deliver_policy: "by_start_sequence", opt_start_seq: sequence };
}

function sequenceOf(position: string, field: string): number {
  if (/^\d{1,15}$/.test(position)) return Number(position);
  throw new ValidationError(field, "it must be a position of this bus");
}
