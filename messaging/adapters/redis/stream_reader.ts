import { Buffer } from "node:buffer";
import { delay } from "../../../core/backoff.ts";
import { MessagingError } from "../../../core/errors.ts";
import type { RedisConnection } from "../../../core/redis/connection.ts";
import type { RedisCall } from "../../../core/redis/pending_calls.ts";
import { replyCode } from "../../../core/redis/redis_error.ts";
import type { ScriptRunner } from "../../../core/redis/redis_script.ts";
import type { DriverReader, JoinRequest, NewDeadLetter, StreamCall } from "../../stream_driver.ts";
import type { StreamBatch, StreamEntry } from "../../streams.ts";
import { type RawEntry, type RedisEntry, startId, toEntry } from "./stream_entries.ts";
import type { StreamKeys } from "./stream_keys.ts";
import { BURY, EXTEND, FORGET_CONSUMERS, RELEASE, TAKE_LOST, TAKE_OVER } from "./stream_scripts.ts";

/** What a {@linkcode RedisStreamReader} works with. */
export interface StreamReaderParts {
  /** What it reads. */
  readonly channel: string;
  /** The keys of the channel. */
  readonly keys: StreamKeys;
  /** How it takes part. */
  readonly request: JoinRequest;
  /** What reads wait on, and nothing else. */
  readonly blocking: RedisConnection;
  /** The number of that connection on the server; it changes with the connection. */
  readonly blockingId: () => string | undefined;
  /** What everything else goes over. */
  readonly connection: RedisConnection;
  /** Runs scripts on that. */
  readonly scripts: ScriptRunner;
}

/** How long the reply of a read may take besides the wait that it asks for. */
const REPLY_MS = 2_000;

/** A consumer that was idle for so long and holds nothing is forgotten. One that is alive after all comes back by itself. */
const FORGET_MS = 3_600_000;

/** Creates a group and the streams that it reads, where they are missing. */
export async function createGroup(
  connection: RedisConnection,
  keys: StreamKeys,
  { group, from }: Pick<JoinRequest, "group" | "from">,
  call: RedisCall,
): Promise<void> {
  const create = async (key: string, id: string): Promise<void> => {
    const args = ["XGROUP", "CREATE", key, group, id, "MKSTREAM"];
    await connection.send({ args, key, repeatable: true }, call).catch((error) => {
      if (replyCode(error) !== "BUSYGROUP") throw error;
    });
  };
  // The first one last: who finds the group finds everything.
  await create(keys.again(group), "0");
  await create(keys.stream, startId(from));
}

/**
 * A reader of a group, one consumer of its own on the server. New entries come by `XREADGROUP`; those of silent
 * consumers by a script, because `XAUTOCLAIM` tells no attempts and takes also from itself.
 */
export class RedisStreamReader implements DriverReader {
  readonly #parts: StreamReaderParts;
  readonly #consumer = crypto.randomUUID();
  /** Read above what was asked for, because the server counts for each stream. */
  #ahead: RedisEntry[] = [];
  #takeOverAtMs = -Infinity;
  #closed = false;

  /** Creates a reader of a group that exists. */
  constructor(parts: StreamReaderParts) {
    this.#parts = parts;
  }

