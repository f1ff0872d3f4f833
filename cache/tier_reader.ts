import type { CallOptions } from "../core/call_options.ts";
import type { ReadOptions, ValueSchema } from "./cache.ts";
import { handOut } from "./frozen_value.ts";
import type { EntryOfStore, TieredStore } from "./invalidations.ts";
import type { TierMemory } from "./tier_memory.ts";

/** A value that was found, as a caller may have it. */
export interface FoundValue<T> {
  /** The value. */
  readonly value: T;
}

/** How long a read before a load may take of the load's time. */
const READ_TIMEOUT_MS = 250;

/**
 * Reads the store into memory. Memory keeps what was stored, so that every read has a schema of its own; what does
 * not fit is dropped from memory and asked of the store once more, which removes and reports it.
 */
export class TierReader {
  readonly #store: TieredStore;
  readonly #memory: TierMemory;

  /** Creates one. */
  constructor(store: TieredStore, memory: TierMemory) {
    this.#store = store;
    this.#memory = memory;
  }

  /** What memory has of a key, if it fits. */
  recall<T>(key: string, options: ReadOptions<T> | undefined): FoundValue<T> | undefined {
    const entry = this.#memory.get(key);
    return entry && this.fit(key, entry.value, this.schemaOf(key, options));
  }

  /** What the store has, if it fits. */
  async read<T>(key: string, options: ReadOptions<T> | undefined): Promise<T | undefined> {
    const entry = await this.#fetch(key, options && callOf(options));
    if (entry === undefined) return undefined;
    const found = this.fit<T>(key, entry.value, this.schemaOf(key, options));
    return found ? found.value : await this.#store.get(key, options);
  }

  /** The same for a load, which has the rest of the time and deals with what does not fit. */
  async readForLoad<T>(
    key: string,
    options: ReadOptions<T> | undefined,
  ): Promise<FoundValue<T> | undefined> {
    const { signal, timeoutMs = READ_TIMEOUT_MS } = options ?? {};
    const call = { signal, timeoutMs: Math.min(timeoutMs, READ_TIMEOUT_MS) };
    // If it fails, the load fails, too, or does without the store.
    const entry = await this.#fetch(key, call).catch(() => undefined);
    return entry && this.fit(key, entry.value, this.schemaOf(key, options));
  }

  /** The schema of a read. */
  schemaOf<T>(key: string, options: ReadOptions<T> | undefined): ValueSchema<T> | undefined {
    return options?.schema ?? this.#store.schemaOf(key) as ValueSchema<T> | undefined;
  }

  /** The value as the schema gives it; drops it from memory if it does not fit. */
  fit<T>(
    key: string,
    value: unknown,
    schema: ValueSchema<T> | undefined,
  ): FoundValue<T> | undefined {
    const handedOut = handOut(value);
    if (schema === undefined) return { value: handedOut as T };
    try {
      return { value: schema.parse(handedOut) };
    } catch {
      this.#memory.dropKey(key);
      return undefined;
    }
  }

  async #fetch(key: string, call: CallOptions | undefined): Promise<EntryOfStore | undefined> {
    const read = this.#memory.begin(key);
    let entry: EntryOfStore | undefined;
    try {
      entry = await this.#store.getEntry(key, call);
    } finally {
      this.#memory.end(read, entry);
    }
    return entry;
  }
}

function callOf({ signal, timeoutMs }: CallOptions): CallOptions {
  return { signal, timeoutMs };
}
