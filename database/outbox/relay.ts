import { pauseMs } from "../../core/backoff.ts";
import { type CallOptions, checkTimeout } from "../../core/call_options.ts";
import type { Page, PageRequest } from "../../core/page.ts";
import type { ChannelListener } from "../channel_listener.ts";
import type { DatabasePool } from "../database_pool.ts";
import { type DeadEvent, deadEvents, redriveEvents } from "./dead_events.ts";
import type { Claim } from "./event_claims.ts";
import { OUTBOX_CHANNEL } from "./insert_event.ts";
import type { OutboxPublisher } from "./outbox_event.ts";
import { type OutboxStats, outboxStats } from "./outbox_stats.ts";
import { checkRelayOptions, type OutboxRelayOptions, type RelaySettings } from "./relay_options.ts";
import { type BatchReport, RelayBatches, type RelayRun } from "./relay_run.ts";
import { WakeUp } from "./wake_up.ts";

/** One is published while the next is claimed. */
const MAX_BATCHES = 2;

/** How long to wait when another relay was in the way, in milliseconds. */
const CONTENDED_MS = 20;

/** The first pause after there was something to do, in milliseconds; the next ones double up to `pollMs`. */
const FIRST_IDLE_MS = 5;

/** How often the search begins at the oldest event, also while there is a backlog, in milliseconds. */
const RESTART_MS = 1_000;

/**
 * Takes events out of the outbox and hands them to a publisher, at least once each. Any number of relays can work on
 * one outbox, in any number of processes.
 *
 * - An event is deleted when its publisher has resolved. A relay that dies before is followed by another one when its
 *   lease is over, which publishes the event again, under the same id.
 * - The events of one aggregate are published one after the other in the order of their commits. One that fails holds
 *   back those after it, until it is published or dead.
 * - After `maxAttempts` failures of its own an event is dead: it stays with its last error until somebody calls
 *   {@linkcode OutboxRelay.redrive}, and those after it go on.
 * - If the publisher fails for everything, the broker is taken to be down: the relay pauses, and no attempt counts.
 *
 * ```ts
 * import { appendEvent, createPool, migrate, OutboxRelay } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * await using relay = new OutboxRelay(pool, async (event, { signal }) => {
 *   signal.throwIfAborted();
 *   console.log(event.aggregateType, event.type, event.payload);
 * });
 * relay.start();
 * await pool.transaction((tx) =>
 *   appendEvent(tx, { aggregateType: "order", aggregateId: "1", type: "Paid", payload: { cents: 100 } })
 * );
 * ```
 */
export class OutboxRelay implements AsyncDisposable {
  readonly #database: DatabasePool;
  readonly #settings: RelaySettings;
  readonly #batches: RelayBatches;
  readonly #wakeUp: WakeUp;
  readonly #running = new Set<Promise<unknown>>();
  #loop: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #stopping = false;
  #listener: ChannelListener | undefined;
  /** Where the search goes on. */
  #from = 0;
  #restartAtMs = -Infinity;
  /** Whether nothing was found since the search began at the oldest event. */
  #foundNothing = false;
  /** Batches and claims that failed since the last success. */
  #troubles = 0;
  #pausedUntilMs = -Infinity;
  #idleMs = FIRST_IDLE_MS;

  /** Does nothing before {@linkcode OutboxRelay.start}. Throws a `ValidationError` that names the option. */
  constructor(database: DatabasePool, publish: OutboxPublisher, options: OutboxRelayOptions = {}) {
    this.#database = database;
    this.#settings = checkRelayOptions(options);
    this.#batches = new RelayBatches(database, publish, this.#settings);
    this.#wakeUp = new WakeUp(this.#settings.clock);
  }