  /** See {@linkcode DriverReader.read}. */
  async read(max: number, waitMs: number, call: StreamCall): Promise<StreamBatch> {
    if (this.#ahead.length > 0) return { entries: this.#ahead.splice(0, max), lost: 0 };
    const stepMs = Math.min(waitMs, this.#parts.request.takeOverMs / 2);
    for (let leftMs = waitMs;; leftMs -= stepMs) {
      const taken = await this.#takeOverIfDue(max, call);
      if (taken.entries.length > 0 || taken.lost > 0 || call.signal?.aborted) return taken;
      this.#ahead = await this.#readNew(max, Math.min(stepMs, leftMs), call);
      const entries = this.#ahead.splice(0, max);
      if (entries.length > 0 || leftMs <= stepMs || call.signal?.aborted) {
        return { entries, lost: 0 };
      }
    }
  }

  /** See {@linkcode DriverReader.ack}. */
  async ack(entries: readonly StreamEntry[], call: StreamCall): Promise<void> {
    const { keys, request } = this.#parts;
    const [fresh, again] = split(entries);
    const ack = (key: string, ids: readonly string[]): Promise<unknown> =>
      this.#send({ args: ["XACK", key, request.group, ...ids], key, repeatable: true }, call);
    const acks: Promise<unknown>[] = [];
    if (fresh.length > 0) acks.push(ack(keys.stream, fresh));
    if (again.length > 0) {
      const key = keys.again(request.group);
      acks.push(ack(key, again));
      acks.push(this.#send({ args: ["XDEL", key, ...again], key, repeatable: true }, call));
    }
    await Promise.all(acks);
  }

  /** See {@linkcode DriverReader.extend}. */
  async extend(entries: readonly StreamEntry[], call: StreamCall): Promise<void> {
    const { keys, request, scripts } = this.#parts;
    const [fresh, again] = split(entries);
    const extend = async (key: string, ids: readonly string[]): Promise<void> => {
      if (ids.length === 0) return;
      await scripts.run(EXTEND, [key], [request.group, this.#consumer, ...ids], call);
    };
    await Promise.all([extend(keys.stream, fresh), extend(keys.again(request.group), again)]);
  }

  /** See {@linkcode DriverReader.release}. */
  async release(entries: readonly StreamEntry[], call: StreamCall): Promise<void> {
    const { keys, request, scripts } = this.#parts;
    await Promise.all((entries as readonly RedisEntry[]).map((entry) =>
      scripts.run(
        RELEASE,
        [this.#keyOf(entry), keys.again(request.group)],
        [...this.#place(entry), String(entry.attempt), entry.isAgain ? "1" : "0"],
        call,
      )
    ));
  }

  /** See {@linkcode DriverReader.bury}. */
  async bury(entry: StreamEntry, letter: NewDeadLetter, call: StreamCall): Promise<void> {
    const { keys, request, scripts } = this.#parts;
    const { reason, error, attempts, buriedAt } = letter;
    const rest = JSON.stringify({ reason, error, attempts, at: buriedAt.toISOString() });
    const own = entry as RedisEntry;
    await scripts.run(
      BURY,
      [this.#keyOf(own), keys.dead(request.group)],
      [...this.#place(own), rest, own.isAgain ? "1" : "0"],
      call,
    );
  }

  /** See {@linkcode DriverReader.close}. */
  close(): Promise<void> {
    this.#closed = true;
    this.#parts.blocking.close();
    const call = { operation: "close", timeoutMs: REPLY_MS };
    const leave = async (): Promise<void> => {
      await this.release(this.#ahead.splice(0), call);
      await this.#forgetConsumers(call);
    };
    leave().catch(() => {
      // What it holds is taken over in time, and the next reader forgets this one.
    });
    return Promise.resolve();
  }

  /** Every reader is a consumer of its own, and one whose process dies does not say so. */
  async #forgetConsumers(call: StreamCall): Promise<void> {
    const { keys, request, scripts } = this.#parts;
    const args = [request.group, String(FORGET_MS), this.#closed ? this.#consumer : ""];
    await Promise.all(
      [keys.stream, keys.again(request.group)].map((key) =>
        scripts.run(FORGET_CONSUMERS, [key], args, call)
      ),
    );
  }

  /** Group, consumer, id, bytes and position of an entry, as scripts take them. */
  #place(entry: RedisEntry): (string | Buffer)[] {
    const { bytes, id, position } = entry;
    const { buffer, byteOffset, length } = bytes;
    const { group } = this.#parts.request;
    return [group, this.#consumer, id, Buffer.from(buffer, byteOffset, length), position];
  }

  #keyOf({ isAgain }: RedisEntry): string {
    const { keys, request } = this.#parts;
    return isAgain ? keys.again(request.group) : keys.stream;
  }

  #send(
    command: Parameters<RedisConnection["send"]>[0],
    call: StreamCall,
  ): Promise<unknown> {
    return this.#parts.connection.send(command, call);
  }

  async #readNew(max: number, waitMs: number, call: StreamCall): Promise<RedisEntry[]> {
    const { channel, keys, request, blocking } = this.#parts;
    const { group } = request;
    const again = keys.again(group);
    const block = waitMs > 0 ? ["BLOCK", String(Math.ceil(waitMs))] : [];
    const count = ["COUNT", String(max)];
    const names = ["STREAMS", again, keys.stream, ">", ">"];
    const args = ["XREADGROUP", "GROUP", group, this.#consumer, ...count, ...block, ...names];
    const unblock = (): void => void this.#unblock(call);
    call.signal?.addEventListener("abort", unblock, { once: true });
    try {
      const timeoutMs = waitMs + REPLY_MS;
      const command = { args, key: keys.stream };
      const reply = await blocking.send(command, { operation: call.operation, timeoutMs });
      const streams = (reply ?? {}) as Record<string, readonly RawEntry[]>;
      return [
        ...(streams[again] ?? []).map((entry) => toEntry(channel, entry, true, 1)),
        ...(streams[keys.stream] ?? []).map((entry) => toEntry(channel, entry, false, 1)),
      ];
    } catch (error) {
      if (replyCode(error) === "UNBLOCKED" || this.#closed) return [];
      if (replyCode(error) === "NOGROUP") await this.#createAgain(call);
      throw error;
    } finally {
      call.signal?.removeEventListener("abort", unblock);
    }
  }

  /** The stream was removed, or the server lost it: what is in a new one is new for the group. */
  async #createAgain(call: StreamCall): Promise<void> {
    const { connection, keys, request } = this.#parts;
    await createGroup(connection, keys, { ...request, from: "beginning" }, call);
    throw new MessagingError(
      `Cannot ${call.operation}: the group ${request.group} was gone, and is created again`,
      { code: "conflict", operation: call.operation, retryable: true },
    );
  }

  /**
   * Ends the wait of the read that is under way; without the right to do so, and in a cluster, whose client sends this
   * to any node, it ends by itself.
   */
  async #unblock({ operation }: StreamCall): Promise<void> {
    for (let tries = 0; tries < 3; tries++) {
      const id = this.#parts.blockingId();
      if (id === undefined) return;
      const args = ["CLIENT", "UNBLOCK", id];
      const call = { operation, timeoutMs: REPLY_MS };
      const done = await this.#parts.connection.send({ args }, call).catch(() => 1);
      if (done === 1) return;
      // The read may be on its way, over another connection.
      await delay(5);
    }
  }

  async #takeOverIfDue(max: number, call: StreamCall): Promise<StreamBatch> {
    const { request, blocking } = this.#parts;
    const nowMs = blocking.nowMs;
    if (nowMs - this.#takeOverAtMs < request.takeOverMs / 2) return { entries: [], lost: 0 };
    const taken = await this.#takeOver(max, call);
    // As many may be left.
    if (taken.entries.length < max) this.#takeOverAtMs = nowMs;
    return taken;
  }

  async #takeOver(max: number, call: StreamCall): Promise<StreamBatch> {
    const { channel, keys, request, scripts } = this.#parts;
    const { group, takeOverMs } = request;
    const args = [group, this.#consumer, String(takeOverMs), String(max)];
    const wait = withoutSignal(call);
    const take = async (key: string, isAgain: boolean): Promise<StreamBatch> => {
      type Taken = [id: Buffer, fields: Buffer[], deliveries: number];
      const reply = await scripts.run(TAKE_OVER, [key], args, wait);
      const [lost, taken] = reply as [number, Taken[]];
      const entries = taken.map(([id, fields, deliveries]) =>
        toEntry(channel, [id, fields], isAgain, deliveries)
      );
      return { entries, lost };
    };
    try {
      if (this.#takeOverAtMs === -Infinity) await this.#forgetConsumers(wait);
      const again = await take(keys.again(group), true);
      if (again.entries.length >= max) return again;
      const fresh = await take(keys.stream, false);
      const lost = await scripts.run(TAKE_LOST, [keys.lost], [group], wait) as number;
      return {
        entries: [...again.entries, ...fresh.entries],
        lost: again.lost + fresh.lost + lost,
      };
    } catch (error) {
      if (replyCode(error) === "NOGROUP") await this.#createAgain(call);
      throw error;
    }
  }
}

/** What takes entries is not given up half-way. */
function withoutSignal({ operation, timeoutMs }: StreamCall): StreamCall {
  return { operation, timeoutMs };
}

/** The ids of the entries in the stream, and in the group's own. */
function split(entries: readonly StreamEntry[]): [fresh: string[], again: string[]] {
  const [fresh, again]: [string[], string[]] = [[], []];
  for (const { id, isAgain } of entries as readonly RedisEntry[]) {
    (isAgain ? again : fresh).push(id);
  }
  return [fresh, again];
}
