import { checkAttributes, isTraceparent, isTracestate } from "./event_attributes.ts";
import { decodeJson, encodeJson } from "../core/json.ts";
import { SerializationError, ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";
import { parseInput } from "../core/validation.ts";
import type { EventAttributes, Message } from "./messaging.ts";
import { UndecodableMessageError } from "./undecodable_message_error.ts";
import type { z } from "zod";

/** The largest payload unless an adapter says otherwise; with its attributes below NATS's 1 MiB. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 1_000_000;

/** More than the attributes of one event take, within the limits that they have. */
const MAX_ATTRIBUTE_BYTES = 32_768;

const SPEC_VERSION = "1.0";
const CONTENT_TYPE = "application/json";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Encodes an event for a bus that carries bytes: the JSON event format of CloudEvents 1.0, in UTF-8.
 * The attributes must have passed {@linkcode checkAttributes}.
 *
 * Throws a {@linkcode ValidationError} that names `payload`, or the member of it, when JSON cannot
 * hold it unchanged or takes more than `maxPayloadBytes` for it.
 */
export function encodeEnvelope(
  attributes: EventAttributes,
  payload: unknown,
  maxPayloadBytes: number = DEFAULT_MAX_PAYLOAD_BYTES,
): Uint8Array {
  const { id, type, source, time, correlationId, partitionKey, headers } = attributes;
  const head = JSON.stringify({
    specversion: SPEC_VERSION,
    id,
    type,
    source,
    time,
    correlationid: correlationId,
    partitionkey: partitionKey,
    traceparent: attributes.traceparent,
    tracestate: attributes.tracestate,
    ...headers,
    datacontenttype: CONTENT_TYPE,
  }).slice(0, -1);
  const before = `${head},"data":`;
  const bytes = encoder.encode(`${before}${encodeJson("payload", payload)}}`);
  // The attributes are ASCII, so their length in characters is their length in bytes.
  const payloadBytes = bytes.length - before.length - 1;
  if (payloadBytes > maxPayloadBytes) {
    throw new ValidationError(
      "payload",
      `it must take at most ${maxPayloadBytes} bytes as JSON, got ${payloadBytes}`,
    );
  }
  return bytes;
}

/**
 * Decodes what arrived on a channel. What {@linkcode encodeEnvelope} would refuse is refused here by
 * the same rules, with an {@linkcode UndecodableMessageError} that keeps the bytes; only a malformed
 * trace context is dropped, as W3C asks, since it must not stop an event. `time`, which CloudEvents
 * leaves to the sender, has to be there. Other string attributes than ours become headers.
 */
export function decodeEnvelope(
  channel: string,
  bytes: Uint8Array,
  maxPayloadBytes: number = DEFAULT_MAX_PAYLOAD_BYTES,
): Message {
  try {
    const members = parseMembers(bytes, maxPayloadBytes);
    const message: Message = {
      ...readAttributes(members),
      channel,
      payload: encodeJson("data", members.data ?? null),
      deserialize: (schema) => deserialize(message, schema),
    };
    return message;
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new UndecodableMessageError(channel, bytes, error);
  }
}

type Members = Readonly<Record<string, unknown>>;

function parseMembers(bytes: Uint8Array, maxPayloadBytes: number): Members {
  const maxBytes = maxPayloadBytes + MAX_ATTRIBUTE_BYTES;
  if (bytes.length > maxBytes) {
    throw new ValidationError("bytes", `they must be at most ${maxBytes}, got ${bytes.length}`);
  }
  const value = parseJson(bytes);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ValidationError("bytes", `they must hold a JSON object, got ${kindOf(value)}`);
  }
  return value as Members;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return decodeJson(decoder.decode(bytes), "decode");
  } catch {
    // What the runtime says about the flaw quotes the text, which may hold a secret.
    throw new ValidationError("bytes", "they must be JSON in UTF-8");
  }
}

function readAttributes(members: Members): EventAttributes {
  const {
    specversion,
    id,
    type,
    source,
    time,
    correlationid,
    partitionkey,
    traceparent,
    tracestate,
    datacontenttype = CONTENT_TYPE,
    data: _data,
    ...headers
  } = members;
  if (specversion !== SPEC_VERSION) {
    throw new ValidationError("specversion", `it must be "${SPEC_VERSION}"`);
  }
  if (datacontenttype !== CONTENT_TYPE) {
    throw new ValidationError("datacontenttype", `it must be "${CONTENT_TYPE}"`);
  }
  const traced = isTraceparent(traceparent);
  // Whatever has another type than it should is refused by the check, not by these assertions.
  return checkAttributes({
    id: id as string,
    type: type as string,
    source: source as string,
    time: time as string,
    correlationId: correlationid as string | undefined,
    partitionKey: partitionkey as string | undefined,
    traceparent: traced ? traceparent : undefined,
    tracestate: traced && isTracestate(tracestate) ? tracestate : undefined,
    headers: headers as Record<string, string>,
  });
}

function deserialize<T>(message: Message, schema: z.ZodType<T>): T {
  const value = decodeJson(message.payload, "deserialize");
  try {
    return parseInput(schema, value, "payload", "deserialize");
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    const { id, channel } = message;
    throw new SerializationError(
      `Cannot deserialize message ${id} on ${channel}: ${error.field}: ${error.reason}`,
      { operation: "deserialize", cause: error },
    );
  }
}