  /** Publishes from now on, also what waits already. Idempotent; without effect after {@linkcode OutboxRelay.close}. */
  start(): void {
    if (this.#loop || this.#stopping) return;
    const wake = (): void => {
      this.#idleMs = FIRST_IDLE_MS;
      this.#wakeUp.wake();
    };
    if (this.#settings.listen) {
      this.#listener = this.#database.listen(OUTBOX_CHANNEL, { onNotify: wake, onGap: wake });
    }
    this.#loop = this.#run();
  }

  /**
   * Publishes one batch from the oldest events, and returns what became of it; for schedulers, with or without
   * {@linkcode OutboxRelay.start}. Rejects with the error of the database.
   */
  async runOnce(options: CallOptions = {}): Promise<RelayRun> {
    const claimed = await this.#batches.claim(0, options);
    if (claimed.events.length === 0) return { published: 0, failed: 0, dead: 0, released: 0 };
    const { published, failed, dead, released } = await this.#track(this.#batches.publish(claimed));
    return { published, failed, dead, released };
  }

  /** How much waits, and for how long. */
  stats(options: CallOptions = {}): Promise<OutboxStats> {
    return outboxStats(this.#database, options);
  }

  /** The dead events, oldest first. */
  deadEvents(options: PageRequest & CallOptions = {}): Promise<Page<DeadEvent>> {
    return deadEvents(this.#database, options);
  }

  /**
   * Gives dead events all their attempts again, and returns how many of the ids were dead. Later events of their
   * aggregates may have been published meanwhile.
   */
  async redrive(ids: readonly string[], options: CallOptions = {}): Promise<number> {
    const count = await redriveEvents(this.#database, ids, options);
    this.#wakeUp.wake();
    return count;
  }

  /**
   * Claims nothing more, and waits up to `deadlineMs` for what the publisher has begun; gives everything else back, so
   * that other relays can go on at once. Idempotent.
   */
  close(deadlineMs = 10_000): Promise<void> {
    this.#closed ??= this.#close(checkTimeout(deadlineMs, "deadlineMs"));
    return this.#closed;
  }

  /** The same as {@linkcode OutboxRelay.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    this.#batches.stop();
    this.#wakeUp.wake();
    const cancel = this.#settings.clock.after(deadlineMs, () => this.#batches.abandon());
    await this.#loop;
    await Promise.allSettled(this.#running);
    cancel();
    await this.#listener?.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const idleMs = await this.#step();
      if (idleMs > 0 && !this.#stopping) await this.#wakeUp.wait(idleMs);
    }
  }

  /** Claims a batch and begins to publish it. Returns how long there is nothing to do. */
  async #step(): Promise<number> {
    const { pollMs, clock } = this.#settings;
    const pauseLeftMs = this.#pausedUntilMs - clock.monotonic();
    if (pauseLeftMs > 0) return pauseLeftMs;
    if (this.#running.size >= MAX_BATCHES) return pollMs;
    try {
      const claimed = await this.#batches.claim(this.#nextFrom());
      if (claimed.events.length === 0) return this.#afterNothing(claimed);
      this.#from = claimed.events.at(-1)!.position + 1;
      this.#foundNothing = false;
      this.#idleMs = FIRST_IDLE_MS;
      void this.#track(this.#batches.publish(claimed)).then(
        (report) => this.#learn(report),
        (error) => this.#pause("events of the outbox could not be marked", error),
      );
      return 0;
    } catch (error) {
      this.#pause("events of the outbox could not be claimed", error);
      return 0;
    }
  }

  #nextFrom(): number {
    const nowMs = this.#settings.clock.monotonic();
    if (nowMs >= this.#restartAtMs) {
      this.#restartAtMs = nowMs + RESTART_MS;
      this.#from = 0;
    }
    if (this.#from === 0) this.#foundNothing = true;
    return this.#from;
  }

  /** A claim came back empty; says how long to wait for the next one. */
  #afterNothing({ contended, next }: Claim): number {
    if (contended || this.#running.size > 0 || next === undefined) {
      const isDone = this.#foundNothing || this.#running.size > 0;
      this.#from = 0;
      if (contended) return CONTENDED_MS;
      return isDone ? this.#nextIdleMs() : 0;
    }
    // All of these wait for something; what comes after them may not.
    this.#from = next;
    return 0;
  }

  /** Not every commit is announced, but those that are not come soon after others. */
  #nextIdleMs(): number {
    const idleMs = Math.min(this.#idleMs, this.#settings.pollMs);
    this.#idleMs *= 2;
    return idleMs;
  }

  #track(batch: Promise<BatchReport>): Promise<BatchReport> {
    this.#running.add(batch);
    const done = (): void => {
      this.#running.delete(batch);
      this.#wakeUp.wake();
    };
    batch.then(done, done);
    return batch;
  }

  #learn({ outage, published, dueMs }: BatchReport): void {
    if (dueMs < this.#settings.pollMs) this.#wakeUp.wakeAfter(dueMs);
    if (outage) this.#pause("the publisher of the outbox refuses everything");
    else if (published > 0) this.#troubles = 0;
  }

  #pause(message: string, error?: unknown): void {
    const { backoff, clock, observer } = this.#settings;
    const delayMs = pauseMs(++this.#troubles, backoff);
    this.#pausedUntilMs = clock.monotonic() + delayMs;
    const code = String((error as { readonly code?: unknown } | undefined)?.code ?? "unavailable");
    observer.log({ level: "warn", message, attributes: { code, delayMs } });
  }
}
