import type { Clock } from "../core/clock.ts";
import { freezeParsed } from "./frozen_value.ts";
import { compileGlob } from "./glob.ts";
import type { EntryOfStore, Invalidation } from "./invalidations.ts";
import { MemoryEntries, type MemoryEntry } from "./memory_entries.ts";

/** How to build a {@linkcode TierMemory}. */
export interface TierMemorySettings {
  /** The most that the entries take, in bytes. */
  readonly maxBytes: number;
  /** The longest that an entry is handed out, in milliseconds. */
  readonly ttlMs: number;
  /** Tells when entries expire. */
  readonly clock: Clock;
}

/** A read of the store that is under way. */
export interface StoreRead {
  /** The key. */
  readonly key: string;
  /** When it began, by the monotonic clock. */
  readonly startMs: number;
  /** What it shares with other reads of the key that no change has come between. */
  readonly epoch: Epoch;
}

/** The time between two changes of a key, as far as reads are under way. */
export interface Epoch {
  /** How many reads are under way. */
  reads: number;
}

/**
 * What a tier keeps in memory of a shared store. Every method is synchronous, so that nothing comes between a
 * check and what follows from it.
 *
 * What a read brings is kept only if nothing that may concern it became invalid while it was under way: its value may
 * be from before. For tags this goes by time alone, because a read does not know yet what its value carries.
 */
export class TierMemory {
  readonly #entries: MemoryEntries;
  readonly #ttlMs: number;
  readonly #clock: Clock;
  readonly #epochs = new Map<string, Epoch>();
  #closed = false;

  /** Creates an empty one. */
  constructor({ maxBytes, ttlMs, clock }: TierMemorySettings) {
    // What finds no room here is in the store all the same.
    this.#entries = new MemoryEntries({ maxBytes, clock, onNoRoom: () => {}, onChange: () => {} });
    this.#ttlMs = ttlMs;
    this.#clock = clock;
  }

  /** The entry of a key, if it is there. */
  get(key: string): MemoryEntry | undefined {
    return this.#entries.get(key);
  }

  /** A read of the store begins. */
  begin(key: string): StoreRead {
    let epoch = this.#epochs.get(key);
    if (epoch === undefined) {
      epoch = { reads: 0 };
      this.#epochs.set(key, epoch);
    }
    epoch.reads++;
    return { key, startMs: this.#clock.monotonic(), epoch };
  }

  /**
   * The read has ended, with an entry or without. Times count from its beginning: the store may have looked
   * then, and nothing may be served for longer than it was allowed to be.
   */
  end({ key, startMs, epoch }: StoreRead, found?: EntryOfStore): void {
    const isCurrent = this.#epochs.get(key) === epoch;
    epoch.reads--;
    if (isCurrent && epoch.reads === 0) this.#epochs.delete(key);
    if (!isCurrent || found === undefined || this.#closed) return;
    const longestMs = Math.min(this.#ttlMs, found.ttlMs ?? Infinity);
    const ttlMs = Math.floor(longestMs - (this.#clock.monotonic() - startMs));
    if (ttlMs < 1) return;
    const frozen = freezeParsed(found.value);
    this.#entries.write(key, this.#entries.entryOf(key, frozen, { ttlMs, tags: found.tags }));
  }

  /** Drops what became invalid, and keeps nothing of reads that may have seen it before. */
  drop(invalidation: Invalidation): void {
    switch (invalidation.kind) {
      case "key":
        for (const key of invalidation.keys) this.dropKey(key);
        return;
      case "pattern":
        if (invalidation.pattern === "*") this.dropAll();
        else this.#dropWhere(compileGlob(invalidation.pattern));
        return;
      case "tag":
        this.#epochs.clear();
        this.#entries.removeTagged(invalidation.tag);
    }
  }

  /** The same for one key. */
  dropKey(key: string): void {
    this.#epochs.delete(key);
    this.#entries.remove(key);
  }

  /** The same for everything. */
  dropAll(): void {
    this.#epochs.clear();
    this.#entries.clear();
  }

  /** The same, and keeps nothing from then on. */
  close(): void {
    this.#closed = true;
    this.dropAll();
  }

  /** How many entries there are, some expired, and what they take and may take. */
  get figures(): { readonly entries: number; readonly bytes: number; readonly maxBytes: number } {
    const { size, bytes, maxBytes } = this.#entries;
    return { entries: size, bytes, maxBytes };
  }

  #dropWhere(matches: (key: string) => boolean): void {
    for (const key of this.#epochs.keys()) {
      if (matches(key)) this.#epochs.delete(key);
    }
    for (const key of this.#entries.keys()) {
      if (matches(key)) this.#entries.remove(key);
    }
  }
}
