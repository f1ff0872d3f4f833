import { ValidationError } from "./errors.ts";
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
 * without NUL (PostgreSQL refuses it), lone surrogates (drivers replace them silently) or a byte
 * order mark at the beginning (PGlite drops it silently).
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
  if (text.startsWith("\ufeff")) return "begins with a byte order mark";
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
    `it must be an integer from ${min} to ${max}, got ${show(value)}`,
  );
}

/** Returns `value` if it is a finite number; throws a {@linkcode ValidationError} otherwise. */
export function checkFinite(field: string, value: unknown): number {
  if (Number.isFinite(value)) return value as number;
  throw new ValidationError(field, `it must be a finite number, got ${show(value)}`);
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
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = (issue?.path ?? []).reduce<string>(
    (path, part) => typeof part === "number" ? `${path}[${part}]` : memberPath(path, String(part)),
    root,
  );
  throw new ValidationError(field, explain(issue), operation);
}

/** The texts of the schemas show no values; those of unknown keys show keys as they came. */
function explain(issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === "unrecognized_keys") return `it has no field ${showKey(issue.keys[0] ?? "")}`;
  return lowerFirst(issue?.message ?? "it is malformed");
}

/**
 * The path of a member, as errors name it. A key that could break a log line or fill it is not shown;
 * keys come from outside.
 */
export function memberPath(path: string, key: string): string {
  return path === "" ? showKey(key) : `${path}.${showKey(key)}`;
}

function showKey(key: string): string {
  return /^[\p{L}\p{N} _$-]{1,100}$/u.test(key) ? key : `<key of ${key.length} characters>`;
}

/** Names the kind of a value without showing it. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function show(value: unknown): string {
  return typeof value === "number" ? String(value) : kindOf(value);
}
