import { pauseMs } from "../core/backoff.ts";
import type { Clock } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";
import type { Invalidation, InvalidationChannel } from "./invalidations.ts";

/** How to build an {@linkcode InvalidationOutbox}. */
export interface OutboxSettings {
  /** Where to publish. */
  readonly channel: InvalidationChannel;
  /** Measures the pauses. */
  readonly clock: Clock;
  /** Hears of every attempt that failed, as `cache.invalidation_delayed`. */
  readonly observer: Observer;
}

/** Above this many that wait, everything is invalid instead. */
const MAX_WAITING = 10_000;

/** The most keys in one message. */
const MAX_KEYS = 500;

const RETRY_BACKOFF = { baseMs: 50, maxMs: 1_000 };

const EVERYTHING = "*";

/**
 * Invalidations on their way to others. One message is under way at a time, and takes along all keys that have come
 * together meanwhile. What could not be published waits until it can be, and is tried again after a
 * second at most.
 *
 * At most 10,000 wait; instead of more than that, everything becomes invalid.
 */
export class InvalidationOutbox {
  readonly #settings: OutboxSettings;
  readonly #keys = new Set<string>();
  readonly #tags = new Set<string>();
  readonly #patterns = new Set<string>();
  #isRunning = false;
  #running: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  #failures = 0;
  #closed = false;

  /** Creates an empty one. */
  constructor(settings: OutboxSettings) {
    this.#settings = settings;
  }

  /** How many wait: keys, tags and patterns. */
  get size(): number {
    return this.#keys.size + this.#tags.size + this.#patterns.size;
  }

  /** Publishes it, now or as soon as it can be. Never throws. */
  add(invalidation: Invalidation): void {
    if (this.#closed) return;
    this.#wait(invalidation);
    // Whoever adds has just reached the store, so there is no point in a pause.
    this.#start();
  }

  /** Takes nothing more, and resolves when what waits is published or could not be. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.size > 0) this.#start();
    await this.#running;
    this.#cancelRetry?.();
  }

  #wait(invalidation: Invalidation): void {
    if (this.#patterns.has(EVERYTHING)) return;
    if (invalidation.kind === "tag") this.#tags.add(invalidation.tag);
    else if (invalidation.kind === "pattern") this.#patterns.add(invalidation.pattern);
    else for (const key of invalidation.keys) this.#keys.add(key);
    if (this.size <= MAX_WAITING && !this.#patterns.has(EVERYTHING)) return;
    this.#keys.clear();
    this.#tags.clear();
    this.#patterns.clear();
    this.#patterns.add(EVERYTHING);
  }

  #start(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#running = this.#publishAll();
  }

  async #publishAll(): Promise<void> {
    const { channel, observer } = this.#settings;
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      try {
        await channel.publish(next);
        this.#failures = 0;
      } catch {
        this.#wait(next);
        this.#failures++;
        observer.count("cache.invalidation_delayed", 1);
        this.#scheduleRetry();
        break;
      }
    }
    // Not in a callback, before which something could be added that nobody would take.
    this.#isRunning = false;
  }

  #take(): Invalidation | undefined {
    const [pattern] = this.#patterns;
    if (pattern !== undefined) {
      this.#patterns.delete(pattern);
      return { kind: "pattern", pattern };
    }
    const [tag] = this.#tags;
    if (tag !== undefined) {
      this.#tags.delete(tag);
      return { kind: "tag", tag };
    }
    if (this.#keys.size === 0) return undefined;
    const keys: string[] = [];
    for (const key of this.#keys) {
      if (keys.push(key) === MAX_KEYS) break;
    }
    for (const key of keys) this.#keys.delete(key);
    return { kind: "key", keys };
  }

  #scheduleRetry(): void {
    if (this.#closed) return;
    const delayMs = pauseMs(this.#failures, RETRY_BACKOFF);
    this.#cancelRetry = this.#settings.clock.after(delayMs, () => this.#start(), {
      background: true,
    });
  }
}
