import type { CallOptions } from "../core/call_options.ts";
import { checkSegment } from "./channel_rules.ts";
import { EventChannel } from "./event_channel.ts";
import type { EventPublisher } from "./messaging.ts";

/** A change that was committed, as the relay of the outbox hands it over. */
export interface ChangeEvent {
  /** The id of the event, the same at every attempt. */
  readonly id: string;
  /** What happened, such as `StatusChanged`. */
  readonly type: string;
  /** When. */
  readonly time: Date;
  /** What kind of thing changed, such as `benchmark`. */
  readonly aggregateType: string;
  /** Which one. */
  readonly aggregateId: string;
  /** The event itself. */
  readonly payload: unknown;
  /** What the change belongs to. */
  readonly correlationId?: string | undefined;
  /** The W3C trace context of the change. */
  readonly traceparent?: string | undefined;
  /** What belongs to `traceparent`. */
  readonly tracestate?: string | undefined;
}

const CHANNELS: Readonly<Record<string, string>> = {
  benchmark: EventChannel.BENCHMARK,
  submission: EventChannel.SUBMISSION,
  user: EventChannel.USER,
  organization: EventChannel.ORGANIZATION,
};

const SUBMISSION_CHANNELS: Readonly<Record<string, string>> = {
  VerificationStarted: EventChannel.VERIFICATION,
  VerificationCompleted: EventChannel.VERIFICATION,
  LeaderboardPositionChanged: EventChannel.LEADERBOARD,
};

/**
 * The channel of a change: that of its kind of thing, but verifications and ranks have their own. A kind of your own has
 * `events:<kind>`; throws a `ValidationError` if that cannot be one.
 *
 * ```ts
 * import { changeChannel } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const change = {
 *   id: "01936d5e-0000-7000-8000-000000000001",
 *   type: "VerificationCompleted",
 *   time: new Date(),
 *   aggregateType: "submission",
 *   aggregateId: "s-1",
 *   payload: {},
 * };
 * console.log(changeChannel(change)); // "events:verification"
 * console.log(changeChannel({ ...change, type: "Created" })); // "events:submission"
 * ```
 */
export function changeChannel({ aggregateType, type }: ChangeEvent): string {
  const own = aggregateType === "submission" ? SUBMISSION_CHANNELS[type] : undefined;
  return own ?? CHANNELS[aggregateType] ?? `events:${checkSegment("aggregateType", aggregateType)}`;
}

/**
 * Publishes a change to its channel, under its own id; the partition key is the id of what changed, so that a stream
 * keeps the order of its changes. Resolves when the bus has accepted it.
 *
 * ```ts
 * import { createPool, migrate, OutboxRelay } from "@benchmark-exchange/infrastructure/database";
 * import { MemoryStreamBus, publishChange } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * const bus = new MemoryStreamBus();
 * const relay = new OutboxRelay(pool, (event, call) => publishChange(bus, event, call));
 * relay.start(); // what repositories change is published from here on
 * await relay.close();
 * await Promise.all([bus.close(), pool.close()]);
 * ```
 */
export function publishChange(
  publisher: EventPublisher,
  change: ChangeEvent,
  options: CallOptions = {},
): Promise<string> {
  const { id, type, time, aggregateId, correlationId, traceparent, tracestate } = change;
  return publisher.publish(changeChannel(change), change.payload, {
    id,
    type,
    time: time.toISOString(),
    partitionKey: aggregateId,
    correlationId,
    traceparent,
    tracestate,
    ...options,
  });
}
