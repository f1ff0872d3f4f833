import { ValidationError } from "../core/errors.ts";
import { checkKeyText } from "../core/key_text.ts";
import { kindOf } from "../core/shown_value.ts";

export { MAX_KEY_BYTES } from "../core/key_text.ts";

/** The most keys in one `mget` or entries in one `mset`. */
export const MAX_BATCH = 10_000;

const NOT_IN_PATTERN = /[\s\p{Cc}[\]\\]/u;
const NOT_IN_PART = /[\s\p{Cc}[\]\\*?:]/u;

/**
 * Returns the key if every adapter keeps it apart from all others: 1 to {@linkcode MAX_KEY_BYTES}
 * bytes, without whitespace, control characters, lone surrogates and `* ? [ ] \`. Throws a
 * {@linkcode ValidationError} that does not show the key otherwise: a key may hold a session id.
 *
 * ```ts
 * import { checkKey } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(checkKey("session:5e1f")); // "session:5e1f"
 * try {
 *   checkKey("session:5e1f*", "tag");
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "tag"
 *   console.log(String(error).includes("5e1f")); // false: the error may be logged
 * }
 * ```
 */
export function checkKey(key: unknown, field = "key"): string {
  return checkKeyText(field, key);
}

/**
 * The same as {@linkcode checkKey} for one part of a key, which has no `:` either.
 *
 * ```ts
 * import { checkKeyPart } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * const draftKey = (userId: string) => `draft:${checkKeyPart("userId", userId)}`;
 * console.log(draftKey("ada")); // "draft:ada"
 * try {
 *   draftKey("ada:1"); // the key would have one part more than it should
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "userId"
 * }
 * ```
 */
export function checkKeyPart(field: string, part: unknown): string {
  return checkKeyText(field, part, NOT_IN_PART);
}

/**
 * The same as {@linkcode checkKey} for a glob, which may have `*` and `?`.
 *
 * ```ts
 * import { checkPattern } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(checkPattern("leaderboard:2026-??:*")); // "leaderboard:2026-??:*"
 * try {
 *   checkPattern("leaderboard:[12]*"); // Redis knows sets of characters, the port does not
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "pattern"
 * }
 * ```
 */
export function checkPattern(pattern: unknown): string {
  return checkKeyText("pattern", pattern, NOT_IN_PATTERN);
}

/**
 * Returns how many there are, or throws a {@linkcode ValidationError} above {@linkcode MAX_BATCH}.
 *
 * ```ts
 * import { checkBatch, MAX_BATCH } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(checkBatch("keys", 250)); // 250
 * try {
 *   checkBatch("keys", MAX_BATCH + 1);
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "keys"
 * }
 * ```
 */
export function checkBatch(field: string, size: number): number {
  if (size <= MAX_BATCH) return size;
  throw new ValidationError(field, `there must be at most ${MAX_BATCH}, got ${size}`);
}

/**
 * Returns the keys if they are an array of at most {@linkcode MAX_BATCH}, each as {@linkcode checkKey} says.
 *
 * ```ts
 * import { checkKeys } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * const boards = new Map([["leaderboard:1", ["first"]]]);
 * const mget = (keys: readonly string[]) => checkKeys(keys).map((key) => boards.get(key));
 * console.log(mget(["leaderboard:1", "leaderboard:2"])); // [ [ "first" ], undefined ]
 * try {
 *   mget(["leaderboard:1", ""]);
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "keys[1]"
 * }
 * ```
 */
export function checkKeys(keys: unknown): readonly string[] {
  if (!Array.isArray(keys)) {
    throw new ValidationError("keys", `they must be an array, got ${kindOf(keys)}`);
  }
  checkBatch("keys", keys.length);
  keys.forEach((key, i) => checkKey(key, `keys[${i}]`));
  return keys;
}

/**
 * Returns the entries as an array if they are iterable, at most {@linkcode MAX_BATCH}, and each a key, as
 * {@linkcode checkKey} says, with a value.
 *
 * ```ts
 * import { checkEntries } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * const names = new Map([["benchmark:1", "HumanEval"], ["benchmark:2", "MBPP"]]);
 * console.log(checkEntries(names)[1]); // [ "benchmark:2", "MBPP" ]
 * try {
 *   checkEntries([["benchmark:1", "HumanEval"], ["two words", "MBPP"]]);
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "entries[1].key"
 * }
 * ```
 */
export function checkEntries(
  entries: unknown,
): readonly (readonly [key: string, value: unknown])[] {
  if (!isIterable(entries)) {
    throw new ValidationError("entries", `they must be iterable, got ${kindOf(entries)}`);
  }
  const all = [...entries];
  checkBatch("entries", all.length);
  return all.map((entry, i) => {
    if (!Array.isArray(entry)) {
      throw new ValidationError(
        `entries[${i}]`,
        `it must be a pair of key and value, got ${kindOf(entry)}`,
      );
    }
    return [checkKey(entry[0], `entries[${i}].key`), entry[1]] as const;
  });
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof (value as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] ===
    "function";
}
