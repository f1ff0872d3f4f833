import type { z } from "zod";
import { DatabaseError, ValidationError } from "../../core/errors.ts";
import { encodeJson } from "../../core/json.ts";

/** The longest JSON of a column, in characters. */
const MAX_LENGTH = 1_000_000;

/** Encodes a value for a column; throws a {@linkcode ValidationError} that names the path, also if it is too long. */
export function encodeStored(field: string, value: unknown): string {
  const text = encodeJson(field, value);
  if (text.length <= MAX_LENGTH) return text;
  throw new ValidationError(
    field,
    `it must have at most ${MAX_LENGTH} characters of JSON, got ${text.length}`,
  );
}

/**
 * Returns the JSON of a row as its type; throws `corrupted`, without showing it, if something else
 * than this library wrote it. Give a schema of types only, so that a stricter rule for new input
 * leaves old rows readable.
 */
export function parseStored<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const path = result.error.issues[0]?.path.join(".") || "it";
  throw new DatabaseError(`Cannot read ${what}: ${path} is malformed`, {
    code: "corrupted",
    operation: `read ${what}`,
  });
}
