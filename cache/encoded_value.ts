import { encodeJson } from "../core/json.ts";
import { ValidationError } from "../core/errors.ts";

/** The largest value: bytes, or UTF-16 code units of JSON text. */
export const MAX_VALUE_LENGTH: number = 64 * 1024 * 1024;

/** A value as a store keeps it: JSON text, or bytes. */
export type EncodedValue = string | Uint8Array<ArrayBuffer>;

/**
 * Encodes a value by the rules of the port: `Uint8Array` (a `Buffer` too) as a copy of its bytes,
 * everything else as JSON. Throws a `ValidationError` that names the path below `field` for what JSON
 * would change (see `encodeJson`) and for what is above {@linkcode MAX_VALUE_LENGTH}.
 *
 * ```ts
 * import { encodeValue } from "@benchmark-exchange/infrastructure/cache";
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(encodeValue("value", { score: 0.9 })); // {"score":0.9}
 * console.log(encodeValue("value", new Uint8Array([1, 2])) instanceof Uint8Array); // true
 * try {
 *   encodeValue("value", { score: NaN });
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "value.score"
 * }
 * ```
 */
export function encodeValue(field: string, value: unknown): EncodedValue {
  if (value instanceof Uint8Array) {
    checkLength(field, value.length, "bytes");
    return new Uint8Array(value);
  }
  const text = encodeJson(field, value);
  checkLength(field, text.length, "characters of JSON");
  return text;
}

function checkLength(field: string, length: number, unit: string): void {
  if (length <= MAX_VALUE_LENGTH) return;
  throw new ValidationError(
    field,
    `it must have at most ${MAX_VALUE_LENGTH} ${unit}, got ${length}`,
  );
}
