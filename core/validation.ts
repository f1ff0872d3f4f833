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
 *
 * ```ts
 * import { checkText, ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(checkText("model", "gpt-4o", { maxLength: 100 })); // "gpt-4o"
 * try {
 *   checkText("model", "gpt\0", { maxLength: 100 });
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.message);
 *   // "Cannot use model: it contains NUL"
 * }
 * ```
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

/**
 * Says what makes `text` unfit to be stored unchanged, or returns `undefined`.
 *
 * ```ts
 * import { textFlaw } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(textFlaw("a solution 🙂")); // undefined
 * console.log(textFlaw("a solution 🙂".slice(0, -1))); // "contains a lone surrogate"
 * ```
 */
export function textFlaw(text: string): string | undefined {
  if (text.includes("\0")) return "contains NUL";
  if (!text.isWellFormed()) return "contains a lone surrogate";
  return undefined;
}

/**
 * Names the first character of `text` that matches, such as `U+002A at position 5`, without showing
 * it: it may be a control character. Counts characters, not UTF-16 code units, from 1. Returns
 * `undefined` if none matches.
 *
 * ```ts
 * import { findCharacter } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(findCharacter("my key", /\s/)); // "U+0020 at position 3"
 * console.log(findCharacter("my-key", /\s/)); // undefined
 * ```
 */
export function findCharacter(text: string, forbidden: RegExp): string | undefined {
  const characters = Array.from(text);
  const index = characters.findIndex((character) => forbidden.test(character));
  const codePoint = characters[index]?.codePointAt(0);
  if (codePoint === undefined) return undefined;
  return `U+${codePoint.toString(16).toUpperCase().padStart(4, "0")} at position ${index + 1}`;
}

/**
 * Returns `value` if it is an integer in the range; throws a {@linkcode ValidationError} otherwise.
 *
 * ```ts
 * import { checkInteger, ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(checkInteger("limit", 50, { min: 1, max: 1_000 })); // 50
 * try {
 *   checkInteger("limit", 2.5, { min: 1, max: 1_000 });
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.reason);
 *   // "it must be an integer from 1 to 1000, got 2.5"
 * }
 * ```
 */
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

/**
 * Returns `value` if it is a finite number; throws a {@linkcode ValidationError} otherwise.
 *
 * ```ts
 * import { checkFinite, ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(checkFinite("score", 0.82)); // 0.82
 * try {
 *   checkFinite("score", 0 / 0); // the mean of no results
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.reason);
 *   // "it must be a finite number, got NaN"
 * }
 * ```
 */
export function checkFinite(field: string, value: unknown): number {
  if (Number.isFinite(value)) return value as number;
  throw new ValidationError(field, `it must be a finite number, got ${showValue(value)}`);
}

/**
 * Returns what `schema` makes of `value`. Throws a {@linkcode ValidationError} whose `field` is the
 * path of the first problem below `root`; values are never part of the text.
 *
 * ```ts
 * import { z } from "zod";
 * import { parseInput, ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * const submission = z.object({ model: z.string(), scores: z.array(z.number()) });
 * try {
 *   parseInput(submission, { model: "gpt-4o", scores: [0.5, "high"] }, "submission");
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.message);
 *   // "Cannot use submission.scores[1]: it must be a finite number, got string"
 * }
 * ```
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
