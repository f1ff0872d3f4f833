import type { ConsumerInfo, StreamInfo } from "@nats-io/jetstream";
import { headers, nanos } from "@nats-io/transport-node";
import type { Clock } from "../../../core/clock.ts";
import { MessagingError } from "../../../core/errors.ts";
import type { StreamCall } from "../../stream_driver.ts";
import type { StreamRecord, StreamStart } from "../../streams.ts";
import { deliveryInfo, LOST_HEADER, recordOf } from "./delivery.ts";
import {
  consumersOf,
  describeConsumers,
  doneTo,
  type GroupConsumers,
  groupConsumers,
  nextConsumer,
} from "./generations.ts";
import type { NatsLetters } from "./letters.ts";
import { type ChannelNames, groupOf } from "./names.ts";
import { pull } from "./pull.ts";
import type { NatsCall, NatsServer } from "./server.ts";
import { type NatsSetup, startOf } from "./setup.ts";

/** What a {@linkcode NatsHistory} works with. */
export interface HistoryParts {
  readonly server: NatsServer;
  readonly setup: NatsSetup;
  readonly letters: NatsLetters;
  readonly clock: Clock;
}

/** How many records one question of a replay asks for. */
const PAGE = 256;

/** After how long without a question the server forgets where a replay was, in milliseconds. */
const FORGET_MS = 300_000;

const NO_BYTES = new Uint8Array();

/** Looks back at streams, and cuts them. */
export class NatsHistory {
  readonly #parts: HistoryParts;

  /** Works on a server. */
  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** See `StreamHistory.replay`. The deadline is that of each step. */
  async *replay(
    channel: string,
    { stream }: ChannelNames,
    from: StreamStart,
    streamCall: StreamCall,
  ): AsyncGenerator<StreamRecord, void> {
    const { server, setup } = this.#parts;
    const call = server.begin(streamCall);
    const found = await setup.findStream(stream, call);
    if (!found || found.state.messages === 0) return;
    const last = found.state.last_seq;
    const config = startOf(from, last);
    if ((config.opt_start_seq ?? 0) > last) return;
    const consumer = await server.run(call, "unknown", ({ jsm }) =>
      jsm.consumers.add(stream, {
        ack_policy: "none",
        mem_storage: true,
        num_replicas: 1,
        inactive_threshold: nanos(FORGET_MS),
        ...config,
      }));
    try {
      yield* this.#records(channel, consumer, last, streamCall);
    } finally {
      const end = server.begin(streamCall);
      await server.run(end, "unknown", ({ jsm }) => jsm.consumers.delete(stream, consumer.name))
        .catch(() => {
          // The server forgets it in time.
        });
    }
  }

  /** See `StreamHistory.seek`: another consumer begins at the place, and those before it give out nothing new. */
  async seek(
    names: ChannelNames,
    group: string,
    from: StreamStart,
    call: NatsCall,
  ): Promise<void> {
    const { setup } = this.#parts;
    const found = await setup.group(names, group, call);
    const { first, current, older } = found;
    const stream = await setup.findStream(names.stream, call);
    const start = startOf(from, stream?.state.last_seq ?? 0);
    const name = nextConsumer(found);
    const { ack_wait } = first.config;
    await setup.createConsumer(names.stream, name, { ack_wait, ...start }, call);
    const before = [...older, ...current ? [current] : []].map((one) => one.name);
    const description = describeConsumers([...before, name]);
    // In one step the group has its new place, and the first consumer none.
    await setup.updateConsumer(first, { description, filter_subject: names.past }, call);
    if (current && current.name !== first.name) {
      await setup.updateConsumer(current, { filter_subject: names.past }, call);
    }
    // What was current until now may still be read from; its time comes with the next seek.
    const over = consumersOf(first).filter((one) => one !== first.name && !before.includes(one));
    for (const one of over) await setup.removeConsumer(names.stream, one, call);
  }

  /** See `StreamHistory.trim`. */
  async trim(
    names: ChannelNames,
    { keep, force }: { readonly keep: number; readonly force: boolean },
    call: NatsCall,
  ): Promise<number> {
    const { server, setup } = this.#parts;
    const found = await setup.findStream(names.stream, call);
    if (!found || found.state.messages <= keep) return 0;
    const groups = await this.#groups(names, call);
    const wanted = found.state.last_seq - keep + 1;
    const needed = groups.flatMap(({ current, older }) => [...current ? [current] : [], ...older])
      .map((consumer) => doneTo(consumer) + 1);
    const end = force ? wanted : Math.min(wanted, ...needed);
    if (end <= found.state.first_seq) return 0;
    if (force) await this.#tellLost(names, found, groups, end, call);
    const { purged } = await server.run(
      call,
      "unknown",
      ({ jsm }) => jsm.streams.purge(names.stream, { seq: end }),
    );
    return purged;
  }

  async #groups(names: ChannelNames, call: NatsCall): Promise<GroupConsumers[]> {
    const consumers = await this.#parts.server.run(
      call,
      "not-applied",
      ({ jsm }) => allOf(jsm.consumers.list(names.stream)),
    );
    const byName = new Map(consumers.map((consumer) => [consumer.name, consumer]));
    return consumers.filter(({ name }) => !name.includes("="))
      .map((first) => groupConsumers(first, (name) => byName.get(name)));
  }

  async *#records(
    channel: string,
    { stream_name: stream, name: consumer }: ConsumerInfo,
    last: number,
    streamCall: StreamCall,
  ): AsyncGenerator<StreamRecord, void> {
    const { server, clock } = this.#parts;
    for (let position = 0, pending = 1; pending > 0 && position < last;) {
      const call = server.begin(streamCall);
      const request = { stream, consumer, max: PAGE, waitMs: 0, graceMs: call.timeoutMs };
      const { messages, end } = await server.run(
        call,
        "not-applied",
        ({ nc }) => pull(nc, request, clock),
      );
      if (messages.length === 0) {
        if (end === "done") return;
        throw new MessagingError("Cannot replay: the server forgot where it was", {
          code: "unavailable",
          operation: "replay",
          retryable: true,
        });
      }
      for (const message of messages) {
        const { sequence, pending: left } = deliveryInfo(message.reply ?? "");
        if (sequence > last) return;
        position = sequence;
        pending = left;
        yield recordOf(channel, String(sequence), message.data);
      }
    }
  }

  /** Tells each group how many records it was not given and will not be; readers know by the mark that it was told. */
  async #tellLost(
    names: ChannelNames,
    { state }: StreamInfo,
    groups: readonly GroupConsumers[],
    end: number,
    call: NatsCall,
  ): Promise<void> {
    const { setup, letters } = this.#parts;
    const losers = groups
      .map(({ first, current }) => {
        const next = Math.max((current?.delivered.stream_seq ?? 0) + 1, state.first_seq);
        return { group: groupOf(first.name), lost: end - next, next };
      })
      .filter(({ lost }) => lost > 0);
    if (losers.length === 0) return;
    await setup.createDesk(names, call);
    const mark = {
      subject: names.trimmed,
      bytes: new TextEncoder().encode(String(end - 1)),
      headers: headers(),
    };
    await letters.put(names, mark, `trimmed:${end}`, call);
    for (const { group, lost, next } of losers) {
      await setup.createAgain(names, group, call);
      const told = headers();
      told.set(LOST_HEADER, String(lost));
      const notice = { subject: names.again(group), bytes: NO_BYTES, headers: told };
      await letters.put(names, notice, `lost:${group}:${next}:${end}`, call);
    }
  }
}

async function allOf<T>(list: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of list) all.push(one);
  return all;
}
