import type { Clock } from "../core/clock.ts";

/** What {@linkcode ExpiringEntries} keep for a key. */
export interface ExpiringEntry {
  /** The value, as it was given. */
  readonly value: unknown;
  /** What key and value take, in bytes, above 0. */
  readonly bytes: number;
  /** When it expires, in wall-clock milliseconds; `Infinity` for never. */
  expiresAtMs: number;
  /** Until when it can still be asked for as stale; default: not after it has expired. */
  staleUntilMs?: number | undefined;
  /** Whether it was asked for since the search for room passed it the last time; kept by these entries. */
  wasUsed?: boolean;
  /** Its key; kept by these entries. */
  key?: string;
  /** The one that was set before it; kept by these entries. */
  older?: this | undefined;
  /** The one that was set after it; kept by these entries. */
  newer?: this | undefined;
}

/**
 * Entries in memory that expire and never take more than `maxBytes` together. An expired entry takes its room until
 * it is asked for or evicted.
 *
 * Room is made as SIEVE does it (Y. Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024): the search goes from old
 * entries to new ones and on from where it stopped, removes what was not used since it last came by, and lets the
 * others stay. A hit only leaves a mark, and entries that are used once pass through without driving out others.
 */
export class ExpiringEntries<Entry extends ExpiringEntry = ExpiringEntry> {
  /** How many bytes they may take. */
  readonly maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #coarseNow: () => number;
  readonly #onGone: (entry: Entry, key: string) => void;
  // Not an iterator of the `Map`: one that waits keeps the tables, with all values, that the `Map` has grown out of.
  #oldest: Entry | undefined;
  #newest: Entry | undefined;
  /** Where the search for room goes on; `undefined` for at the oldest. */
  #next: Entry | undefined;
  #bytes = 0;

  /** Creates empty ones; `maxBytes` is a whole number above 0. `onGone` hears of every entry that goes. */
  constructor(
    maxBytes: number,
    clock: Clock,
    onGone: (entry: Entry, key: string) => void = () => {},
  ) {
    this.maxBytes = maxBytes;
    this.#clock = clock;
    const coarseNow = clock.coarseNow ?? clock.now;
    this.#coarseNow = () => coarseNow.call(clock);
    this.#onGone = onGone;
  }

  /** How many entries there are, expired ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /** What they take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the entry and marks it as used, or returns `undefined`. */
  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.wasUsed = true;
    if (entry.expiresAtMs === Infinity || this.#coarseNow() < entry.expiresAtMs) return entry;
    if (this.#clock.now() >= (entry.staleUntilMs ?? entry.expiresAtMs)) this.#remove(key, entry);
    return undefined;
  }

  /** The same by the exact clock, for what is more than a read. */
  getExact(key: string): Entry | undefined {
    const entry = this.get(key);
    return entry !== undefined && this.#clock.now() < entry.expiresAtMs ? entry : undefined;
  }

  /** Returns the entry if it has expired and may still be asked for. */
  getStale(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry?.staleUntilMs === undefined) return undefined;
    const nowMs = this.#clock.now();
    return nowMs >= entry.expiresAtMs && nowMs < entry.staleUntilMs ? entry : undefined;
  }

  /** Replaces the entry and returns `true`; if it has no room alone, removes it and returns `false`. */
  set(key: string, entry: Entry): boolean {
    const replaced = this.#entries.get(key);
    if (replaced !== undefined) this.#remove(key, replaced);
    if (entry.bytes > this.maxBytes) return false;
    this.#makeRoom(entry.bytes);
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
    this.#append(key, entry);
    return true;
  }

  /** Removes the entry; returns whether it was there. */
  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#remove(key, entry);
    return this.#clock.now() < entry.expiresAtMs;
  }

  /** The keys, those of expired entries included. */
  keys(): string[] {
    return [...this.#entries.keys()];
  }

  /** Removes everything. */
  clear(): void {
    for (const [key, entry] of this.#entries) this.#remove(key, entry);
  }

  #makeRoom(bytes: number): void {
    while (this.#bytes + bytes > this.maxBytes) {
      const entry = (this.#next ?? this.#oldest) as Entry;
      this.#next = entry.newer;
      if (entry.wasUsed) entry.wasUsed = false;
      else this.#remove(entry.key as string, entry);
    }
  }

  #append(key: string, entry: Entry): void {
    entry.key = key;
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    this.#unlink(entry);
    this.#onGone(entry, key);
  }

  #unlink(entry: Entry): void {
    const { older, newer } = entry;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    if (this.#next === entry) this.#next = newer;
    // Whoever still has it is not to keep the others alive.
    entry.older = entry.newer = undefined;
  }
}
