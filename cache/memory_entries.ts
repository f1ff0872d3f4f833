import type { Clock } from "../core/clock.ts";
import { ExpiringEntries, type ExpiringEntry } from "./expiring_entries.ts";
import type { FrozenValue } from "./frozen_value.ts";
import type { Claim, LoadedValue, LoadRequest, LoadStore } from "./read_through.ts";
import { TagIndex } from "./tag_index.ts";
import type { LoadSettings, WriteSettings } from "./write_rules.ts";

/** What the cache in memory keeps for a key. */
export interface MemoryEntry extends ExpiringEntry {
  /** Its tags. */
  readonly tags: readonly string[];
  /** Whether it was written without anything that other stores keep beside the value. */
  readonly isPlain: boolean;
  /** Whether it only says that a loader found nothing; it is never fresh then. */
  readonly isNothing?: boolean;
  /** How long its load took, in milliseconds. */
  readonly loadMs?: number;
  /** When another load in the background may start. */
  refreshAfterMs?: number;
}

/** How to build {@linkcode MemoryEntries}. */
export interface MemoryEntriesSettings {
  /** The most that they take, in bytes. */
  readonly maxBytes: number;
  /** Tells when they expire. */
  readonly clock: Clock;
  /** Hears of an entry that found no room. */
  readonly onNoRoom: () => void;
  /** Hears of every key that is written or removed. */
  readonly onChange: (key: string) => void;
}

/** What an entry takes besides its key and its value, and a tag besides its name. */
const ENTRY_BYTES = 160;

/** How long after a load in the background that failed none is started. */
const REFRESH_PAUSE_MS = 1_000;

/** The entries of the cache in memory: bounded, expiring, found by tag, and filled by loads. */
export class MemoryEntries extends ExpiringEntries<MemoryEntry> implements LoadStore<MemoryEntry> {
  readonly #settings: MemoryEntriesSettings;
  readonly #tags: TagIndex<string>;

  /** Creates empty ones. */
  constructor(settings: MemoryEntriesSettings) {
    const tags = new TagIndex<string>();
    super(settings.maxBytes, settings.clock, (entry, key) => tags.remove(key, entry.tags));
    this.#settings = settings;
    this.#tags = tags;
  }

  /** Makes an entry. */
  entryOf(key: string, frozen: FrozenValue, { ttlMs, tags }: WriteSettings): MemoryEntry {
    return {
      value: frozen.value,
      bytes: frozen.bytes + bytesOf(key) + tags.reduce((sum, tag) => sum + bytesOf(tag), 0),
      expiresAtMs: this.#settings.clock.now() + ttlMs,
      tags,
      isPlain: tags.length === 0,
      // Not added later: an object with room for all its members is faster to read and to keep.
      wasUsed: false,
      key,
      older: undefined,
      newer: undefined,
    };
  }

  /** Writes an entry; returns whether it found room. */
  write(key: string, entry: MemoryEntry): boolean {
    this.#settings.onChange(key);
    const kept = this.set(key, entry);
    if (kept) this.#tags.add(key, entry.tags);
    else this.#settings.onNoRoom();
    return kept;
  }

  /** Removes an entry; returns whether a fresh one was there. */
  remove(key: string): boolean {
    this.#settings.onChange(key);
    return this.delete(key);
  }

  /** Removes every entry that carries the tag. */
  removeTagged(tag: string): void {
    for (const key of this.#tags.withTag(tag)) this.remove(key);
  }

  /** See {@linkcode LoadStore.claim}; nobody else loads into this store. */
  claim(request: LoadRequest): Promise<Claim> {
    return Promise.resolve(this.#claimFor(request, () => {}));
  }

  /** See {@linkcode LoadStore.claimRefresh}. */
  claimRefresh(request: LoadRequest, stale: MemoryEntry): Promise<Claim | undefined> {
    const { clock } = this.#settings;
    if (clock.monotonic() < (stale.refreshAfterMs ?? -Infinity)) return Promise.resolve(undefined);
    const pause = (): void => {
      stale.refreshAfterMs = clock.monotonic() + REFRESH_PAUSE_MS;
    };
    return Promise.resolve(this.#claimFor(request, pause));
  }

  #claimFor({ key, settings }: LoadRequest, onRelease: () => void): Claim {
    return {
      fill: (loaded) => Promise.resolve(this.#fill(key, loaded, settings)),
      release: () => Promise.resolve(onRelease()),
    };
  }

  #fill(key: string, loaded: LoadedValue | undefined, settings: LoadSettings): void {
    if (loaded) {
      this.write(key, this.#loadedEntry(key, loaded, settings));
      return;
    }
    this.remove(key);
    const { negativeTtlMs } = settings;
    if (negativeTtlMs === undefined) return;
    const nothing = this.entryOf(key, { value: undefined, bytes: 0 }, settings);
    const staleUntilMs = this.#settings.clock.now() + negativeTtlMs;
    this.write(key, { ...nothing, isNothing: true, expiresAtMs: -Infinity, staleUntilMs });
  }

  #loadedEntry(key: string, { frozen, loadMs }: LoadedValue, settings: LoadSettings): MemoryEntry {
    const entry = this.entryOf(key, frozen, settings);
    const { staleMs, earlyRefresh } = settings;
    return {
      ...entry,
      loadMs,
      isPlain: entry.isPlain && staleMs === 0 && earlyRefresh === 0,
      ...(staleMs > 0 && { staleUntilMs: entry.expiresAtMs + staleMs }),
    };
  }
}

function bytesOf(name: string): number {
  return ENTRY_BYTES + 2 * name.length;
}
