import { ValidationError } from "../core/errors.ts";
import { checkText } from "../core/validation.ts";

/** The longest key that Amazon S3 takes, in bytes of UTF-8. */
export const MAX_OBJECT_KEY_BYTES = 1_024;

/** What no key of a user may begin with: adapters keep there what is theirs. */
export const RESERVED_PREFIX = ".exchange/";

const BUCKET = /^[a-z0-9][a-z0-9.-]+[a-z0-9]$/;
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;

// Controls cannot travel in headers or logs; XML 1.0, in which S3 lists keys, has no U+FFFE and U+FFFF.
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/;

/**
 * Returns the bucket name if it keeps the rules of Amazon S3 ("Bucket naming rules"): 3 to 63
 * lower-case letters, digits, dots and hyphens, a letter or digit at both ends, no `..`, and not
 * of the form of an IP address. Throws a `ValidationError` that names `field` otherwise.
 *
 * ```ts
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 * import { checkBucket } from "@benchmark-exchange/infrastructure/storage";
 *
 * console.log(checkBucket("S3_BUCKET", "datasets-2026")); // "datasets-2026"
 * try {
 *   checkBucket("S3_BUCKET", "My_Data");
 * } catch (error) {
 *   if (error instanceof ValidationError) console.log(error.field); // "S3_BUCKET"
 * }
 * ```
 */
export function checkBucket(field: string, bucket: unknown): string {
  const name = checkText(field, bucket, { minLength: 3, maxLength: 63 });
  if (!BUCKET.test(name) || name.includes("..")) {
    throw new ValidationError(
      field,
      "it must have lower-case letters, digits, single dots and hyphens, and begin and end with " +
        "a letter or a digit",
    );
  }
  if (IPV4.test(name)) throw new ValidationError(field, "it must not look like an IP address");
  return name;
}

/**
 * Returns the key if every adapter can keep it unchanged. Throws a `ValidationError` that names
 * `field` if it is empty, longer than 1,024 bytes of UTF-8, has control characters, lone surrogates,
 * U+FFFE or U+FFFF, begins with `.exchange/`, which adapters use, or has a segment between slashes that is empty, `.` or `..`: HTTP clients fold such
 * segments away, which would lead to another object, or out of the bucket.
 *
 * ```ts
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 * import { checkObjectKey } from "@benchmark-exchange/infrastructure/storage";
 *
 * console.log(checkObjectKey("file", "submissions/s-1/results.json")); // what went in
 * try {
 *   checkObjectKey("file", "submissions/s-1/../s-2/results.json");
 * } catch (error) {
 *   if (error instanceof ValidationError) console.log(error.reason);
 *   // "it must not have a segment that is . or .."
 * }
 * ```
 */
export function checkObjectKey(field: string, key: unknown): string {
  const text = checkUnbroken(field, key, 1);
  if (text.startsWith(RESERVED_PREFIX)) {
    throw new ValidationError(
      field,
      `it must not begin with ${RESERVED_PREFIX}, which is reserved`,
    );
  }
  for (const segment of text.split("/")) {
    if (segment === "") {
      throw new ValidationError(
        field,
        "it must not begin or end with a slash or have two in a row",
      );
    }
    if (segment === "." || segment === "..") {
      throw new ValidationError(field, "it must not have a segment that is . or ..");
    }
  }
  return text;
}

/**
 * Returns the prefix if a key could begin with its characters; throws a `ValidationError` otherwise.
 *
 * ```ts
 * import { checkObjectPrefix } from "@benchmark-exchange/infrastructure/storage";
 *
 * console.log(checkObjectPrefix("prefix", "submissions/s-1/")); // the same; no key ends like that
 * console.log(checkObjectPrefix("prefix", "")); // "", which every key begins with
 * ```
 */
export function checkObjectPrefix(field: string, prefix: unknown): string {
  return checkUnbroken(field, prefix, 0);
}

/**
 * The UTF-8 bytes of a key as a string with one character for each byte, so that `<`,
 * `startsWith` and `slice` work on bytes. {@linkcode keyFromBytes} turns it back.
 */
export function keyToBytes(key: string): string {
  let bytes = "";
  for (const byte of new TextEncoder().encode(key)) bytes += String.fromCharCode(byte);
  return bytes;
}

/** Undoes {@linkcode keyToBytes}. */
export function keyFromBytes(bytes: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
    Uint8Array.from(bytes, (character) => character.charCodeAt(0)),
  );
}

function checkUnbroken(field: string, value: unknown, minLength: number): string {
  const text = checkText(field, value, { minLength, maxLength: MAX_OBJECT_KEY_BYTES });
  const length = new TextEncoder().encode(text).length;
  if (length > MAX_OBJECT_KEY_BYTES) {
    throw new ValidationError(
      field,
      `it must have at most ${MAX_OBJECT_KEY_BYTES} bytes of UTF-8, got ${length}`,
    );
  }
  if (UNPRINTABLE.test(text)) {
    throw new ValidationError(field, "it must not contain control characters, U+FFFE or U+FFFF");
  }
  return text;
}
