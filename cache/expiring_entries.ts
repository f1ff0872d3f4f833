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
  /** Where the search for room goes on; a `Map` iterates in the order of insertion, also while it changes. */
  #search: Iterator<[string, Entry], undefined> | undefined;
  #bytes = 0;

  /** Creates empty ones; `maxBytes` is a whole number above 0. `onGone` hears of every entry that goes. */
  constructor(
    maxBytes: number,
    clock: Clock,
    onGone: (entry: Entry, key: string) => void = () => {},
  ) {
    this.maxBytes = maxBytes;
    this.#clock = clock;
    this.#coarseNow = clock.coarseNow ?? (() => clock.now());
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
      this.#search ??= this.#entries.entries();
      const { value, done } = this.#search.next();
      if (done) {
        this.#search = undefined;
        continue;
      }
      const [key, entry] = value;
      if (entry.wasUsed) entry.wasUsed = false;
      else this.#remove(key, entry);
    }
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    this.#onGone(entry, key);
  }
}
