import { validate } from "uuid";
import { ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";

export { newId } from "../core/new_id.ts";

/** Returns `value` in lower case if it is a UUID; throws a {@linkcode ValidationError} that names `field` otherwise. */
export function checkId(field: string, value: unknown): string {
  if (typeof value === "string" && validate(value)) return value.toLowerCase();
  throw new ValidationError(field, `it must be a UUID, got ${kindOf(value)}`);
}
