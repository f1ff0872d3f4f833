import { checkAttributes, NO_HEADERS, RESERVED_HEADERS } from "./event_attributes.ts";
import { checkDecodedJson, decodeJson, encodeJson, encodeJsonWithin } from "../core/json.ts";
import { SerializationError, ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";
import { isTraceparent, isTracestate } from "../core/trace_context.ts";
import { parseInput } from "../core/validation.ts";
import type { EventAttributes, Message } from "./messaging.ts";
import { UndecodableMessageError } from "./undecodable_message_error.ts";
import type { z } from "zod";

/** The largest payload unless an adapter says otherwise; with its attributes below NATS's 1 MiB. */
export const DEFAULT_MAX_PAYLOAD_BYTES = 1_000_000;

/** More than the attributes of one event take, within the limits that they have. */
const MAX_ATTRIBUTE_BYTES = 32_768;

/** The longest payload of which the value is kept beside the text until somebody asks for it. */
const MAX_KEPT_LENGTH = 16_384;

const SPEC_VERSION = "1.0";
const CONTENT_TYPE = "application/json";

/** What stands between the attributes and the payload. */
const DATA = ',"data":';

/**
 * What {@linkcode encodeEnvelope} writes before the payload of most events. A JSON text of which it is the beginning has
 * these members, and texts of these characters stand for themselves.
 */
const COMMON_HEAD =
  /^\{"specversion":"1\.0","id":"([ !#-[\]-~]*)","type":"([ !#-[\]-~]*)","source":"([ !#-[\]-~]*)","time":"([ !#-[\]-~]*)"(?:,"partitionkey":"([ !#-[\]-~]*)")?,"datacontenttype":"application\/json","data":/;

const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Encodes an event for a bus: the JSON event format of CloudEvents 1.0. The attributes must have passed
 * {@linkcode checkAttributes}.
 *
 * Throws a {@linkcode ValidationError} that names `payload`, or the member of it, when JSON cannot
 * hold it unchanged or takes more than `maxPayloadBytes` for it, in UTF-8.
 *
 * ```ts
 * import { encodeEnvelope } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const event = {
 *   id: "e-1",
 *   type: "Scored",
 *   source: "/scoring",
 *   time: "2026-11-22T10:00:00.000Z",
 *   headers: {},
 * };
 * const json = encodeEnvelope(event, { submissionId: "s-1" });
 * console.log(JSON.parse(json).data); // { submissionId: "s-1" }
 * ```
 */
export function encodeEnvelope(
  attributes: EventAttributes,
  payload: unknown,
  maxPayloadBytes: number = DEFAULT_MAX_PAYLOAD_BYTES,
): string {
  const { id, type, source, time, headers } = attributes;
  const head = `{"specversion":"${SPEC_VERSION}"` +
    member("id", id) + member("type", type) + member("source", source) + member("time", time) +
    member("correlationid", attributes.correlationId) +
    member("partitionkey", attributes.partitionKey) +
    member("traceparent", attributes.traceparent) + member("tracestate", attributes.tracestate) +
    (headers === NO_HEADERS
      ? ""
      : Object.keys(headers).map((name) => member(name, headers[name])).join(""));
  const data = encodeJsonWithin("payload", payload, maxPayloadBytes);
  return `${head},"datacontenttype":"${CONTENT_TYPE}"${DATA}${data}}`;
}

/** Written piece by piece, because that takes a third of the time of an object with as many members. */
function member(name: string, value: string | undefined): string {
  return value === undefined ? "" : `,"${name}":${JSON.stringify(value)}`;
}

/**
 * Decodes what arrived on a channel. What {@linkcode encodeEnvelope} would refuse is refused here by
 * the same rules, with an {@linkcode UndecodableMessageError} that keeps the bytes; only a malformed
 * trace context is dropped, as W3C asks, since it must not stop an event. `time`, which CloudEvents
 * leaves to the sender, has to be there. Other string attributes than ours become headers.
 *
 * ```ts
 * import { decodeEnvelope } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const json = '{"specversion":"1.0","id":"e-1","type":"Scored","source":"/scoring",' +
 *   '"time":"2026-11-22T10:00:00Z","data":{"submissionId":"s-1"}}';
 * const message = decodeEnvelope("events:submission", new TextEncoder().encode(json));
 * console.log(message.type, message.payload); // Scored {"submissionId":"s-1"}
 * ```
 */
export function decodeEnvelope(
  channel: string,
  bytes: Uint8Array,
  maxPayloadBytes: number = DEFAULT_MAX_PAYLOAD_BYTES,
): Message {
  try {
    return toMessage(channel, parse(bytes, maxPayloadBytes));
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new UndecodableMessageError(channel, bytes, error);
  }
}

/** An envelope whose members have not been looked at. */
interface ParsedEnvelope {
  readonly members: Readonly<Record<string, unknown>>;
  /** JSON that has been checked. */
  readonly payload: string;
  /** What it says. */
  readonly data: unknown;
}

function parse(bytes: Uint8Array, maxPayloadBytes: number): ParsedEnvelope {
  const maxBytes = maxPayloadBytes + MAX_ATTRIBUTE_BYTES;
  if (bytes.length > maxBytes) {
    throw new ValidationError("bytes", `they must be at most ${maxBytes}, got ${bytes.length}`);
  }
  const text = decodeText(bytes);
  return parseInParts(text) ?? parseWhole(text);
}

/**
 * Of what {@linkcode encodeEnvelope} wrote, the payload is cut out, for writing it again costs as much as all else. Two
 * texts that are JSON each are the whole, whatever is in them; otherwise the whole has to be parsed.
 */
function parseInParts(text: string): ParsedEnvelope | undefined {
  if (!text.endsWith("}")) return undefined;
  try {
    const head = readHead(text);
    if (!head) return undefined;
    const payload = text.slice(head.length, -1);
    const data = JSON.parse(payload);
    checkDecodedJson("data", data, payload);
    return { members: head.members, payload, data };
  } catch (error) {
    if (error instanceof ValidationError) throw error;
    return undefined;
  }
}

/** What stands before the payload. Most heads are read by a pattern, which takes a third of the time. */
function readHead(text: string): Pick<ParsedEnvelope, "members"> & { length: number } | undefined {
  const common = COMMON_HEAD.exec(text);
  if (common) {
    const [{ length }, id, type, source, time, partitionkey] = common;
    return { members: { specversion: SPEC_VERSION, id, type, source, time, partitionkey }, length };
  }
  const at = text.indexOf(DATA);
  if (at < 0) return undefined;
  return { members: JSON.parse(`${text.slice(0, at)}}`), length: at + DATA.length };
}

function parseWhole(text: string): ParsedEnvelope {
  let value: unknown;
  try {
    value = decodeJson(text, "decode");
  } catch {
    throw notJson();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ValidationError("bytes", `they must hold a JSON object, got ${kindOf(value)}`);
  }
  const members = value as Record<string, unknown>;
  const data = members.data ?? null;
  return { members, payload: encodeJson("data", data), data };
}

/** To decode and check at once takes Deno four times as long as to decode and look for what malformed bytes become. */
function decodeText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  if (!text.includes("\ufffd")) return text;
  try {
    return strictDecoder.decode(bytes);
  } catch {
    throw notJson();
  }
}

/** What the runtime says about the flaw quotes the text, which may hold a secret. */
function notJson(): ValidationError {
  return new ValidationError("bytes", "they must be JSON in UTF-8");
}

function toMessage(channel: string, { members, payload, data }: ParsedEnvelope): Message {
  const { specversion, traceparent, tracestate, datacontenttype = CONTENT_TYPE } = members;
  if (specversion !== SPEC_VERSION) {
    throw new ValidationError("specversion", `it must be "${SPEC_VERSION}"`);
  }
  if (datacontenttype !== CONTENT_TYPE) {
    throw new ValidationError("datacontenttype", `it must be "${CONTENT_TYPE}"`);
  }
  const traced = isTraceparent(traceparent);
  // Most messages are deserialized once; the next who asks gets a value of his own.
  let first = payload.length <= MAX_KEPT_LENGTH ? { data } : undefined;
  const value = (): unknown => {
    const kept = first;
    first = undefined;
    return kept ? kept.data : decodeJson(payload, "deserialize");
  };
  // Whatever has another type than it should is refused by the check, not by these assertions.
  const message: Message = {
    id: members.id as string,
    type: members.type as string,
    source: members.source as string,
    time: members.time as string,
    correlationId: members.correlationid as string | undefined,
    partitionKey: members.partitionkey as string | undefined,
    traceparent: traced ? traceparent : undefined,
    tracestate: traced && isTracestate(tracestate) ? tracestate : undefined,
    headers: headersOf(members),
    channel,
    payload,
    deserialize: (schema) => deserialize(message, value(), schema),
  };
  checkAttributes(message);
  return message;
}

function headersOf(members: Readonly<Record<string, unknown>>): Record<string, string> {
  const names = Object.keys(members).filter((name) => !RESERVED_HEADERS.has(name));
  if (names.length === 0) return NO_HEADERS;
  return Object.fromEntries(names.map((name) => [name, members[name] as string]));
}

function deserialize<T>({ id, channel }: Message, value: unknown, schema: z.ZodType<T>): T {
  try {
    return parseInput(schema, value, "payload", "deserialize");
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    throw new SerializationError(
      `Cannot deserialize message ${id} on ${channel}: ${error.field}: ${error.reason}`,
      { operation: "deserialize", cause: error },
    );
  }
}
