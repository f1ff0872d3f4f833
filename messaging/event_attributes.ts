import { checkText } from "../core/validation.ts";
import { ValidationError } from "../core/errors.ts";
import type { EventAttributes } from "./messaging.ts";
import { newId } from "../core/new_id.ts";

/** The most headers of one event. */
const MAX_HEADERS = 20;

const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;
const HEADER_NAME = /^[a-z0-9]{1,20}$/;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
// W3C Trace Context, 3.2: version ff and ids of zeros only are invalid.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Names that a header cannot have, because the envelope means something by them. */
const RESERVED_HEADERS: readonly string[] = [
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
];

/** What a new event is about, for the attributes that its publisher did not give. */
export interface NewEvent {
  /** Where it is published. */
  readonly channel: string;
  /** What it holds. */
  readonly payload: unknown;
  /** Who says so. */
  readonly source: string;
  /** Now. */
  readonly time: Date;
}

/**
 * Returns the attributes of a new event: what its publisher gave, and for the rest the defaults that
 * `EventPublisher` states. Throws a {@linkcode ValidationError} that names what is malformed.
 */
export function completeAttributes(
  given: Partial<EventAttributes>,
  event: NewEvent,
): EventAttributes {
  return checkAttributes({
    id: given.id ?? newId(),
    type: given.type ?? typeOf(event.payload) ?? event.channel,
    source: given.source ?? event.source,
    time: given.time ?? event.time.toISOString(),
    correlationId: given.correlationId,
    partitionKey: given.partitionKey,
    traceparent: given.traceparent,
    tracestate: given.tracestate,
    headers: given.headers ?? {},
  });
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
  if (attributes.correlationId !== undefined) {
    checkPrintable("correlationId", attributes.correlationId, 200);
  }
  if (attributes.partitionKey !== undefined) {
    checkPrintable("partitionKey", attributes.partitionKey, 200);
  }
  checkTrace(attributes);
  checkHeaders(attributes.headers);
  return attributes;
}

/** Returns `value` if it can be the source of an event; throws a {@linkcode ValidationError} if not. */
export function checkSource(value: unknown): string {
  return checkPrintable("source", value, 500);
}

/** Whether `value` is a `traceparent` as W3C Trace Context says. */
export function isTraceparent(value: unknown): value is string {
  return typeof value === "string" && TRACEPARENT.test(value);
}

/** Whether `value` can stand as `tracestate` beside a `traceparent`. */
export function isTracestate(value: unknown): value is string {
  return typeof value === "string" && value.length <= 512 && PRINTABLE_ASCII.test(value);
}

function typeOf(payload: unknown): string | undefined {
  const type = (payload as { readonly type?: unknown } | null | undefined)?.type;
  return typeof type === "string" ? type : undefined;
}

function checkTime(time: unknown): void {
  const text = checkPrintable("time", time, 40);
  if (!RFC_3339.test(text) || Number.isNaN(Date.parse(text))) {
    throw new ValidationError("time", `it must be an RFC 3339 timestamp, got ${text}`);
  }
}

function checkTrace({ traceparent, tracestate }: EventAttributes): void {
  if (traceparent !== undefined && !isTraceparent(traceparent)) {
    throw new ValidationError("traceparent", "it must be as W3C Trace Context says");
  }
  if (tracestate === undefined) return;
  if (!isTracestate(tracestate)) {
    throw new ValidationError("tracestate", "it must have 1 to 512 printable ASCII characters");
  }
  if (traceparent === undefined) {
    throw new ValidationError("tracestate", "it means nothing without traceparent");
  }
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
    if (RESERVED_HEADERS.includes(name)) {
      throw new ValidationError(
        `headers.${name}`,
        "it must be given as the attribute of that name",
      );
    }
    checkPrintable(`headers.${name}`, value, 500);
  }
}

function checkPrintable(field: string, value: unknown, maxLength: number): string {
  const text = checkText(field, value, { maxLength });
  if (PRINTABLE_ASCII.test(text)) return text;
  throw new ValidationError(field, "it must have only printable ASCII characters");
}
