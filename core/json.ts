import { SerializationError, ValidationError } from "./errors.ts";
import { kindOf, memberPath } from "./shown_value.ts";
import { textFlaw } from "./validation.ts";

/** A value that survives JSON unchanged. */
export type JsonValue = string | number | boolean | null | JsonValue[] | {
  [key: string]: JsonValue;
};

/** How deep a value may nest; deeper ones overflow the stack of some readers. */
const MAX_DEPTH = 200;

const encoder = new TextEncoder();

/** How much of the path of such a value an error shows. */
const SHOWN_LEVELS = 8;

/**
 * Encodes a value as JSON that every store of this library returns unchanged.
 *
 * `undefined` members are left out, dates become ISO strings and -0 becomes 0 (as `JSON.stringify`
 * does). Refused with a {@linkcode ValidationError} that names the path below `field`: `NaN` and
 * infinities (JSON would turn them into `null`), `bigint`, functions, symbols, maps, sets and bytes
 * (JSON would drop their content), NUL and lone surrogates, a `__proto__` key, cycles and nesting
 * below 200 levels (of whose path the error names the beginning).
 *
 * ```ts
 * import { encodeJson, ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(encodeJson("metrics", { "pass@1": 0.82, note: undefined })); // {"pass@1":0.82}
 * try {
 *   encodeJson("metrics", { scores: [0.5, NaN] }); // JSON.stringify would write null
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // "metrics.scores[1]"
 * }
 * ```
 */
export function encodeJson(field: string, value: unknown): string {
  // Naming the path of every member costs more than encoding; it is done only where something is wrong.
  if (!isFit(value, 0)) checkJson(field, value, 0);
  const text = JSON.stringify(value);
  if (mayHoldUnfit(text)) checkJson(field, value, 0);
  return text;
}

/**
 * The same, for JSON that is sent: it must not take more than `maxBytes` in UTF-8 either, which a
 * {@linkcode ValidationError} says with the bytes that it takes.
 *
 * ```ts
 * import { encodeJsonWithin, ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * const event = { submissionId: "123", log: "x".repeat(2_000) };
 * try {
 *   encodeJsonWithin("data", event, 1_024); // as much as the server of an adapter takes
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.reason);
 *   // "it must take at most 1024 bytes as JSON, got 2031"
 * }
 * ```
 */
export function encodeJsonWithin(field: string, value: unknown, maxBytes: number): string {
  const text = encodeJson(field, value);
  // No character takes more than three for its length, so that little is encoded only to be counted.
  if (3 * text.length <= maxBytes) return text;
  const bytes = encoder.encode(text).length;
  if (bytes <= maxBytes) return text;
  throw new ValidationError(field, `it must take at most ${maxBytes} bytes as JSON, got ${bytes}`);
}

/**
 * Throws as {@linkcode encodeJson} does for a value, which the text was decoded to.
 *
 * ```ts
 * import {
 *   checkDecodedJson,
 *   decodeJson,
 *   ValidationError,
 * } from "@benchmark-exchange/infrastructure/core";
 *
 * const text = '{"model": "gpt\\u0000"}'; // from a server that others write to as well
 * const data = decodeJson(text, "receive event");
 * try {
 *   checkDecodedJson("data", data, text);
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.message);
 *   // "Cannot use data.model: it contains NUL"
 * }
 * ```
 */
export function checkDecodedJson(field: string, value: unknown, text: string): void {
  if (!isFit(value, 0) || mayHoldUnfit(text)) checkJson(field, value, 0);
}

/** The escapes of NUL and lone surrogates begin like this, and few others do. */
function mayHoldUnfit(text: string): boolean {
  return text.includes("\\u");
}

/**
 * Decodes JSON text; throws a {@linkcode SerializationError} that does not show the text.
 *
 * ```ts
 * import { decodeJson, SerializationError } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(decodeJson('{"score":0.9}', "read results")); // { score: 0.9 }
 * try {
 *   decodeJson("s3cr3t", "read results");
 * } catch (error) {
 *   console.log(error instanceof SerializationError && error.operation); // "read results"
 *   console.log(String(error).includes("s3cr3t")); // false: the error may be logged
 * }
 * ```
 */
export function decodeJson(text: string, operation: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SerializationError(
      `Cannot decode JSON of ${text.length} characters: it is malformed`,
      {
        operation,
      },
    );
  }
}

/** Whether `checkJson` accepts the value, as far as that does not depend on the text that is in it. */
function isFit(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object":
      return value === null || isFitObject(value, depth);
    default:
      return false;
  }
}

function isFitObject(value: object, depth: number): boolean {
  if (depth >= MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (!isFit(value[i], depth + 1)) return false;
    }
    return true;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return value instanceof Date && !Number.isNaN(value.getTime());
  }
  for (const key in value) {
    if (key === "__proto__") return false;
    // A key whose member is left out is not in the text.
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined ? textFlaw(key) !== undefined : !isFit(member, depth + 1)) {
      return false;
    }
  }
  return true;
}

function checkJson(path: string, value: unknown, depth: number): void {
  if (value === null || typeof value === "boolean") return;
  if (typeof value === "string") return checkString(path, value);
  if (typeof value === "number") {
    if (Number.isFinite(value)) return;
    throw new ValidationError(path, `it must be a finite number, got ${value}`);
  }
  if (typeof value !== "object") {
    throw new ValidationError(path, `JSON cannot hold it, got ${kindOf(value)}`);
  }
  if (depth >= MAX_DEPTH) {
    const why = `it is nested more than ${MAX_DEPTH} levels deep, or holds itself`;
    throw new ValidationError(beginningOf(path), why);
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) checkJson(`${path}[${i}]`, value[i], depth + 1);
    return;
  }
  if (value instanceof Date) return checkDate(path, value);
  checkRecord(path, value, depth);
}

/** The path of 200 levels would fill the log, and the way into a cycle is at its beginning. */
function beginningOf(path: string): string {
  return `${path.split(/(?=[.[])/).slice(0, SHOWN_LEVELS).join("")}…`;
}

function checkRecord(path: string, value: object, depth: number): void {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const name = value.constructor?.name ?? "an unknown class";
    throw new ValidationError(path, `it must be a plain object, got ${name}`);
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") {
      throw new ValidationError(path, "it must not have a key named __proto__");
    }
    checkString(`${path} key`, key);
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) checkJson(memberPath(path, key), member, depth + 1);
  }
}

function checkDate(path: string, value: Date): void {
  if (Number.isNaN(value.getTime())) throw new ValidationError(path, "it must be a valid date");
}

function checkString(path: string, value: string): void {
  const flaw = textFlaw(value);
  if (flaw) throw new ValidationError(path, `it ${flaw}`);
}
