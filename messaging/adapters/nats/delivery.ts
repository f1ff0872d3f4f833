import type { Msg } from "@nats-io/transport-node";
import { decodeEnvelope } from "../../envelope.ts";
import type { StreamEntry, StreamRecord } from "../../streams.ts";

/** What the subject for the acknowledgement says about a delivery (NATS ADR-15). */
export interface DeliveryInfo {
  /** The stream. */
  readonly stream: string;
  /** The consumer. */
  readonly consumer: string;
  /** How often it was given out, from 1. */
  readonly attempt: number;
  /** Its place in the stream. */
  readonly sequence: number;
  /** The how manieth delivery of the consumer it is. */
  readonly delivery: number;
  /** How many messages are left for the consumer. */
  readonly pending: number;
}

/** An entry as its reader holds it. */
export interface Held extends DeliveryInfo {
  /** What the reader was given. */
  readonly entry: StreamEntry;
  /** Where it is settled; that of the newest delivery. */
  reply: string;
  /** When the reader last said that it is at work, by the monotonic clock. */
  signMs: number;
  /** Names its dead letter, so that a letter is kept once however often it is sent. */
  letterId?: string;
}

/** Says, in a message of the desk, where in the channel's stream the record is. */
export const POSITION_HEADER = "Exchange-Position";

/** Says, in a message of the desk, how many records the group lost; it stands for no record. */
export const LOST_HEADER = "Exchange-Lost";

/** Reads the subject for the acknowledgement; newer servers put the domain and the account before the stream. */
export function deliveryInfo(reply: string): DeliveryInfo {
  const tokens = reply.split(".");
  const [stream = "", consumer = "", ...numbers] = tokens.slice(tokens.length >= 11 ? 4 : 2);
  const [attempt = 1, sequence = 0, delivery = 0, , pending = 0] = numbers.map(Number);
  return { stream, consumer, attempt, sequence, delivery, pending };
}

/** A record of a channel. */
export function recordOf(channel: string, position: string, bytes: Uint8Array): StreamRecord {
  return { channel, position, bytes, decode: () => decodeEnvelope(channel, bytes, Infinity) };
}

/** A delivery as its reader holds it. */
export function heldOf(channel: string, message: Msg, nowMs: number): Held {
  const reply = message.reply ?? "";
  const info = deliveryInfo(reply);
  const position = message.headers?.get(POSITION_HEADER) || String(info.sequence);
  const { buffer, byteOffset, byteLength } = message.data;
  // Without the methods of a `Buffer`, which read and compare otherwise.
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const entry = { ...recordOf(channel, position, bytes), attempt: info.attempt };
  return { ...info, entry, reply, signMs: nowMs };
}
