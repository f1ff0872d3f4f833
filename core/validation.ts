import { ValidationError } from "./errors.ts";
import { issueText } from "./issue_text.ts";
import { kindOf, memberPath, showValue } from "./shown_value.ts";
import type { z } from "zod";

/** Limits for {@linkcode checkText}. */
export interface TextLimits {
  /** The shortest length in UTF-16 code units. Default: 1. */
  readonly minLength?: number;
  /** The greatest length in UTF-16 code units. Default: 10,000. */
  readonly maxLength?: number;
}

/**
 * Returns `value` if every store of this library keeps it unchanged: a string within the limits,
 * without NUL (PostgreSQL refuses it) and without lone surrogates (drivers replace them silently).
 *
 * Throws a {@linkcode ValidationError} that names `field` otherwise.
 */
export function checkText(field: string, value: unknown, limits: TextLimits = {}): string {
  const { minLength = 1, maxLength = 10_000 } = limits;
  if (typeof value !== "string") {
    throw new ValidationError(field, `it must be a string, got ${kindOf(value)}`);
  }
  if (value.length < minLength || value.length > maxLength) {
    const range = `${minLength} to ${maxLength} characters`;
    throw new ValidationError(field, `it must have ${range}, got ${value.length}`);
  }
  const flaw = textFlaw(value);
  if (flaw) throw new ValidationError(field, `it ${flaw}`);
  return value;
}

/** Says what makes `text` unfit to be stored unchanged, or returns `undefined`. */
export function textFlaw(text: string): string | undefined {
  if (text.includes("\0")) return "contains NUL";
  if (!text.isWellFormed()) return "contains a lone surrogate";
  return undefined;
}

/**
 * Names the first character of `text` that matches, such as `U+002A at position 5`, without showing
 * it: it may be a control character. Counts characters, not UTF-16 code units, from 1. Returns
 * `undefined` if none matches.
 */
export function findCharacter(text: string, forbidden: RegExp): string | undefined {
  const characters = Array.from(text);
  const index = characters.findIndex((character) => forbidden.test(character));
  const codePoint = characters[index]?.codePointAt(0);
  if (codePoint === undefined) return undefined;
  return `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")} at position ${index + 1}`;
}

/** Returns `value` if it is an integer in the range; throws a {@linkcode ValidationError} otherwise. */
export function checkInteger(
  field: string,
  value: unknown,
  range: { readonly min: number; readonly max?: number },
): number {
  const { min, max = Number.MAX_SAFE_INTEGER } = range;
  if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) {
    return value as number;
  }
  throw new ValidationError(
    field,
    `it must be an integer from ${min} to ${max}, got ${showValue(value)}`,
  );
}

/** Returns `value` if it is a finite number; throws a {@linkcode ValidationError} otherwise. */
export function checkFinite(field: string, value: unknown): number {
  if (Number.isFinite(value)) return value as number;
  throw new ValidationError(field, `it must be a finite number, got ${showValue(value)}`);
}

/**
 * Returns what `schema` makes of `value`. Throws a {@linkcode ValidationError} whose `field` is the
 * path of the first problem below `root`; values are never part of the text.
 */
export function parseInput<T>(
  schema: z.ZodType<T>,
  value: unknown,
  root: string,
  operation?: string,
): T {
  const result = schema.safeParse(value, { error: issueText });
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = (issue?.path ?? []).reduce<string>(
    (path, part) => typeof part === "number" ? `${path}[${part}]` : memberPath(path, String(part)),
    root,
  );
  throw new ValidationError(field, issue?.message ?? "it is malformed", operation);
}
