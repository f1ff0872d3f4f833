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
 */
export function checkKey(key: unknown, field = "key"): string {
  return checkKeyText(field, key);
}

/** The same as {@linkcode checkKey} for one part of a key, which has no `:` either. */
export function checkKeyPart(field: string, part: unknown): string {
  return checkKeyText(field, part, NOT_IN_PART);
}

/** The same as {@linkcode checkKey} for a glob, which may have `*` and `?`. */
export function checkPattern(pattern: unknown): string {
  return checkKeyText("pattern", pattern, NOT_IN_PATTERN);
}

/** Returns how many there are, or throws a {@linkcode ValidationError} above {@linkcode MAX_BATCH}. */
export function checkBatch(field: string, size: number): number {
  if (size <= MAX_BATCH) return size;
  throw new ValidationError(field, `there must be at most ${MAX_BATCH}, got ${size}`);
}

/** Returns the keys if they are an array of at most {@linkcode MAX_BATCH}, each as {@linkcode checkKey} says. */
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
