import type { Observer } from "../../../core/observer.ts";
import type { ValueSchema } from "../../cache.ts";
import type { EncodedValue } from "../../encoded_value.ts";
import type { EntryOfStore } from "../../invalidations.ts";
import type { WriteSettings } from "../../write_rules.ts";
import type { Examined } from "./examined.ts";
import { FailurePolicy } from "./failure_policy.ts";
import type { Owed, OwedInvalidations } from "./owed_invalidations.ts";
import { PatternRemoval } from "./pattern.ts";
import type { ScriptCall } from "./script.ts";
import type { RedisStore } from "./store.ts";
import { RedisValues } from "./values.ts";

/** How values are kept, and what happens without the server. */
export interface GuardSettings {
  /** Whether a cache without a server is an empty one. */
  readonly failsOpen: boolean;
  /** From how many bytes on a value is compressed. */
  readonly compressAboveBytes: number;
  /** Schemas by family. */
  readonly schemas: ReadonlyMap<string, ValueSchema<unknown>>;
  /** Hears of what was lost. */
  readonly observer: Observer;
}

/** The deadline of a removal by pattern, which visits every key. */
export const PATTERN_TIMEOUT_MS = 30_000;

/**
 * Values, also when the server is away: reads that fail are misses, writes that fail leave no old value
 * behind, removals that fail are carried out later, and what they are about is not read before.
 */
export class GuardedValues {
  /** What to do when something fails. */
  readonly policy: FailurePolicy;
  /** The values on the server. */
  readonly values: RedisValues;
  readonly #patterns: PatternRemoval;
  readonly #owed: OwedInvalidations;
  readonly #isSharded: boolean;
  readonly #schemas: ReadonlyMap<string, ValueSchema<unknown>>;

  /** Creates them; `owed` gets what is to be carried out later. */
  constructor(store: RedisStore, owed: OwedInvalidations, settings: GuardSettings) {
    const { failsOpen, compressAboveBytes, schemas, observer } = settings;
    this.policy = new FailurePolicy(failsOpen, observer, owed);
    this.values = new RedisValues(store, {
      compressAboveBytes,
      isTagOwed: (tag) => owed.coversTag(tag),
      onDropped: (reason) => this.policy.dropped(reason),
    });
    this.#patterns = new PatternRemoval(store, this.values);
    this.#owed = owed;
    this.#isSharded = store.connection.sharded;
    this.#schemas = schemas;
    owed.retryWith((one) => this.#carryOut(one));
  }

  /** The fresh value if it fits. */
  async read<T>(
    key: string,
    schema: ValueSchema<T> | undefined,
    call: ScriptCall,
  ): Promise<T | undefined> {
    if (this.#owed.covers(key)) return undefined;
    try {
      return this.fit(key, await this.values.read(key, call), schema);
    } catch (error) {
      return this.policy.missed(call.operation, error);
    }
  }

  /** The same for many keys. */
  async readMany<T>(
    keys: readonly string[],
    schema: ValueSchema<T> | undefined,
    call: ScriptCall,
  ): Promise<(T | undefined)[]> {
    // In a cluster the nodes fail one by one.
    if (this.#isSharded) return Promise.all(keys.map((key) => this.read(key, schema, call)));
    // Not after the read, when it may have been carried out in between.
    const isOwed = keys.map((key) => this.#owed.covers(key));
    const missed = (error: unknown): undefined => this.policy.missed(call.operation, error);
    try {
      const values = await this.values.readMany(keys, call, missed);
      return keys.map((key, i) => isOwed[i] ? undefined : this.fit(key, values[i], schema));
    } catch (error) {
      missed(error);
      return keys.map(() => undefined);
    }
  }

  /** The fresh value with its expiry and tags, whatever schemas there are. */
  async readEntry(key: string, call: ScriptCall): Promise<EntryOfStore | undefined> {
    if (this.#owed.covers(key)) return undefined;
    try {
      return await this.values.readEntry(key, call);
    } catch (error) {
      return this.policy.missed(call.operation, error);
    }
  }

  /** What the key holds; `undefined` if the server cannot tell. */
  async examine(key: string, call: ScriptCall): Promise<Examined | undefined> {
    if (this.#owed.covers(key)) return undefined;
    try {
      return await this.values.examine(key, call);
    } catch (error) {
      return this.policy.missed(call.operation, error);
    }
  }

  /** The values, as soon as nothing is owed about the key; rejects while that cannot be carried out. */
  async settled(key: string, call: ScriptCall): Promise<RedisValues> {
    await this.#owed.carryOutFor(key, () => this.values.discard(key, call));
    return this.values;
  }

  /** Writes a value; if that fails, the old one is not to be read any more. */
  async write(
    key: string,
    encoded: EncodedValue,
    settings: WriteSettings,
    call: ScriptCall,
  ): Promise<void> {
    const owed = this.#owed.ofKey(key);
    try {
      await this.values.write(key, encoded, settings, call);
      // The old value is gone with that, and the new one is not to be removed.
      if (owed) this.#owed.settle(owed);
    } catch (error) {
      await this.policy.notWritten(key, error, () => this.values.discard(key, call));
    }
  }

  /** Removes a key; returns whether a value was there. */
  remove(key: string, call: ScriptCall): Promise<boolean> {
    return this.#invalidate({ kind: "key", name: key }, () => this.values.remove(key, call));
  }

  /** Removes what a glob matches; returns how many values there were. */
  removePattern(pattern: string, call: ScriptCall): Promise<number> {
    const owed = { kind: "pattern", name: pattern } as const;
    return this.#invalidate(owed, () => this.#patterns.remove(pattern, call));
  }

  /** Drops every value with the tag. */
  invalidateTag(tag: string, call: ScriptCall): Promise<void> {
    const owed = { kind: "tag", name: tag } as const;
    return this.#invalidate(owed, () => this.values.tags.invalidate(tag, call));
  }

  /** The value as the schema gives it; what does not fit is removed, and `undefined`. */
  fit<T>(key: string, value: unknown, schema: ValueSchema<T> | undefined): T | undefined {
    const checked = this.schemaOf(key, schema);
    if (value === undefined || checked === undefined) return value as T | undefined;
    try {
      return checked.parse(value);
    } catch {
      this.policy.dropped("schema_mismatch");
      // Nobody has to wait: what is sent about the key afterwards takes effect afterwards.
      this.values.discard(key, { operation: "drop a value" }).catch((error) =>
        this.policy.notInvalidated({ kind: "key", name: key }, error)
      );
      return undefined;
    }
  }

  /** The schema for a key: the caller's, or that of its family. */
  schemaOf<T>(key: string, schema: ValueSchema<T> | undefined): ValueSchema<T> | undefined {
    if (schema !== undefined || this.#schemas.size === 0) return schema;
    return this.#schemas.get(key.split(":", 1)[0] ?? "") as ValueSchema<T> | undefined;
  }

  async #invalidate<T>(owed: Owed, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw this.policy.notInvalidated(owed, error);
    }
  }

  async #carryOut({ kind, name }: Owed): Promise<void> {
    const call = { operation: "carry out an invalidation" };
    if (kind === "key") await this.values.discard(name, call);
    else if (kind === "tag") await this.values.tags.invalidate(name, call);
    else await this.#patterns.remove(name, { ...call, timeoutMs: PATTERN_TIMEOUT_MS });
  }
}
