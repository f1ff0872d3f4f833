import { ValidationError } from "../core/errors.ts";
import { newId } from "../core/new_id.ts";
import { checkPrintable } from "../core/printable_text.ts";
import { checkTraceContext } from "../core/trace_context.ts";
import type { EventAttributes } from "./messaging.ts";

/** The most headers of one event. */
const MAX_HEADERS = 20;

const HEADER_NAME = /^[a-z0-9]{1,20}$/;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** The headers of an event that has none. */
export const NO_HEADERS: EventAttributes["headers"] = Object.freeze({});

/** The last time that was checked: events come in bursts, and to parse it costs as much as all other checks. */
let lastTime = "1970-01-01T00:00:00Z";

/** Names that a header cannot have, because the envelope means something by them. */
export const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  "specversion",
  "id",
  "type",
  "source",
  "time",
  "correlationid",
  "partitionkey",
  "traceparent",
  "tracestate",
  "datacontenttype",
  "data",
]);

/** What a new event is about, for the attributes that its publisher did not give. */
export interface NewEvent {
  /** Where it is published. */
  readonly channel: string;
  /** What it holds. */
  readonly payload: unknown;
  /** Who says so, checked. */
  readonly source: string;
  /** Now, in RFC 3339. */
  readonly time: string;
}

/**
 * Returns the attributes of a new event: what its publisher gave, and for the rest the defaults that
 * `EventPublisher` states. Throws a {@linkcode ValidationError} that names what is malformed.
 */
export function completeAttributes(
  given: Partial<EventAttributes>,
  event: NewEvent,
): EventAttributes {
  const { id, source, time, headers = NO_HEADERS } = given;
  const { correlationId, partitionKey, traceparent, tracestate } = given;
  const attributes = {
    id: id === undefined ? newId() : checkPrintable("id", id, 200),
    type: checkPrintable("type", given.type ?? typeOf(event.payload) ?? event.channel, 200),
    source: source === undefined ? event.source : checkSource(source),
    time: time === undefined ? event.time : checkTime(time),
    correlationId,
    partitionKey,
    traceparent,
    tracestate,
    headers,
  };
  checkOptional(attributes);
  return attributes;
}

/**
 * Returns the attributes if they keep the rules that {@linkcode EventAttributes} states, which are the
 * same for what is published and for what arrives. Throws a {@linkcode ValidationError} otherwise.
 */
export function checkAttributes(attributes: EventAttributes): EventAttributes {
  checkPrintable("id", attributes.id, 200);
  checkPrintable("type", attributes.type, 200);
  checkSource(attributes.source);
  checkTime(attributes.time);
  checkOptional(attributes);
  return attributes;
}

/** Returns `value` if it can be the source of an event; throws a {@linkcode ValidationError} if not. */
export function checkSource(value: unknown): string {
  return checkPrintable("source", value, 500);
}

function typeOf(payload: unknown): string | undefined {
  const type = (payload as { readonly type?: unknown } | null | undefined)?.type;
  return typeof type === "string" ? type : undefined;
}

function checkOptional(attributes: EventAttributes): void {
  const { correlationId, partitionKey, headers } = attributes;
  if (correlationId !== undefined) checkPrintable("correlationId", correlationId, 200);
  if (partitionKey !== undefined) checkPrintable("partitionKey", partitionKey, 200);
  checkTraceContext(attributes);
  if (headers !== NO_HEADERS) checkHeaders(headers);
}

function checkTime(time: unknown): string {
  if (time === lastTime) return lastTime;
  const text = checkPrintable("time", time, 40);
  if (RFC_3339.test(text) && !Number.isNaN(Date.parse(text))) return lastTime = text;
  throw new ValidationError("time", `it must be an RFC 3339 timestamp, got ${text}`);
}

function checkHeaders(headers: unknown): void {
  if (typeof headers !== "object" || headers === null) {
    throw new ValidationError("headers", "they must be an object of strings");
  }
  const entries = Object.entries(headers);
  if (entries.length > MAX_HEADERS) {
    throw new ValidationError(
      "headers",
      `they must be at most ${MAX_HEADERS}, got ${entries.length}`,
    );
  }
  for (const [name, value] of entries) {
    if (!HEADER_NAME.test(name)) {
      throw new ValidationError(
        "headers",
        "every name must be 1 to 20 lower-case ASCII letters and digits",
      );
    }
    if (RESERVED_HEADERS.has(name)) {
      throw new ValidationError(
        `headers.${name}`,
        "it must be given as the attribute of that name",
      );
    }
    checkPrintable(`headers.${name}`, value, 500);
  }
}
