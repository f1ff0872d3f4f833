import type { Msg } from "@nats-io/transport-node";
import type { Clock } from "../../../core/clock.ts";
import { MessagingError } from "../../../core/errors.ts";
import type { DriverReader, JoinRequest, NewDeadLetter, StreamCall } from "../../stream_driver.ts";
import type { StreamBatch, StreamEntry } from "../../streams.ts";
import { type Held, heldOf, LOST_HEADER } from "./delivery.ts";
import { GapFinder } from "./gap_finder.ts";
import { doneTo } from "./generations.ts";
import { HeldEntries } from "./held_entries.ts";
import type { NatsLetters } from "./letters.ts";
import { type ChannelNames, consumerOf } from "./names.ts";
import { pull, type Pulled, type PullRequest } from "./pull.ts";
import type { NatsCall, NatsServer } from "./server.ts";
import type { JoinedGroup, NatsSetup } from "./setup.ts";

/** What a {@linkcode NatsReader} works with. */
export interface ReaderParts {
  readonly server: NatsServer;
  readonly setup: NatsSetup;
  readonly letters: NatsLetters;
  readonly clock: Clock;
  readonly channel: string;
  readonly names: ChannelNames;
  readonly request: JoinRequest;
}

/** How long one question to the server may stay open, in milliseconds; then what is given again is looked at. */
const SLICE_MS = 1_000;

/** How long a server may be silent after that, in milliseconds. */
const SILENCE_MS = 3_000;

/** While there is more to read at once, a reader asks whether its channel has a desk this often, in milliseconds. */
const AGAIN_EVERY_MS = 250;

/** The part of the time of a silent reader after which what it holds may be somebody else's. */
const OURS = 0.75;

/** How often a reader asks where its group is, in milliseconds: with nothing to read, and while there is something. */
const PLACE_IDLE_MS = 500;
const PLACE_BUSY_MS = 10_000;

const NOTHING: StreamBatch = { entries: [], lost: 0 };

/** A reader of a group: takes from its consumers, and settles. */
export class NatsReader implements DriverReader {
  readonly #parts: ReaderParts;
  readonly #gaps: GapFinder;
  readonly #held = new HeldEntries();
  #joined: JoinedGroup;
  #suspect = false;
  #hasDesk = false;
  #isBusy = false;
  #isIdle = false;
  #againAtMs = -Infinity;
  #placeAtMs: number;

  /** Reads for a group that was joined. */
  constructor(parts: ReaderParts, joined: JoinedGroup) {
    this.#parts = parts;
    this.#joined = joined;
    this.#gaps = new GapFinder(parts.server, parts.names, joined.consumer);
    this.#placeAtMs = parts.server.nowMs;
  }

  /** See {@linkcode DriverReader.read}. */
  async read(max: number, waitMs: number, streamCall: StreamCall): Promise<StreamBatch> {
    const { server } = this.#parts;
    const call = server.begin({ ...streamCall, timeoutMs: waitMs + streamCall.timeoutMs });
    try {
      return await this.#read(max, server.nowMs + waitMs, call);
    } catch (error) {
      // Nothing was taken yet, or it would have been returned.
      if (error instanceof MessagingError && error.code === "aborted") return NOTHING;
      throw error;
    }
  }

  /** See {@linkcode DriverReader.ack}. Also for what may be somebody else's by now, because it was handled. */
  async ack(entries: readonly StreamEntry[], call: StreamCall): Promise<void> {
    const held = this.#held.find(entries);
    await this.#settle(held, "+ACK", this.#parts.server.begin(call));
    this.#held.forget(held);
  }

  /** See {@linkcode DriverReader.extend}. */
  async extend(entries: readonly StreamEntry[], call: StreamCall): Promise<void> {
    const held = this.#ours(entries);
    const signMs = this.#parts.server.nowMs;
    await this.#settle(held, "+WPI", this.#parts.server.begin(call));
    for (const one of held) one.signMs = signMs;
  }

  /** See {@linkcode DriverReader.release}. */
  async release(entries: readonly StreamEntry[], call: StreamCall): Promise<void> {
    const held = this.#ours(entries);
    await this.#settle(held, "-NAK", this.#parts.server.begin(call));
    this.#held.forget(this.#held.find(entries));
  }

