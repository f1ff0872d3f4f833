import { Buffer } from "node:buffer";
import type { EncodedValue } from "../../encoded_value.ts";
import type { EntryOfStore } from "../../invalidations.ts";
import type { WriteSettings } from "../../write_rules.ts";
import { type Examined, Examiner } from "./examined.ts";
import type { DropReason } from "./failure_policy.ts";
import { encodeFrame, type StoredRecord, textOf } from "./frame.ts";
import { replyCode } from "../../../core/redis/redis_error.ts";
import type { RedisScript } from "../../../core/redis/redis_script.ts";
import type { ScriptCall } from "./script.ts";
import { EXPIRE, INCREMENT, LOGICAL_TTL, REMOVE, SET_IF_MISSING } from "./scripts.ts";
import { READS, type RedisStore, REPEATABLE } from "./store.ts";
import { TagVersions } from "./tag_versions.ts";

/** How values are kept. */
export interface ValuesSettings {
  /** From how many bytes on a value is compressed. */
  readonly compressAboveBytes: number;
  /** Whether the tag is to be invalidated, but the server does not know yet. */
  readonly isTagOwed: (tag: string) => boolean;
  /** Hears of what was removed because it could not be used. */
  readonly onDropped: (reason: DropReason) => void;
}

/** How often a value with tags may change while a call examines it, before the call takes it for there. */
const MAX_ATTEMPTS = 10;

/** The values of a store: what a key means, and changes that heed it. */
export class RedisValues {
  /** The versions of tags. */
  readonly tags: TagVersions;
  readonly #store: RedisStore;
  readonly #examiner: Examiner;
  readonly #settings: ValuesSettings;

  /** Creates them. */
  constructor(store: RedisStore, settings: ValuesSettings) {
    this.#store = store;
    this.#settings = settings;
    this.tags = new TagVersions(store, settings.isTagOwed);
    this.#examiner = new Examiner(store, this.tags, settings.onDropped);
  }

  /** The fresh value, as `get` returns it. */
  async read(name: string, call: ScriptCall): Promise<unknown> {
    return this.#fresh(name, await this.#bytesOf(name, call), call);
  }

  /** The same for many keys on one server; a value that cannot be examined is what `onFailure` says. */
  async readMany(
    names: readonly string[],
    call: ScriptCall,
    onFailure: (error: unknown) => undefined,
  ): Promise<unknown[]> {
    const found = await this.#store.readMany("value", names, call);
    const values = found.map((bytes, i) => {
      const value = this.#fresh(names[i] ?? "", bytes, call);
      return value instanceof Promise ? value.catch(onFailure) : value;
    });
    return values.some((value) => value instanceof Promise) ? await Promise.all(values) : values;
  }

