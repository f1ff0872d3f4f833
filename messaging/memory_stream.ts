import type { Clock } from "../core/clock.ts";
import { MessagingError, ValidationError } from "../core/errors.ts";
import { decodeEnvelope } from "./envelope.ts";
import { MemoryGroup } from "./memory_group.ts";
import type { StreamRecord, StreamStart } from "./streams.ts";

/** A record of a {@linkcode MemoryStream}. */
export interface MemoryRecord extends StreamRecord {
  /** The how manieth of its stream it is, from 0. */
  readonly index: number;
  /** When it arrived, in milliseconds since the Unix epoch. */
  readonly atMs: number;
}

/** The records of one channel, and the groups that read them. */
export class MemoryStream {
  readonly #channel: string;
  readonly #clock: Clock;
  readonly #groups = new Map<string, MemoryGroup>();
  #records: MemoryRecord[] = [];
  #nextIndex = 0;

  /** Creates an empty stream. */
  constructor(channel: string, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  /** How many records there are. */
  get size(): number {
    return this.#records.length;
  }

  /** Adds a record; wakes who waits for one. */
  append(bytes: Uint8Array): void {
    const index = this.#nextIndex++;
    this.#records.push({
      channel: this.#channel,
      index,
      position: String(index),
      atMs: this.#clock.now(),
      bytes,
      decode: () => decodeEnvelope(this.#channel, bytes, Infinity),
    });
    for (const group of this.#groups.values()) group.wake();
  }

  /** The group, if it exists. */
  find(name: string): MemoryGroup | undefined {
    return this.#groups.get(name);
  }

  /** The group; throws with code `not_found` if it does not exist. */
  group(name: string, operation: string): MemoryGroup {
    const group = this.#groups.get(name);
    if (group) return group;
    throw new MessagingError(`Cannot ${operation}: there is no group ${name} on ${this.#channel}`, {
      code: "not_found",
      operation,
    });
  }

  /** The group, which begins at `from` if it is new. */
  join(name: string, from: StreamStart): MemoryGroup {
    let group = this.#groups.get(name);
    if (!group) {
      group = new MemoryGroup(name, this.#clock, (index, max) => this.#after(index, max));
      group.nextIndex = this.startIndex(from);
      this.#groups.set(name, group);
    }
    return group;
  }

  /** The index of the record that `from` says to begin with. */
  startIndex(from: StreamStart): number {
    if (from === "beginning") return this.#firstIndex;
    if (from === "end") return this.#nextIndex;
    if ("after" in from) {
      if (/^\d{1,15}$/.test(from.after)) return Number(from.after) + 1;
      throw new ValidationError("from.after", "it must be a position of this bus");
    }
    const record = this.#records.find(({ atMs }) => atMs >= from.since.getTime());
    return record?.index ?? this.#nextIndex;
  }

  /** The records from `from` to the newest. */
  since(from: StreamStart): readonly MemoryRecord[] {
    return this.#after(this.startIndex(from), Infinity);
  }

  /** Removes all but the newest `keep`, and keeps what a group is not done with, unless told to `force`. */
  trim(keep: number, force: boolean): number {
    const groups = [...this.#groups.values()];
    const needed = force ? [] : groups.map((group) => group.oldestIndex);
    const end = Math.min(this.#nextIndex - keep, ...needed);
    const removed = Math.max(0, end - this.#firstIndex);
    if (removed === 0) return 0;
    this.#records = this.#records.slice(removed);
    for (const group of groups) group.forget(end);
    return removed;
  }

  get #firstIndex(): number {
    return this.#records[0]?.index ?? this.#nextIndex;
  }

  #after(index: number, max: number): readonly MemoryRecord[] {
    const start = Math.max(0, index - this.#firstIndex);
    return this.#records.slice(start, start + max);
  }
}
