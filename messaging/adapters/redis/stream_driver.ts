import type { Clock } from "../../../core/clock.ts";
import { MessagingError, ValidationError } from "../../../core/errors.ts";
import type { Observer } from "../../../core/observer.ts";
import type { RedisChannel, RedisTarget } from "../../../core/redis/channel.ts";
import { CommandBatches } from "../../../core/redis/command_batches.ts";
import { RedisConnection } from "../../../core/redis/connection.ts";
import type { RedisArea } from "../../../core/redis/redis_area.ts";
import { replyCode } from "../../../core/redis/redis_error.ts";
import { ScriptRunner } from "../../../core/redis/redis_script.ts";
import type { EncodedEvent } from "../../event_encoder.ts";
import type { DriverReader, JoinRequest, StreamCall, StreamDriver } from "../../stream_driver.ts";
import type {
  DeadLetter,
  GroupState,
  StreamCapabilities,
  StreamRecord,
  StreamStart,
} from "../../streams.ts";
import { fieldOf, type RawEntry, startId, toRecord } from "./stream_entries.ts";
import { type StreamKeys, streamKeys } from "./stream_keys.ts";
import { createGroup, RedisStreamReader } from "./stream_reader.ts";
import { GROUP_STATE, REDRIVE, TRIM } from "./stream_scripts.ts";

/** How a {@linkcode RedisStreamDriver} works. */
export interface StreamDriverSettings {
  /** Whose connections they are. */
  readonly area: RedisArea;
  /** What to connect to. */
  readonly target: RedisTarget;
  /** What all keys begin with. */
  readonly namespace: string;
  /** The largest payload, as bytes. */
  readonly maxPayloadBytes: number;
  /** How many records that every group is done with a channel keeps. */
  readonly keep: number;
  /** How long one attempt to connect may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Measures deadlines. */
  readonly clock: Clock;
  /** Hears of lost connections. */
  readonly observer: Observer;
}

/** After how many records of a channel this process looks whether there are too many. */
const TRIM_EVERY = 1_000;

/** How many records one call for history gets. */
const PAGE = 100;

/** Durable streams on Redis: an entry has one field, so no name that a user chooses is one. */
export class RedisStreamDriver implements StreamDriver {
  readonly capabilities: StreamCapabilities;
  readonly #settings: StreamDriverSettings;
  readonly #commands: CommandBatches;
  readonly #connection: RedisConnection;
  readonly #scripts: ScriptRunner;
  readonly #channels = new Map<string, { readonly keys: StreamKeys; untrimmed: number }>();

  private constructor(settings: StreamDriverSettings, commands: CommandBatches) {
    this.capabilities = { replay: true, maxPayloadBytes: settings.maxPayloadBytes };
    this.#settings = settings;
    this.#commands = commands;
    this.#connection = commands.connection;
    this.#scripts = new ScriptRunner(this.#connection);
  }

  /** Connects, or rejects with an error of the area. */
  static async open(settings: StreamDriverSettings): Promise<RedisStreamDriver> {
    const prepare = (): Promise<void> => Promise.resolve();
    return new RedisStreamDriver(settings, await CommandBatches.open({ ...settings, prepare }));
  }