  /** At once for JSON text, which is the usual case. */
  #fresh(name: string, bytes: Buffer | null, call: ScriptCall): unknown {
    if (bytes === null) return undefined;
    if (bytes[0] !== 0) {
      try {
        return JSON.parse(textOf(bytes));
      } catch {
        // It is examined below, and removed.
      }
    }
    return this.#examiner.examine(name, bytes, call).then(freshValue);
  }

  /** What the key holds, with all that is known about it. */
  async examine(name: string, call: ScriptCall): Promise<Examined> {
    return this.#examiner.examine(name, await this.#bytesOf(name, call), call);
  }

  /** The same for bytes that were read already. */
  examineBytes(name: string, bytes: Buffer, call: ScriptCall): Promise<Examined> {
    return this.#examiner.examine(name, bytes, call);
  }

  /** The value, if it is fresh, with its expiry and tags. */
  async readEntry(name: string, call: ScriptCall): Promise<EntryOfStore | undefined> {
    // Asked before the value, because a later answer may be about a value that has replaced it.
    const left = this.#store.send("PTTL", "value", name, [], call, READS);
    const [keyLeftMs, found] = await Promise.all([left, this.examine(name, call)]);
    if (found.kind !== "value") return undefined;
    const { value, record } = found;
    const leftMs = keyLeftMs === -1 ? Infinity : Number(keyLeftMs) - (record?.staleMs ?? 0);
    const ttlMs = Math.min(leftMs, found.leftMs);
    if (ttlMs <= 0) return undefined;
    return {
      value,
      ttlMs: ttlMs === Infinity ? null : ttlMs,
      tags: record ? Object.keys(record.tags) : [],
    };
  }

  /** Removes a key that holds something else than a string. */
  dropOther(name: string, call: ScriptCall): Promise<void> {
    return this.#examiner.removeOther(name, call);
  }

  /** Writes a value. */
  write(
    name: string,
    value: EncodedValue,
    settings: WriteSettings,
    call: ScriptCall,
  ): Promise<unknown> {
    const send = (bytes: string | Buffer): Promise<unknown> =>
      this.#store.send("SET", "value", name, [bytes, ...expiry(settings.ttlMs)], call);
    const content = this.#encode(value, settings, call);
    return content instanceof Promise ? content.then(send) : send(content);
  }

  /** Writes a value if there is none; returns whether it wrote. */
  async writeIfMissing(
    name: string,
    value: EncodedValue,
    settings: WriteSettings,
    call: ScriptCall,
  ): Promise<boolean> {
    const bytes = await this.#encode(value, settings, call);
    return await this.#heeding(SET_IF_MISSING, name, [bytes, limit(settings.ttlMs)], call) === 1;
  }

  /** Removes what the key holds; returns whether a value was there. */
  async remove(name: string, call: ScriptCall): Promise<boolean> {
    return await this.#heeding(REMOVE, name, [], call) === 1;
  }

  /** Removes a key without asking what it holds; this works also when the server's memory is full. */
  async discard(name: string, call: ScriptCall): Promise<void> {
    await this.#store.send("UNLINK", "value", name, [], call, REPEATABLE);
  }

  /** Milliseconds left, `null` for no expiry, `undefined` for a missing key. */
  async ttl(name: string, call: ScriptCall): Promise<number | null | undefined> {
    const left = await this.#heeding(LOGICAL_TTL, name, [], call) as number;
    return left === -2 ? undefined : left === -1 ? null : Math.max(1, left);
  }

  /** Sets the expiry; returns whether the key was there. */
  async expire(name: string, ttlMs: number, call: ScriptCall): Promise<boolean> {
    // The tags first: one that ended before its value would take that along.
    const keepTags = ({ tags, staleMs }: StoredRecord): Promise<unknown> =>
      this.tags.current(Object.keys(tags), ttlMs + staleMs + (call.timeoutMs ?? 0), call);
    return await this.#heeding(EXPIRE, name, [String(ttlMs)], call, keepTags) === 1;
  }

  /** Adds to a number; returns the sum, or `undefined` if that cannot be. */
  async increment(
    name: string,
    by: number,
    ttlMs: number,
    call: ScriptCall,
  ): Promise<number | undefined> {
    const reply = String(await this.#heeding(INCREMENT, name, [String(by), limit(ttlMs)], call));
    return reply === "conflict" ? undefined : Number(reply);
  }

  #encode(
    value: EncodedValue,
    { tags, ttlMs }: WriteSettings,
    call: ScriptCall,
  ): string | Promise<string | Buffer> | Buffer {
    const { compressAboveBytes } = this.#settings;
    if (tags.length === 0) return encodeFrame(value, { compressAboveBytes });
    // The value is written by the deadline, and its tags must not end before it.
    const lifetimeMs = ttlMs + (call.timeoutMs ?? 0);
    return this.tags.current(tags, lifetimeMs, call).then((versions) =>
      encodeFrame(value, {
        compressAboveBytes,
        record: { staleMs: 0, loadMs: 0, tags: versions },
      })
    );
  }

  async #bytesOf(name: string, call: ScriptCall): Promise<Buffer | null> {
    try {
      return await this.#store.send("GET", "value", name, [], call, READS) as Buffer | null;
    } catch (error) {
      if (replyCode(error) !== "WRONGTYPE") throw error;
      await this.dropOther(name, call);
      return null;
    }
  }

  /** Runs a script that takes a value with tags for there only if they were checked, and `onChecked` is done. */
  async #heeding(
    script: RedisScript,
    name: string,
    args: readonly (string | Uint8Array)[],
    call: ScriptCall,
    onChecked?: (record: StoredRecord) => Promise<unknown>,
  ): Promise<unknown> {
    let checked: string | Uint8Array = "";
    for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
      try {
        const reply = await this.#store.run(script, "value", name, [checked, ...args], call);
        if (!isTagged(reply)) return reply;
        const found = await this.examine(name, call);
        const record = found.kind === "value" ? found.record : undefined;
        if (record) await onChecked?.(record);
        checked = record ? tokenOf(record) : "";
      } catch (error) {
        if (replyCode(error) !== "WRONGTYPE") throw error;
        await this.dropOther(name, call);
      }
    }
    // It was there each time, so the next is taken for there, too; its writers could go on for ever.
    return this.#store.run(script, "value", name, ["any", ...args], call);
  }
}

/** The value of a key unless it is stale. */
function freshValue(found: Examined): unknown {
  return found.kind === "value" && found.leftMs > 0 ? found.value : undefined;
}

/** The words that give a key its expiry. */
function expiry(ttlMs: number): string[] {
  return ttlMs === Infinity ? [] : ["PX", String(ttlMs)];
}

/** The same for a script. */
function limit(ttlMs: number): string {
  return ttlMs === Infinity ? "" : String(ttlMs);
}

function isTagged(reply: unknown): boolean {
  return Buffer.isBuffer(reply) && reply.toString() === "tagged";
}

function tokenOf({ head }: StoredRecord): Uint8Array {
  return head.subarray(3);
}
