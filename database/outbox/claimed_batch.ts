import { settleWithin } from "../../core/call_options.ts";
import type { Clock } from "../../core/clock.ts";
import { InfrastructureError } from "../../core/errors.ts";
import type { Bulkhead } from "../../core/resilience/bulkhead.ts";
import type { OutboxEvent, OutboxPublisher } from "./outbox_event.ts";

/** An event in the hands of a relay. */
export interface ClaimedEvent {
  /** Where it is in the outbox. */
  readonly position: number;
  /** What the publisher gets. */
  readonly event: OutboxEvent;
}

/** An event that the publisher refused. */
export interface FailedEvent extends ClaimedEvent {
  /** What it was refused with. */
  readonly error: unknown;
}

/** What became of the events of a batch; each is in one of the lists. */
export interface BatchOutcome {
  /** The broker has them. */
  readonly published: ClaimedEvent[];
  /** The publisher refused them: at most one of each aggregate. */
  readonly failed: FailedEvent[];
  /** Not offered, or nobody waited for the answer. */
  readonly untouched: ClaimedEvent[];
}

/** How a batch is published. */
export interface BatchTerms {
  readonly publish: OutboxPublisher;
  /** How long one attempt may take, in milliseconds. */
  readonly publishTimeoutMs: number;
  /** How many aggregates are published at the same time. */
  readonly places: Bulkhead;
  /** How many that are. */
  readonly concurrency: number;
  /** Aborts when nothing of the batch may be published any more; running attempts are left alone then. */
  readonly signal: AbortSignal;
  /** Whether to begin nothing new. */
  readonly isStopping: () => boolean;
  readonly clock: Clock;
}

/**
 * Publishes events: those of one aggregate one after the other, up to the first that fails; those of
 * different aggregates at the same time. As long as something has failed and nothing has succeeded, it begins nothing
 * new, so that a broker that is down gets no more than the first few. Never rejects.
 */
export async function publishBatch(
  events: readonly ClaimedEvent[],
  terms: BatchTerms,
): Promise<BatchOutcome> {
  const outcome: BatchOutcome = { published: [], failed: [], untouched: [] };
  const lanes = lanesOf(events);
  const work = async (): Promise<void> => {
    const leave = await terms.places.enter(terms.signal).catch(() => () => {});
    for (let lane = lanes.pop(); lane; lane = lanes.pop()) await publishLane(lane, outcome, terms);
    leave();
  };
  const workers = Math.min(terms.concurrency, lanes.length);
  await Promise.all(Array.from({ length: workers }, work));
  return outcome;
}

/** The events of each aggregate; the oldest aggregate is the last. */
function lanesOf(events: readonly ClaimedEvent[]): ClaimedEvent[][] {
  const lanes = new Map<string, ClaimedEvent[]>();
  for (const claimed of events) {
    const { aggregateType, aggregateId } = claimed.event;
    const key = `${aggregateType.length} ${aggregateType} ${aggregateId}`;
    const lane = lanes.get(key);
    if (lane) lane.push(claimed);
    else lanes.set(key, [claimed]);
  }
  return [...lanes.values()].reverse();
}

async function publishLane(
  lane: readonly ClaimedEvent[],
  outcome: BatchOutcome,
  terms: BatchTerms,
): Promise<void> {
  for (let i = 0; i < lane.length; i++) {
    const claimed = lane[i]!;
    if (isOver(outcome, terms)) return void outcome.untouched.push(...lane.slice(i));
    const attempt = new Attempt();
    try {
      await attempt.run(claimed.event, terms);
      outcome.published.push(claimed);
    } catch (error) {
      if (attempt.interrupted) return void outcome.untouched.push(...lane.slice(i));
      outcome.failed.push({ ...claimed, error });
      return void outcome.untouched.push(...lane.slice(i + 1));
    }
  }
}

function isOver({ failed, published }: BatchOutcome, { signal, isStopping }: BatchTerms): boolean {
  if (isStopping() || signal.aborted) return true;
  return published.length === 0 && failed.length > 0;
}

/** One call of the publisher. */
class Attempt {
  /** Whether the batch ended before the publisher answered. */
  interrupted = false;
  #controller: AbortController | undefined;
  #reason: unknown;

  /** For the publisher. Made when it is asked for: many publishers never do. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  run(event: OutboxEvent, terms: BatchTerms): Promise<unknown> {
    const { publishTimeoutMs: timeoutMs, signal, clock } = terms;
    const answer = new Promise((resolve) => resolve(terms.publish(event, this)));
    return settleWithin(answer, { signal, defaultTimeoutMs: timeoutMs, clock }, (interruption) => {
      this.interrupted = interruption.kind === "aborted";
      const error = this.interrupted
        ? new Error("the claim has ended")
        : new InfrastructureError(`Cannot publish event: no answer within ${timeoutMs} ms`, {
          code: "timeout",
          operation: "publish event",
          retryable: true,
          outcome: "unknown",
        });
      this.#reason = error;
      this.#controller?.abort(error);
      return error;
    });
  }
}
