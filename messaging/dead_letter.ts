import { z } from "zod";
import { decodeBase64, encodeBase64 } from "../core/base64.ts";
import { decodeJson } from "../core/json.ts";
import { parseInput } from "../core/validation.ts";
import { decodeEnvelope } from "./envelope.ts";
import type { NewDeadLetter } from "./stream_driver.ts";
import type { DeadLetter, Death, StreamEntry } from "./streams.ts";

/** What a stored letter is about, besides its bytes. */
export interface LetterPlace {
  /** Names the letter. */
  readonly id: string;
  /** Whose letter it is. */
  readonly channel: string;
  /** Whose letter it is. */
  readonly group: string;
}

const REASONS = ["undecodable", "handler_failed", "abandoned"] as const;

const MAX_ERROR_LENGTH = 1_000;

const letterSchema: z.ZodType<
  Omit<Death, "never"> & { position: string; at: string; data: string }
> = z
  .object({
    reason: z.enum(REASONS),
    error: z.string(),
    attempts: z.int(),
    position: z.string(),
    at: z.iso.datetime(),
    data: z.base64(),
  });

/** Why an entry dies, with a text for people that fits into a line. */
export function deathOf(reason: Death["reason"], error: unknown, attempts: number): Death {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { reason, error: cut(text), attempts };
}

/** Encodes a letter, for servers that keep bytes: JSON, in which the entry's bytes are in base64. */
export function encodeLetter(entry: StreamEntry, letter: NewDeadLetter): Uint8Array {
  const { reason, error, attempts, buriedAt } = letter;
  return new TextEncoder().encode(JSON.stringify({
    reason,
    error: cut(error),
    attempts,
    position: entry.position,
    at: buriedAt.toISOString(),
    data: encodeBase64(entry.bytes),
  }));
}

/** Decodes what {@linkcode encodeLetter} made. Throws a `ValidationError` or `SerializationError` for anything else. */
export function decodeLetter(place: LetterPlace, bytes: Uint8Array): DeadLetter {
  const json = decodeJson(new TextDecoder().decode(bytes), "read a dead letter");
  const { at, data, ...rest } = parseInput(letterSchema, json, "letter", "read a dead letter");
  const stored = decodeBase64(data);
  return {
    ...place,
    ...rest,
    buriedAt: new Date(at),
    bytes: stored,
    decode: () => decodeEnvelope(place.channel, stored, Infinity),
  };
}

/** Without what could break a line of a log. */
function cut(text: string): string {
  // deno-lint-ignore no-control-regex -- exactly these are meant
  return text.slice(0, MAX_ERROR_LENGTH).replace(/[\u0000-\u001f\u007f]+/g, " ").toWellFormed();
}
