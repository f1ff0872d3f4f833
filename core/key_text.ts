import { ValidationError } from "./errors.ts";
import { checkText, findCharacter } from "./validation.ts";

/** The longest key, in bytes of UTF-8, before an adapter adds its namespace. */
export const MAX_KEY_BYTES = 512;

const NOT_IN_KEY = /[\s\p{Cc}[\]\\*?]/u;

/**
 * Returns `value` if every store keeps it apart from all others: 1 to {@linkcode MAX_KEY_BYTES} bytes, without
 * lone surrogates and without what `forbidden` matches; by default whitespace, control characters and
 * `* ? [ ] \`. Throws a {@linkcode ValidationError} that names `field` and does not show the value otherwise: a
 * key may hold a session id.
 */
export function checkKeyText(
  field: string,
  value: unknown,
  forbidden: RegExp = NOT_IN_KEY,
): string {
  const text = checkText(field, value, { maxLength: MAX_KEY_BYTES });
  checkBytes(field, text);
  if (!forbidden.test(text)) return text;
  throw new ValidationError(
    field,
    "whitespace, control and reserved characters have no place in it, got " +
      findCharacter(text, forbidden),
  );
}

function checkBytes(field: string, text: string): void {
  if (text.length * 3 <= MAX_KEY_BYTES) return; // A UTF-16 code unit takes at most three bytes.
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= MAX_KEY_BYTES) return;
  throw new ValidationError(field, `it must have at most ${MAX_KEY_BYTES} bytes, got ${bytes}`);
}
