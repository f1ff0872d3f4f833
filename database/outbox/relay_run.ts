import { pauseMs } from "../../core/backoff.ts";
import type { CallOptions } from "../../core/call_options.ts";
import { Bulkhead } from "../../core/resilience/bulkhead.ts";
import { arrayLiteral } from "../array_literal.ts";
import type { Database } from "../database.ts";
import { type BatchOutcome, type FailedEvent, publishBatch } from "./claimed_batch.ts";
import { type Claim, claim, positionsOf } from "./event_claims.ts";
import { errorText, judgeFailures } from "./judge_failures.ts";
import type { OutboxPublisher } from "./outbox_event.ts";
import type { RelaySettings } from "./relay_options.ts";

/** What became of a batch. */
export interface RelayRun {
  /** How many events the broker has. */
  readonly published: number;
  /** How many are tried again later. */
  readonly failed: number;
  /** How many are dead now. */
  readonly dead: number;
  /** How many were given back as they were. */
  readonly released: number;
}

/** The same, with what the relay needs to go on. */
export interface BatchReport extends RelayRun {
  /** Whether the broker looks as if it were down. */
  readonly outage: boolean;
  /** When the first of the failed ones is due, in milliseconds. */
  readonly dueMs: number;
}

/** Publishes what is claimed, and writes down what became of it. */
export class RelayBatches {
  readonly #database: Database;
  readonly #publish: OutboxPublisher;
  readonly #settings: RelaySettings;
  readonly #places: Bulkhead;
  readonly #claims = new Set<Claim>();
  #stopping = false;
  #isSmall = false;

  /** Claims nothing yet. */
  constructor(database: Database, publish: OutboxPublisher, settings: RelaySettings) {
    this.#database = database;
    this.#publish = publish;
    this.#settings = settings;
    this.#places = new Bulkhead(settings.concurrency);
  }

  /** Claims what is next from a position on. */
  async claim(from: number, options: CallOptions = {}): Promise<Claim> {
    const how = { ...options, isSmall: this.#isSmall };
    const claimed = await claim(this.#database, from, this.#settings, how);
    this.#isSmall = from === 0 && claimed.next === undefined;
    return claimed;
  }

  /** Begins no further event from now on. */
  stop(): void {
    this.#stopping = true;
  }

  /** Waits for no publisher any more. */
  abandon(): void {
    for (const { lease } of this.#claims) lease.abort(new Error("the relay is closed"));
  }

  /** Publishes the events of a claim and ends it. Rejects only if the end could not be written. */
  async publish(claimed: Claim): Promise<BatchReport> {
    this.#claims.add(claimed);
    try {
      const outcome = await publishBatch(claimed.events, {
        publish: this.#publish,
        publishTimeoutMs: this.#settings.publishTimeoutMs,
        places: this.#places,
        concurrency: this.#settings.concurrency,
        signal: claimed.lease.signal,
        isStopping: () => this.#stopping,
        clock: this.#settings.clock,
      });
      if (claimed.lease.lost) this.#settings.observer.count("outbox.lease_lost", 1);
      return await this.#finish(claimed, outcome);
    } finally {
      this.#claims.delete(claimed);
    }
  }

  async #finish(claimed: Claim, outcome: BatchOutcome): Promise<BatchReport> {
    const { backoff, maxAttempts } = this.#settings;
    const { counted, spared } = judgeFailures(outcome);
    const isDead = ({ event }: FailedEvent): boolean => event.attempt >= maxAttempts;
    const pauses = counted.map(({ event }) => Math.round(pauseMs(event.attempt, backoff)));
    const released = [...outcome.untouched, ...spared];
    await claimed.finish({
      published: positionsOf(outcome.published),
      released: positionsOf(released),
      failed: positionsOf(counted),
      pauses: arrayLiteral(pauses),
      errors: arrayLiteral(counted.map(({ error }) => errorText(error))),
      dead: arrayLiteral(counted.map(isDead)),
    }, () => !this.#stopping);
    const dead = counted.filter(isDead).length;
    const report = {
      published: outcome.published.length,
      failed: counted.length - dead,
      dead,
      released: released.length,
      outage: spared.length > 0,
      dueMs: Math.min(...pauses, Infinity),
    };
    this.#tell(report, counted);
    return report;
  }

  #tell({ published, failed, dead, outage }: BatchReport, counted: readonly FailedEvent[]): void {
    const { observer, maxAttempts } = this.#settings;
    if (published > 0) observer.count("outbox.published", published);
    if (failed + dead > 0) observer.count("outbox.failed", failed + dead);
    if (outage) observer.count("outbox.outage", 1);
    if (dead === 0) return;
    observer.count("outbox.dead", dead);
    for (const { event, error } of counted) {
      if (event.attempt < maxAttempts) continue;
      const { id, type, aggregateType } = event;
      const attributes = { id, type, aggregateType, error: errorText(error) };
      observer.log({ level: "error", message: "an event of the outbox is dead", attributes });
    }
  }
}
