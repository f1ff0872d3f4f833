import { ValidationError } from "./errors.ts";
import { checkText } from "./validation.ts";

const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;

/** Whether `value` is a text of printable ASCII characters that is not longer than `maxLength`, and not empty. */
export function isPrintable(value: unknown, maxLength: number): value is string {
  return typeof value === "string" && value.length <= maxLength && PRINTABLE_ASCII.test(value);
}

/**
 * Returns the text, which headers, logs and every protocol can carry. Throws a {@linkcode ValidationError} unless
 * {@linkcode isPrintable}.
 */
export function checkPrintable(field: string, value: unknown, maxLength: number): string {
  // Of every event there are four or more, and what has no other characters has no other flaw.
  if (isPrintable(value, maxLength)) return value;
  checkText(field, value, { maxLength });
  throw new ValidationError(field, "it must have only printable ASCII characters");
}
