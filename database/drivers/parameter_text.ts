import { arrayLiteral } from "../array_literal.ts";

/**
 * The text of a value for a statement, as `pg` sends it: arrays are those of PostgreSQL, other objects JSON.
 * Throws what `Date` and `JSON` throw where a value has no text.
 */
export function parameterText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return byteaText(value);
  if (Array.isArray(value)) return arrayText(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function byteaText(bytes: Uint8Array): string {
  return `\\x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function arrayText(values: readonly unknown[]): string {
  return `{${values.map(elementText).join()}}`;
}

function elementText(value: unknown): string {
  return Array.isArray(value)
    ? arrayText(value)
    : arrayLiteral([parameterText(value)]).slice(1, -1);
}
