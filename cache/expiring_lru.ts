import { LRUCache } from "lru-cache";
import type { Clock } from "../core/clock.ts";

/** What an {@linkcode ExpiringLru} keeps for a key. */
export interface ExpiringEntry {
  /** The value, as it was given. */
  readonly value: unknown;
  /** What key and value take, in bytes, above 0. */
  readonly bytes: number;
  /** When it expires, in wall-clock milliseconds; `Infinity` for never. */
  expiresAtMs: number;
  /** Until when it can still be asked for as stale; default: not after it has expired. */
  staleUntilMs?: number | undefined;
}

/**
 * Entries in memory that expire to the millisecond and never take more than `maxBytes` together:
 * the least recently used ones make room. An expired entry takes its room until it is asked for or
 * evicted.
 */
export class ExpiringLru<Entry extends ExpiringEntry = ExpiringEntry> {
  // The expiry is kept here and not by lru-cache: its TTL ends a millisecond late, takes a clock at
  // 0 for "no TTL", and remembers the time until a timer of its own fires.
  readonly #entries: LRUCache<string, Entry>;
  readonly #clock: Clock;

  /** Creates an empty one; `maxBytes` is a whole number above 0. `onGone` hears of every entry that goes. */
  constructor(
    maxBytes: number,
    clock: Clock,
    onGone?: (entry: Entry, key: string) => void,
  ) {
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: (entry) => entry.bytes,
      ...(onGone && { dispose: onGone }),
    });
    this.#clock = clock;
  }

  /** How many entries there are, expired ones included. */
  get size(): number {
    return this.#entries.size;
  }

  /** What they take. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** What they may take. */
  get maxBytes(): number {
    return this.#entries.maxSize;
  }

  /** Returns the entry and marks it as used, or returns `undefined`. */
  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs === Infinity) return entry;
    const nowMs = this.#clock.now();
    if (nowMs < entry.expiresAtMs) return entry;
    if (nowMs >= (entry.staleUntilMs ?? entry.expiresAtMs)) this.#entries.delete(key);
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
    this.#entries.set(key, entry);
    return entry.bytes <= this.#entries.maxSize;
  }

  /** Removes the entry; returns whether it was there. */
  delete(key: string): boolean {
    const found = this.get(key) !== undefined;
    this.#entries.delete(key);
    return found;
  }

  /** The keys, those of expired entries included. */
  keys(): string[] {
    return [...this.#entries.keys()];
  }

  /** Removes everything. */
  clear(): void {
    this.#entries.clear();
  }
}
