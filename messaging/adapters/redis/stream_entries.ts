import type { Buffer } from "node:buffer";
import { ValidationError } from "../../../core/errors.ts";
import { decodeEnvelope } from "../../envelope.ts";
import type { StreamEntry, StreamRecord, StreamStart } from "../../streams.ts";

/** An entry as the server sends it: its id, and names and values of its fields in turn. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[] | null];

/** An entry, and where the server has it. */
export interface RedisEntry extends StreamEntry {
  /** Its id in the stream that it was read from. */
  readonly id: string;
  /** Whether that is the group's own stream, with what came again. */
  readonly isAgain: boolean;
}

const NO_BYTES = new Uint8Array();

/** The record in an entry of a channel's stream. What has no field `d` has no bytes, and so is no event. */
export function toRecord(channel: string, [id, fields]: RawEntry): StreamRecord {
  const bytes = fieldOf(fields, "d") ?? NO_BYTES;
  return { channel, position: id.toString(), bytes, decode: () => decode(channel, bytes) };
}

/** The entry in the stream of the channel, or in the group's own, which knows position and attempts. */
export function toEntry(
  channel: string,
  raw: RawEntry,
  isAgain: boolean,
  deliveries: number,
): RedisEntry {
  const [id, fields] = raw;
  const record = toRecord(channel, raw);
  if (!isAgain) return { ...record, id: record.position, isAgain, attempt: deliveries };
  const before = Number(fieldOf(fields, "a") ?? 0);
  const position = fieldOf(fields, "p")?.toString() ?? record.position;
  return { ...record, position, id: id.toString(), isAgain, attempt: before + deliveries };
}

/** The value of a field of an entry. */
export function fieldOf(fields: readonly Buffer[] | null, name: string): Buffer | undefined {
  for (let i = 0; fields && i < fields.length; i += 2) {
    if (fields[i]?.toString() === name) return fields[i + 1];
  }
  return undefined;
}

/** The id after which `from` begins, as the server takes it. */
export function startId(from: StreamStart): string {
  if (from === "beginning") return "0";
  if (from === "end") return "$";
  // The last id that the server could have given in the millisecond before.
  if ("since" in from) return `${Math.max(0, from.since.getTime() - 1)}-18446744073709551615`;
  if (/^\d{1,16}-\d{1,20}$/.test(from.after)) return from.after;
  throw new ValidationError("from.after", "it must be a position of this bus");
}

function decode(channel: string, bytes: Uint8Array): ReturnType<StreamRecord["decode"]> {
  return decodeEnvelope(channel, bytes, Infinity);
}
