import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { deflateRaw, inflateRaw } from "node:zlib";
import { type EncodedValue, MAX_VALUE_LENGTH } from "../../encoded_value.ts";

// What a key holds on the server. JSON text stands as it is, so that other programs can read it and
// the server can count with it. Everything else begins with NUL, which JSON text never does:
//
//   NUL L token                          somebody loads the value (a lease)
//   NUL N                                there is nothing, remembered
//   NUL V flags                payload   bytes, or compressed
//   NUL V flags record         payload   a value with a record; see `ValueRecord`
//
// token: 16 bytes. flags: one byte. record: token, 12 decimal digits of staleMs, 12 of loadMs, 8 of the length
// of the JSON of the tags, and that. The scripts of `scripts.ts` read the beginning of it.

/** What is known about a value besides the value. */
export interface ValueRecord {
  /** How long before the key expires the value becomes stale, in milliseconds. */
  readonly staleMs: number;
  /** How long its load took, in milliseconds. */
  readonly loadMs: number;
  /** The version of each tag when the load began. */
  readonly tags: Readonly<Record<string, string>>;
}

/** What a key holds. */
export type Stored =
  | { readonly kind: "lease"; readonly frame: Buffer }
  | { readonly kind: "nothing" }
  | { readonly kind: "value"; readonly value: EncodedValue; readonly record?: StoredRecord };

/** A record as it was read. */
export interface StoredRecord extends ValueRecord {
  /** The beginning of the frame, which tells this value from every other. */
  readonly head: Buffer;
}

const TOKEN_BYTES = 16;

/** NUL, kind, flags, token. */
const HEAD_BYTES = 3 + TOKEN_BYTES;

const IS_BYTES = 1;
const IS_COMPRESSED = 2;
const HAS_RECORD = 4;
const HAS_TAGS = 8;

/** Text up to this length is never compressed, which would only prolong it: the server counts with text as it is. */
const LONGEST_COUNTER = String(Number.MIN_SAFE_INTEGER).length;

/** Cloudflare's `workerd` refuses to expand anything if it may become longer than 128 MiB. */
const MAX_EXPANDED = globalThis.navigator?.userAgent === "Cloudflare-Workers"
  ? 128 * 1024 * 1024
  : Infinity;

// On Deno twice as fast as the `toString` of `Buffer`.
const decoder = new TextDecoder();

const compress = promisify(deflateRaw);
const decompress = promisify(inflateRaw);

/** The frame of a new lease. */
export function newLease(): Buffer {
  return Buffer.concat([Buffer.from("\0L"), newToken()]);
}

/** The frame of "there is nothing". */
export const NOTHING_FRAME: Buffer = Buffer.from("\0N");

function newToken(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
}

/** How to encode a value. */
export interface FrameOptions {
  /** From how many bytes on a value is compressed. */
  readonly compressAboveBytes: number;
  /** What to keep besides the value. */
  readonly record?: ValueRecord | undefined;
}

/** What the key is to hold. Text that needs no frame is returned at once, and as it is. */
export function encodeFrame(
  value: EncodedValue,
  { compressAboveBytes, record }: FrameOptions,
): string | Buffer | Promise<Buffer> {
  const isShort = typeof value === "string" && value.length <= LONGEST_COUNTER;
  if (value.length > compressAboveBytes && !isShort) return compressed(value, record);
  if (typeof value === "string" && !record) return value;
  return frame(value, 0, record);
}

async function compressed(value: EncodedValue, record: ValueRecord | undefined): Promise<Buffer> {
  const kind = typeof value === "string" ? 0 : IS_BYTES;
  return frame(await compress(value), kind | IS_COMPRESSED, record);
}

function frame(payload: EncodedValue, kind: number, record: ValueRecord | undefined): Buffer {
  const parts = [Buffer.from("\0V"), Buffer.alloc(1), Buffer.from(payload)];
  let flags = typeof payload === "string" || (kind & IS_COMPRESSED) ? kind : IS_BYTES;
  if (record) {
    const tags = Object.keys(record.tags).length > 0 ? JSON.stringify(record.tags) : "";
    flags |= HAS_RECORD | (tags === "" ? 0 : HAS_TAGS);
    const tagBytes = Buffer.from(tags);
    const numbers = digits(record.staleMs, 12) + digits(record.loadMs, 12) +
      digits(tagBytes.length, 8);
    parts.splice(2, 0, Buffer.from(newToken()), Buffer.from(numbers), tagBytes);
  }
  parts[1]?.writeUInt8(flags);
  return Buffer.concat(parts);
}

function digits(value: number, count: number): string {
  return String(Math.min(Math.round(value), 10 ** count - 1)).padStart(count, "0");
}

/**
 * Reads what a key holds; throws or rejects if it is damaged or of a version that is not known.
 * Compressed values are never expanded beyond {@linkcode MAX_VALUE_LENGTH}.
 */
export function decodeFrame(bytes: Buffer): Stored | Promise<Stored> {
  if (bytes[0] !== 0) return { kind: "value", value: textOf(bytes) };
  const kind = String.fromCharCode(bytes[1] ?? 0);
  if (kind === "N" && bytes.length === 2) return { kind: "nothing" };
  if (kind === "L" && bytes.length === 2 + TOKEN_BYTES) {
    return { kind: "lease", frame: Buffer.from(bytes) };
  }
  if (kind !== "V") throw new TypeError("the frame is of a kind that is not known");
  const flags = bytes.readUInt8(2);
  const { record, end } = flags & HAS_RECORD ? readRecord(bytes) : { record: undefined, end: 3 };
  const payload = bytes.subarray(end);
  if (flags & IS_COMPRESSED) return expanded(payload, flags, record);
  return value(flags & IS_BYTES ? copy(payload) : textOf(payload), record);
}

async function expanded(
  payload: Buffer,
  flags: number,
  record: StoredRecord | undefined,
): Promise<Stored> {
  // A text of that many characters takes at most three times as many bytes.
  const maxOutputLength = Math.min(MAX_VALUE_LENGTH * (flags & IS_BYTES ? 1 : 3), MAX_EXPANDED);
  const bytes = await decompress(payload, { maxOutputLength });
  return value(flags & IS_BYTES ? copy(bytes) : textOf(bytes), record);
}

function value(value: EncodedValue, record: StoredRecord | undefined): Stored {
  return record ? { kind: "value", value, record } : { kind: "value", value };
}

function readRecord(bytes: Buffer): { record: StoredRecord; end: number } {
  const text = bytes.toString("latin1", HEAD_BYTES, HEAD_BYTES + 32);
  if (!/^\d{32}$/.test(text)) throw new TypeError("the record is damaged");
  const start = HEAD_BYTES + 32;
  const end = start + Number(text.slice(24));
  const tags = end === start ? {} : readTags(bytes.toString("utf8", start, end));
  const record = {
    head: Buffer.from(bytes.subarray(0, HEAD_BYTES)),
    staleMs: Number(text.slice(0, 12)),
    loadMs: Number(text.slice(12, 24)),
    tags,
  };
  return { record, end };
}

function readTags(text: string): Record<string, string> {
  const tags: unknown = JSON.parse(text);
  const isRecord = typeof tags === "object" && tags !== null && !Array.isArray(tags);
  if (isRecord && Object.values(tags).every((version) => typeof version === "string")) {
    return tags as Record<string, string>;
  }
  throw new TypeError("the tags are damaged");
}

/** Decodes UTF-8. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function copy(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