  /** See {@linkcode DriverReader.bury}. */
  async bury(entry: StreamEntry, letter: NewDeadLetter, streamCall: StreamCall): Promise<void> {
    const { letters, names, request, server } = this.#parts;
    const [held] = this.#ours([entry]);
    if (!held) return;
    const call = server.begin(streamCall);
    await letters.keep(names, request.group, held, letter, call);
    await this.#settle([held], "+ACK", call);
    this.#held.forget([held]);
  }

  /** See {@linkcode DriverReader.close}. */
  close(): Promise<void> {
    this.#held.clear();
    return Promise.resolve();
  }

  async #read(max: number, endMs: number, call: NatsCall): Promise<StreamBatch> {
    const { server } = this.#parts;
    for (;;) {
      if (this.#suspect) await this.#rejoin(call);
      if (this.#isStale()) await this.#refresh(call);
      const again = await this.#lookAgain(max, call);
      const room = max - again.entries.length;
      if (call.signal?.aborted || room === 0) return again;
      const hasSome = again.entries.length > 0 || again.lost > 0;
      const waitMs = hasSome ? 0 : Math.min(SLICE_MS, Math.max(0, endMs - server.nowMs));
      const taken = await this.#take(room, waitMs, call).catch((error) => {
        if (hasSome) return NOTHING;
        throw error;
      });
      this.#isBusy = taken.entries.length === room;
      this.#isIdle = taken.entries.length === 0;
      const isOver = call.signal?.aborted || endMs <= server.nowMs;
      if (hasSome || !this.#isIdle || taken.lost > 0 || isOver) return joined(again, taken);
    }
  }

