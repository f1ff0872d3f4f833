import type { Clock } from "../../../core/clock.ts";
import type { Observer } from "../../../core/observer.ts";
import type { RedisChannel } from "../../../core/redis/channel.ts";
import type { MakeKey } from "./keys.ts";
import { compileGlob } from "../../glob.ts";

/** Something that must not be read any more. */
export type Owed =
  | { readonly kind: "key"; readonly name: string }
  | { readonly kind: "tag"; readonly name: string }
  | { readonly kind: "pattern"; readonly name: string };

/** Above this many, everything in the namespace is owed instead. */
const MAX_OWED = 10_000;

/** The same for patterns, each of which every read is compared with. */
const MAX_PATTERNS = 100;

/** How often what is owed is tried again. */
const RETRY_MS = 500;

const EVERYTHING: Owed = { kind: "pattern", name: "*" };

/** Carries one out; rejects if the server did not take it. */
export type CarryOut = (owed: Owed) => Promise<void>;

/** What {@linkcode OwedInvalidations} need. */
export interface OwedSettings {
  /** Measures the pauses. */
  readonly clock: Clock;
  /** Hears of each. */
  readonly observer: Observer;
}

/**
 * Invalidations that the server did not take, to be carried out as soon as it does: a key that was changed
 * while the server was away must not be read with its old value afterwards. They are as old as this process: what
 * it owes when it ends is lost, which its caller knows from the error, and bounded: when they are too
 * many, the whole namespace is dropped instead.
 */
export class OwedInvalidations {
  readonly #settings: OwedSettings;
  readonly #owed = new Map<string, Owed>();
  /** What the keys of the owed patterns look like, under the ids of these. */
  readonly #patterns = new Map<string, (key: string) => boolean>();
  #retry: CarryOut | undefined;
  #tell: (owed: Owed) => void = () => {};
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  /** Creates an empty list. */
  constructor(settings: OwedSettings) {
    this.#settings = settings;
  }

  /** How many there are. */
  get size(): number {
    return this.#owed.size;
  }

  /** Whether the key is among them, by its name or a pattern. */
  covers(key: string): boolean {
    if (this.#owed.size === 0) return false;
    return this.#owed.has(idOf({ kind: "key", name: key })) ||
      [...this.#patterns.values()].some((matches) => matches(key));
  }

  /** Whether the tag is among them. */
  coversTag(tag: string): boolean {
    return this.#owed.has(idOf({ kind: "tag", name: tag }));
  }

  /** What is owed about the key by its name. */
  ofKey(key: string): Owed | undefined {
    return this.#owed.get(idOf({ kind: "key", name: key }));
  }

  /** One is not owed any more, unless it has become so once more meanwhile. */
  settle(owed: Owed): void {
    const id = idOf(owed);
    if (this.#owed.get(id) !== owed) return;
    this.#owed.delete(id);
    this.#patterns.delete(id);
  }

  /** Remembers one. */
  add(owed: Owed): void {
    if (this.#closed) return;
    this.#settings.observer.count("cache.invalidation_delayed", 1, { kind: owed.kind });
    const isFull = this.#owed.size >= MAX_OWED || this.#patterns.size >= MAX_PATTERNS;
    if (isFull) this.#clear();
    this.#put(isFull ? EVERYTHING : owed);
    this.#scheduleRetry();
  }

  /** From now on, tries again and again by itself. */
  retryWith(retry: CarryOut): void {
    this.#retry = retry;
    this.#scheduleRetry();
  }

  /** From now on, tells what was carried out; `tell` must not throw. */
  tellWith(tell: (owed: Owed) => void): void {
    this.#tell = tell;
  }

  /** Carries out all, in any order; what fails stays. Never rejects. */
  async carryOut(run: CarryOut): Promise<void> {
    await Promise.allSettled([...this.#owed.values()].map((one) => this.#carryOutOne(one, run)));
  }

  /** Carries out what is owed about the key, so that others can be asked about it; rejects if `run` does. */
  async carryOutFor(key: string, run: CarryOut): Promise<void> {
    if (!this.covers(key)) return;
    await this.#carryOutOne(this.ofKey(key) ?? { kind: "key", name: key }, run);
  }

  /** Forgets all. */
  close(): void {
    this.#closed = true;
    this.#cancelRetry?.();
    this.#clear();
  }

  #put(owed: Owed): void {
    const id = idOf(owed);
    this.#owed.set(id, owed);
    if (owed.kind === "pattern") this.#patterns.set(id, compileGlob(owed.name));
  }

  #clear(): void {
    this.#owed.clear();
    this.#patterns.clear();
  }

  async #carryOutOne(one: Owed, run: CarryOut): Promise<void> {
    await run(one);
    this.settle(one);
    this.#tell(one);
  }

  #scheduleRetry(): void {
    const retry = this.#retry;
    if (!retry || this.#cancelRetry || this.#closed || this.#owed.size === 0) return;
    this.#cancelRetry = this.#settings.clock.after(RETRY_MS, () => {
      void this.carryOut(retry).finally(() => {
        this.#cancelRetry = undefined;
        this.#scheduleRetry();
      });
    }, { background: true });
  }
}

function idOf({ kind, name }: Owed): string {
  return `${kind}:${name}`;
}

/** Carries one out on a connection that nobody uses yet; a pattern takes too long for that, and rejects. */
export async function unlinkOwed(
  channel: RedisChannel,
  { kind, name }: Owed,
  keyOf: MakeKey,
): Promise<void> {
  if (kind === "pattern") throw new TypeError("a pattern is carried out later");
  const key = keyOf(kind === "key" ? "value" : "tag", name);
  await channel.send({ args: ["UNLINK", key], key });
}
