import { ValidationError } from "../core/errors.ts";
import { checkInteger } from "../core/validation.ts";
import type { ByteRange } from "./storage.ts";

/** The bytes from `start` up to but not including `end`. */
export interface Span {
  /** The first byte. */
  readonly start: number;
  /** The byte after the last one. */
  readonly end: number;
}

/** Throws a `ValidationError` unless the range can lie in some object. */
export function checkRange(range: ByteRange | undefined): void {
  if (range === undefined) return;
  checkInteger("range.offset", range.offset, { min: 0 });
  if (range.length !== undefined) checkInteger("range.length", range.length, { min: 1 });
}

/** Where the range lies in an object of `size` bytes; throws a `ValidationError` if it begins beyond. */
export function locateRange(range: ByteRange | undefined, size: number): Span {
  if (range === undefined) return { start: 0, end: size };
  const { offset, length = size } = range;
  if (offset >= size) {
    throw new ValidationError(
      "range.offset",
      `it must lie within the ${size} bytes of the object, got ${offset}`,
    );
  }
  return { start: offset, end: Math.min(offset + length, size) };
}
