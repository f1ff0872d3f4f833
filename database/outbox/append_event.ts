import { sql } from "kysely";
import type { CallOptions } from "../../core/call_options.ts";
import { encodeJsonWithin } from "../../core/json.ts";
import { checkPrintable } from "../../core/printable_text.ts";
import { checkTraceContext } from "../../core/trace_context.ts";
import { checkInteger } from "../../core/validation.ts";
import { checkId, newId } from "../../domain/ids.ts";
import type { Database } from "../database.ts";
import { type Statement, statement } from "../statement.ts";
import { WAKE } from "./insert_event.ts";
import type { NewOutboxEvent } from "./outbox_event.ts";

/** How {@linkcode appendEvent} works. */
export interface AppendOptions extends CallOptions {
  /**
   * The most bytes of JSON in UTF-8 that a payload has; that of the broker, so that it refuses nothing that is committed.
   * Default: 1,000,000.
   */
  readonly maxPayloadBytes?: number;
}

/** The largest payload unless told otherwise, as the buses of this library have it. */
const MAX_PAYLOAD_BYTES = 1_000_000;

/** The longest name or id of an event. */
const MAX_LENGTH = 200;

/** The parameters of {@linkcode insertOneEvent}. */
interface EventParameters {
  readonly id: string;
  readonly type: string;
  readonly aggregateType: string;
  readonly aggregateId: string;
  /** JSON. */
  readonly payload: string;
  readonly correlationId: string | undefined;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/** Inserts an event of somebody else's making. */
export const insertOneEvent: Statement<EventParameters, object> = statement(
  "append event",
  {},
  (_, p: EventParameters) =>
    sql<object>`
      with event as (
        insert into outbox_events (
          id, aggregate_type, aggregate_id, type, payload, correlation_id, traceparent, tracestate
        ) values (
          ${p.id}::uuid, ${p.aggregateType}, ${p.aggregateId}, ${p.type},
          ${p.payload}::text::jsonb, ${p.correlationId}, ${p.traceparent}, ${p.tracestate}
        ) returning ${WAKE}
      ) select from event`,
);

/**
 * Writes an event into the outbox, and returns its id. Give it the transaction of the change that it tells of, after
 * the change: both are committed, or none. Inside one aggregate, events are published in the order of the
 * commits if every transaction locks the aggregate (by changing its row, say) before it appends.
 *
 * Throws a {@linkcode ValidationError} that names the field before anything is sent, also for a payload that is too large.
 *
 * ```ts
 * import { appendEvent, type DatabasePool } from "@benchmark-exchange/infrastructure/database";
 *
 * async function maintain(pool: DatabasePool): Promise<void> {
 *   await pool.transaction(async (transaction) => {
 *     // What else the transaction changes is told only if it commits.
 *     await appendEvent(transaction, {
 *       type: "MaintenanceScheduled",
 *       aggregateType: "system",
 *       aggregateId: "database",
 *       payload: { at: "2026-01-01T00:00:00Z" },
 *     });
 *   });
 * }
 * ```
 */
export async function appendEvent(
  database: Database,
  event: NewOutboxEvent,
  options: AppendOptions = {},
): Promise<string> {
  const { maxPayloadBytes = MAX_PAYLOAD_BYTES, ...call } = options;
  checkInteger("maxPayloadBytes", maxPayloadBytes, { min: 1 });
  const parameters = toParameters(event, maxPayloadBytes);
  await database.run(insertOneEvent, parameters, call);
  return parameters.id;
}

function toParameters(event: NewOutboxEvent, maxPayloadBytes: number): EventParameters {
  const { id, correlationId, traceparent, tracestate } = event;
  checkTraceContext(event);
  return {
    id: id === undefined ? newId() : checkId("id", id),
    type: checkPrintable("type", event.type, MAX_LENGTH),
    aggregateType: checkPrintable("aggregateType", event.aggregateType, MAX_LENGTH),
    aggregateId: checkPrintable("aggregateId", event.aggregateId, MAX_LENGTH),
    payload: encodeJsonWithin("payload", event.payload, maxPayloadBytes),
    correlationId: correlationId === undefined
      ? undefined
      : checkPrintable("correlationId", correlationId, MAX_LENGTH),
    traceparent,
    tracestate,
  };
}
