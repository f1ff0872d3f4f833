import { v7, validate } from "uuid";
import { ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";

/**
 * Makes an id: a UUID of version 7 (RFC 9562), which sorts by the time it was made. Made here,
 * because PostgreSQL has `uuidv7()` from version 18 only.
 */
export function newId(): string {
  return v7();
}

/** Returns `value` in lower case if it is a UUID; throws a {@linkcode ValidationError} that names `field` otherwise. */
export function checkId(field: string, value: unknown): string {
  if (typeof value === "string" && validate(value)) return value.toLowerCase();
  throw new ValidationError(field, `it must be a UUID, got ${kindOf(value)}`);
}