  /** Not at each read while there is more to read at once, until there is something. */
  async #lookAgain(max: number, call: NatsCall): Promise<StreamBatch> {
    const { nowMs } = this.#parts.server;
    const isDue = this.#hasDesk || !this.#isBusy || nowMs - this.#againAtMs >= AGAIN_EVERY_MS;
    if (!isDue) return NOTHING;
    this.#againAtMs = nowMs;
    return await this.#takeAgain(max, call);
  }

  /** Takes what was put on the desk for the group, if it has one, and what older consumers have to give out again. */
  async #takeAgain(max: number, call: NatsCall): Promise<StreamBatch> {
    const { setup, names, request } = this.#parts;
    const consumer = consumerOf(request.group);
    // Nobody answers to a pull of a consumer that is not there.
    this.#hasDesk ||= await setup.findConsumer(names.desk, consumer, call) !== undefined;
    const messages: Msg[] = [];
    if (this.#hasDesk) {
      const pulled = await this.#pull({ stream: names.desk, consumer, max, waitMs: 0 }, call);
      if (pulled.end !== "done") this.#hasDesk = false;
      messages.push(...pulled.messages);
    }
    for (const { name } of this.#joined.older) {
      const room = max - messages.length;
      if (room === 0) break;
      const older = { stream: names.stream, consumer: name, max: room, waitMs: 0 };
      const pulled = await this.#pull(older, call).catch(() => undefined);
      messages.push(...pulled?.messages ?? []);
    }
    return await this.#acceptAgain(messages, call);
  }

  async #take(max: number, waitMs: number, call: NatsCall): Promise<StreamBatch> {
    const { stream } = this.#parts.names;
    const consumer = this.#joined.consumer.name;
    const { messages, end } = await this.#pull({ stream, consumer, max, waitMs }, call);
    if (end !== "done") {
      this.#suspect = true;
      if (messages.length === 0) throw interruptedError(call.operation, end);
    }
    return await this.#accept(messages, call);
  }

  async #pull(
    request: Pick<PullRequest, "stream" | "consumer" | "max" | "waitMs">,
    call: NatsCall,
  ): Promise<Pulled> {
    const { server, clock } = this.#parts;
    const graceMs = Math.min(SILENCE_MS, call.timeoutMs);
    return await server.run(
      unabortable(call),
      "unknown",
      ({ nc }) => pull(nc, { ...request, graceMs, signal: call.signal }, clock),
    );
  }

  async #accept(messages: readonly Msg[], call: NatsCall): Promise<StreamBatch> {
    const deliveries = messages.map((message) => this.#delivered(message));
    // In the order in which the server gave them out.
    const lost = await this.#gaps.count(deliveries, unabortable(call));
    return { entries: this.#held.keep(deliveries), lost };
  }

  async #acceptAgain(messages: readonly Msg[], call: NatsCall): Promise<StreamBatch> {
    const notices: Held[] = [];
    const deliveries: Held[] = [];
    let lost = 0;
    for (const message of messages) {
      const delivered = this.#delivered(message);
      const told = message.headers?.get(LOST_HEADER);
      if (told) lost += Number(told);
      (told ? notices : deliveries).push(delivered);
    }
    const entries = this.#held.keep(deliveries);
    try {
      await this.#settle(notices, "+ACK", unabortable(call));
    } catch {
      // The notices will come again, the entries will not.
      lost = 0;
    }
    return { entries, lost };
  }

  #delivered(message: Msg): Held {
    return heldOf(this.#parts.channel, message, this.#parts.server.nowMs);
  }

  /** Those that nobody else can have been given. The server counts from before they arrived here. */
  #ours(entries: readonly StreamEntry[]): Held[] {
    const { server, request } = this.#parts;
    const limitMs = OURS * request.takeOverMs;
    return this.#held.find(entries).filter(({ signMs }) => server.nowMs - signMs < limitMs);
  }

  /** Sends one word about each, and waits for the answer to the last: a consumer hears them in order. */
  async #settle(held: readonly Held[], word: string, call: NatsCall): Promise<void> {
    const nameOf = ({ stream, consumer }: Held): string => `${stream} ${consumer}`;
    await Promise.all([...new Set(held.map(nameOf))].map((name) => {
      const replies = held.filter((one) => nameOf(one) === name).map(({ reply }) => reply);
      const last = replies.pop() as string;
      return this.#parts.server.run(call, "unknown", async ({ nc, leftMs }) => {
        for (const reply of replies) nc.publish(reply, word);
        await nc.request(last, word, { timeout: leftMs });
      });
    }));
  }

  /** Whether it should look where its group is: another reader may have sent it elsewhere. */
  #isStale(): boolean {
    const ageMs = this.#parts.server.nowMs - this.#placeAtMs;
    return ageMs >= (this.#isIdle ? PLACE_IDLE_MS : PLACE_BUSY_MS);
  }

  async #refresh(call: NatsCall): Promise<void> {
    const { setup, names, request, server } = this.#parts;
    const group = await setup.findGroup(names, request.group, call);
    this.#placeAtMs = server.nowMs;
    if (!group?.current) return void (this.#suspect = true);
    if (group.currentName !== this.#joined.consumer.name) this.#gaps.reset(group.current);
    this.#joined = { ...this.#joined, consumer: group.current, older: group.older };
  }

  /** After the server was silent, or said that the consumer is gone: makes it again where the group was. */
  async #rejoin(call: NatsCall): Promise<void> {
    const { setup, names, request } = this.#parts;
    const stream = await setup.findStream(names.stream, call);
    const isSame = stream?.created === this.#joined.streamCreated;
    const from = isSame ? { after: String(doneTo(this.#joined.consumer)) } : "beginning";
    this.#joined = await setup.join(names, { ...request, from }, call);
    this.#gaps.reset(this.#joined.consumer);
    this.#suspect = false;
  }
}

/** First the one, then the other. */
function joined(one: StreamBatch, other: StreamBatch): StreamBatch {
  return { entries: [...one.entries, ...other.entries], lost: one.lost + other.lost };
}

/** For steps after which there is something to return. */
function unabortable(call: NatsCall): NatsCall {
  return { ...call, signal: undefined };
}

function interruptedError(operation: string, end: string): MessagingError {
  const why = end === "silent" ? "the server does not answer" : "the group's consumer is gone";
  return new MessagingError(`Cannot ${operation}: ${why}`, {
    code: "unavailable",
    operation,
    retryable: true,
  });
}
