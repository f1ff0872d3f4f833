import type { Buffer } from "node:buffer";
import { isRefreshDue } from "../../early_refresh.ts";
import type { EncodedValue } from "../../encoded_value.ts";
import type { LoadSettings } from "../../write_rules.ts";
import type { DropReason } from "./failure_policy.ts";
import { decodeFrame, type Stored, type StoredRecord } from "./frame.ts";
import type { ScriptCall } from "./script.ts";
import { LEFT_IF, REMOVE_IF } from "./scripts.ts";
import { READS, type RedisStore, REPEATABLE } from "./store.ts";
import type { TagVersions } from "./tag_versions.ts";

/** What a key holds, as its readers are to see it. */
export type Examined =
  | { readonly kind: "missing" }
  | { readonly kind: "nothing" }
  | { readonly kind: "lease"; readonly frame: Buffer }
  | ExaminedValue;

/** A value that is there. */
export interface ExaminedValue {
  readonly kind: "value";
  /** A JSON value or bytes, of this reader alone. */
  readonly value: unknown;
  /** What is known about it. */
  readonly record?: StoredRecord | undefined;
  /** Milliseconds until it is stale, 0 or less if it is; only with a record. `Infinity` for never. */
  readonly leftMs: number;
}

const MISSING: Examined = { kind: "missing" };

/** Tells what the bytes of a key mean, and removes what cannot be used. */
export class Examiner {
  readonly #store: RedisStore;
  readonly #tags: TagVersions;
  readonly #onDropped: (reason: DropReason) => void;

  /** Creates one; `onDropped` hears of what was removed. */
  constructor(store: RedisStore, tags: TagVersions, onDropped: (reason: DropReason) => void) {
    this.#store = store;
    this.#tags = tags;
    this.#onDropped = onDropped;
  }

  /** Examines what `GET` replied. */
  async examine(name: string, bytes: unknown, call: ScriptCall): Promise<Examined> {
    if (bytes === null) return MISSING;
    let stored: Stored;
    let value: unknown;
    try {
      stored = await decodeFrame(bytes as Buffer);
      if (stored.kind !== "value") return stored;
      value = parseValue(stored.value);
    } catch {
      await this.#drop(name, "undecodable", call);
      return MISSING;
    }
    const { record } = stored;
    return record
      ? this.#examineRecord(name, value, record, call)
      : { kind: "value", value, leftMs: Infinity };
  }

  /** Removes a key that holds something else than a string. */
  removeOther(name: string, call: ScriptCall): Promise<void> {
    return this.#drop(name, "wrong_type", call);
  }

  async #examineRecord(
    name: string,
    value: unknown,
    record: StoredRecord,
    call: ScriptCall,
  ): Promise<Examined> {
    const [left, areCurrent] = await Promise.all([
      this.#store.run(LEFT_IF, "value", name, [record.head], call),
      this.#tags.areCurrent(record.tags, call),
    ]);
    if (left === -3) {
      const current = await this.#store.send("GET", "value", name, [], call, READS);
      return this.examine(name, current, call);
    }
    if (!areCurrent) {
      await this.#store.run(REMOVE_IF, "value", name, [record.head], call);
      return MISSING;
    }
    const leftMs = left === -1 ? Infinity : Number(left) - record.staleMs;
    return { kind: "value", value, record, leftMs };
  }

  async #drop(name: string, reason: DropReason, call: ScriptCall): Promise<void> {
    this.#onDropped(reason);
    await this.#store.send("UNLINK", "value", name, [], call, REPEATABLE);
  }
}

/** Whether a value that is handed out is to be loaded again: it is stale, or its end is near. */
export function isReloadDue(
  { leftMs, record }: ExaminedValue,
  { earlyRefresh }: LoadSettings,
): boolean {
  const loadMs = record?.loadMs ?? 0;
  return leftMs <= 0 || isRefreshDue({ leftMs, loadMs, eagerness: earlyRefresh });
}

/** Throws for JSON that is damaged. */
export function parseValue(encoded: EncodedValue): unknown {
  return typeof encoded === "string" ? JSON.parse(encoded) : encoded;
}