  async append(channel: string, { envelope }: EncodedEvent, call: StreamCall): Promise<void> {
    const known = this.#known(channel);
    const key = known.keys.stream;
    const command = { args: ["XADD", key, "*", "d", envelope], key };
    await this.#commands.send(command, call);
    if (++known.untrimmed < TRIM_EVERY) return;
    known.untrimmed = 0;
    const request = { keep: this.#settings.keep, force: false };
    this.trim(channel, request, { operation: "trim", timeoutMs: call.timeoutMs }).catch(() => {
      // It is tried again after as many records.
    });
  }

  async join(channel: string, request: JoinRequest, call: StreamCall): Promise<DriverReader> {
    const keys = this.#keys(channel);
    await createGroup(this.#connection, keys, request, call);
    let id: string | undefined;
    const prepare = async (channel: RedisChannel): Promise<void> => {
      id = String(await channel.send({ args: ["CLIENT", "ID"], key: keys.stream }));
    };
    const blocking = await RedisConnection.open({ ...this.#settings, prepare, blocking: true });
    return new RedisStreamReader({
      channel,
      keys,
      request,
      blocking,
      blockingId: () => id,
      connection: this.#connection,
      scripts: this.#scripts,
    });
  }

  async pending(channel: string, group: string, call: StreamCall): Promise<GroupState> {
    const keys = this.#keys(channel);
    const all = [keys.stream, keys.again(group), keys.dead(group)];
    const reply = await this.#scripts.run(GROUP_STATE, all, [group], call);
    if (reply === null) throw notFound(channel, group, call);
    const [pending, lag, deadLetters, oldestMs] = reply as [number, number, number, number];
    return {
      pending,
      lag: lag < 0 ? undefined : lag,
      deadLetters,
      oldestPendingMs: oldestMs < 0 ? undefined : oldestMs,
    };
  }

  async deadLetters(
    channel: string,
    group: string,
    { limit, after }: { readonly limit: number; readonly after: string | undefined },
    call: StreamCall,
  ): Promise<readonly DeadLetter[]> {
    const key = this.#keys(channel).dead(group);
    const start = after === undefined ? "-" : `(${checkId("after", after)}`;
    const letters = await this.#range(key, start, "+", limit, call);
    return letters.map((letter) => toLetter(channel, group, letter));
  }

  async redrive(
    channel: string,
    group: string,
    ids: readonly string[],
    call: StreamCall,
  ): Promise<number> {
    const keys = this.#keys(channel);
    const all = [keys.dead(group), keys.again(group)];
    return await this.#scripts.run(REDRIVE, all, letterIds(ids), call) as number;
  }

  async discard(
    channel: string,
    group: string,
    ids: readonly string[],
    call: StreamCall,
  ): Promise<number> {
    const key = this.#keys(channel).dead(group);
    const args = ["XDEL", key, ...letterIds(ids)];
    if (args.length === 2) return 0;
    return await this.#connection.send({ args, key }, call) as number;
  }

  async *replay(
    channel: string,
    from: StreamStart,
    call: StreamCall,
  ): AsyncGenerator<StreamRecord, void> {
    const key = this.#keys(channel).stream;
    if (from === "end") return;
    const newest = { args: ["XREVRANGE", key, "+", "-", "COUNT", "1"], key, readOnly: true };
    const [last] = await this.#connection.send(newest, call) as RawEntry[];
    if (!last) return;
    const end = last[0].toString();
    for (let start = `(${startId(from)}`;;) {
      const page = await this.#range(key, start, end, PAGE, call);
      for (const entry of page) yield toRecord(channel, entry);
      const [next] = page.at(-1) ?? [];
      if (!next || page.length < PAGE) return;
      start = `(${next}`;
    }
  }

  async seek(channel: string, group: string, from: StreamStart, call: StreamCall): Promise<void> {
    const key = this.#keys(channel).stream;
    const args = ["XGROUP", "SETID", key, group, startId(from)];
    await this.#connection.send({ args, key, repeatable: true }, call).catch((error) => {
      // The server says of a missing key only that it is missing.
      const isMissing = replyCode(error) === "NOGROUP" || replyCode(error) === "ERR";
      throw isMissing ? notFound(channel, group, call) : error;
    });
  }

  async trim(
    channel: string,
    { keep, force }: { readonly keep: number; readonly force: boolean },
    call: StreamCall,
  ): Promise<number> {
    const { stream, lost } = this.#keys(channel);
    const args = [String(keep), force ? "1" : "0"];
    let total = 0;
    for (;;) {
      const removed = await this.#scripts.run(TRIM, [stream, lost], args, call) as number;
      total += removed;
      if (removed < 1_000) return total;
    }
  }

  async health(call: StreamCall): Promise<Record<string, unknown>> {
    const ping = { args: ["PING"], readOnly: true, repeatable: true };
    await this.#connection.send(ping, call);
    return { adapter: "redis" };
  }

  close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  async #range(
    key: string,
    start: string,
    end: string,
    limit: number,
    call: StreamCall,
  ): Promise<RawEntry[]> {
    const args = ["XRANGE", key, start, end, "COUNT", String(limit)];
    const command = { args, key, readOnly: true, repeatable: true };
    return await this.#connection.send(command, call) as RawEntry[];
  }

  #keys(channel: string): StreamKeys {
    return this.#known(channel).keys;
  }

  #known(channel: string): { readonly keys: StreamKeys; untrimmed: number } {
    let known = this.#channels.get(channel);
    if (!known) {
      // A bus that meets ever new channels forgets the oldest.
      const [oldest] = this.#channels.keys();
      if (this.#channels.size >= 10_000 && oldest !== undefined) this.#channels.delete(oldest);
      known = { keys: streamKeys(this.#settings.namespace, channel), untrimmed: 0 };
      this.#channels.set(channel, known);
    }
    return known;
  }
}

/** What an entry of the stream of dead letters means. */
function toLetter(channel: string, group: string, entry: RawEntry): DeadLetter {
  const [id, fields] = entry;
  const { reason, error, attempts, at } = JSON.parse(fieldOf(fields, "m")?.toString() ?? "{}");
  const position = fieldOf(fields, "p")?.toString() ?? "";
  const { bytes, decode } = toRecord(channel, entry);
  const record = { channel, position, bytes, decode, group };
  return { ...record, id: id.toString(), reason, error, attempts, buriedAt: new Date(at) };
}

const ID = /^\d{1,16}-\d{1,20}$/;

function checkId(field: string, id: string): string {
  if (ID.test(id)) return id;
  throw new ValidationError(field, "it must be the id of a dead letter");
}

/** An id that no letter can have is unknown, like every other that does not exist. */
function letterIds(ids: readonly string[]): string[] {
  return ids.filter((id) => ID.test(id));
}

function notFound(channel: string, group: string, { operation }: StreamCall): MessagingError {
  return new MessagingError(`Cannot ${operation}: there is no group ${group} on ${channel}`, {
    code: "not_found",
    operation,
  });
}
