import type { Clock } from "../core/clock.ts";
import { nextTurn } from "../core/next_turn.ts";
import type { MemoryRecord } from "./memory_stream.ts";
import type { NewDeadLetter } from "./stream_driver.ts";
import type { DeadLetter, GroupState, StreamBatch, StreamEntry } from "./streams.ts";

/** Who reads: an object of its own for each reader. */
export type MemoryOwner = object;

interface Pending {
  readonly record: MemoryRecord;
  /** The entry as its owner has it; what has another one is not the owner's any more. */
  entry: StreamEntry | undefined;
  owner: MemoryOwner | undefined;
  attempt: number;
  sinceMs: number;
}

/** What one group has to do on a stream, and who is at it. */
export class MemoryGroup {
  /** The index of the next record that nobody was given. */
  nextIndex = 0;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #records: (index: number, max: number) => readonly MemoryRecord[];
  readonly #pending = new Map<string, Pending>();
  readonly #letters = new Map<string, DeadLetter & { readonly record: MemoryRecord }>();
  readonly #sleepers = new Set<() => void>();
  #lettersSoFar = 0;
  #lost = 0;

  /** Creates a group that reads `records` from an index on. */
  constructor(
    name: string,
    clock: Clock,
    records: (index: number, max: number) => readonly MemoryRecord[],
  ) {
    this.#name = name;
    this.#clock = clock;
    this.#records = records;
  }

  /** The index of the oldest record that it is not done with. */
  get oldestIndex(): number {
    const indices = [...this.#pending.values()].map(({ record }) => record.index);
    return indices.reduce((oldest, index) => Math.min(oldest, index), this.nextIndex);
  }

  /** How it stands. */
  get state(): GroupState {
    const held = [...this.#pending.values()].filter(({ owner }) => owner);
    const oldestMs = held.reduce((oldest, { sinceMs }) => Math.min(oldest, sinceMs), Infinity);
    return {
      pending: held.length,
      lag: this.#records(this.nextIndex, Infinity).length + this.#pending.size - held.length,
      deadLetters: this.#letters.size,
      oldestPendingMs: held.length === 0 ? undefined : this.#clock.monotonic() - oldestMs,
    };
  }

  /** Its dead letters, the oldest first. */
  get letters(): readonly DeadLetter[] {
    return [...this.#letters.values()].map(({ record: _, ...letter }) => letter);
  }

  /** Gives entries to a reader, waiting for the first. */
  async read(
    owner: MemoryOwner,
    request: { readonly max: number; readonly waitMs: number; readonly takeOverMs: number },
    signal: AbortSignal | undefined,
  ): Promise<StreamBatch> {
    const { max, waitMs, takeOverMs } = request;
    const endMs = this.#clock.monotonic() + waitMs;
    // Sockets and timers get their turn also where there is always something to read.
    await nextTurn();
    for (;;) {
      if (signal?.aborted) return { entries: [], lost: 0 };
      const entries = this.#take(owner, max, takeOverMs);
      const lost = this.#lost;
      this.#lost = 0;
      const leftMs = endMs - this.#clock.monotonic();
      if (entries.length > 0 || lost > 0 || leftMs <= 0) return { entries, lost };
      await this.#sleep(Math.min(leftMs, this.#nextDueMs(owner, takeOverMs)), signal);
    }
  }

  /** It is done with the entries. */
  ack(entries: readonly StreamEntry[]): void {
    for (const entry of entries) if (this.#held(entry)) this.#pending.delete(entry.position);
  }

  /** The reader is still at work on the entries. */
  extend(entries: readonly StreamEntry[]): void {
    for (const entry of entries) {
      const pending = this.#held(entry);
      if (pending) pending.sinceMs = this.#clock.monotonic();
    }
  }

  /** Anybody may have the entries now. */
  release(entries: readonly StreamEntry[]): void {
    for (const entry of entries) {
      const pending = this.#held(entry);
      if (pending) pending.owner = pending.entry = undefined;
    }
    this.wake();
  }

  /** Makes a dead letter of an entry. */
  bury(entry: StreamEntry, letter: NewDeadLetter): void {
    const pending = this.#held(entry);
    if (!pending) return;
    const { record } = pending;
    const id = String(++this.#lettersSoFar);
    const { channel, position, bytes, decode } = record;
    const place = { id, group: this.#name, channel, position, bytes, decode };
    this.#letters.set(id, { ...letter, ...place, record });
    this.#pending.delete(position);
  }

  /** Gives letters to the readers again, and returns how many that were. */
  redrive(ids: readonly string[]): number {
    return this.#takeLetters(ids, (record) => {
      const { position } = record;
      const fresh = { entry: undefined, owner: undefined, attempt: 0, sinceMs: 0 };
      this.#pending.set(position, { record, ...fresh });
    });
  }

  /** Removes letters, and returns how many that were. */
  discard(ids: readonly string[]): number {
    return this.#takeLetters(ids, () => {});
  }

  /** The records before `end` are gone. */
  forget(end: number): void {
    for (const [position, { record, owner }] of this.#pending) {
      // Who is at work on it can go on; nobody else will get it.
      if (record.index >= end || owner) continue;
      this.#pending.delete(position);
      this.#lost++;
    }
    this.#lost += Math.max(0, end - this.nextIndex);
    this.nextIndex = Math.max(this.nextIndex, end);
    this.wake();
  }

  /** Lets readers look again. */
  wake(): void {
    for (const wake of this.#sleepers) wake();
  }

  #takeLetters(ids: readonly string[], use: (record: MemoryRecord) => void): number {
    let count = 0;
    for (const id of ids) {
      const letter = this.#letters.get(id);
      if (!letter) continue;
      this.#letters.delete(id);
      use(letter.record);
      count++;
    }
    this.wake();
    return count;
  }

  #held(entry: StreamEntry): Pending | undefined {
    const pending = this.#pending.get(entry.position);
    return pending?.entry === entry ? pending : undefined;
  }

  #take(owner: MemoryOwner, max: number, takeOverMs: number): StreamEntry[] {
    const nowMs = this.#clock.monotonic();
    const free = [...this.#pending.values()]
      .filter((one) => !one.owner || (one.owner !== owner && nowMs - one.sinceMs >= takeOverMs))
      .sort((one, other) => one.record.index - other.record.index)
      .slice(0, max);
    for (const record of this.#records(this.nextIndex, max - free.length)) {
      const pending: Pending = { record, entry: undefined, owner, attempt: 0, sinceMs: nowMs };
      this.#pending.set(record.position, pending);
      this.nextIndex = record.index + 1;
      free.push(pending);
    }
    return free.map((pending) => {
      pending.owner = owner;
      pending.sinceMs = nowMs;
      const { channel, position, bytes, decode } = pending.record;
      pending.entry = { channel, position, bytes, decode, attempt: ++pending.attempt };
      return pending.entry;
    });
  }

  /** In how many milliseconds somebody's entries may be taken over. */
  #nextDueMs(owner: MemoryOwner, takeOverMs: number): number {
    const nowMs = this.#clock.monotonic();
    const others = [...this.#pending.values()].filter((one) => one.owner && one.owner !== owner);
    const due = others.map(({ sinceMs }) => sinceMs + takeOverMs - nowMs);
    return due.reduce((next, ms) => Math.min(next, Math.max(0, ms)), Infinity);
  }

  #sleep(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#sleepers.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const cancel = this.#clock.after(delayMs, wake);
      this.#sleepers.add(wake);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }
}
