import { compileGlob } from "../../glob.ts";
import type { Invalidation } from "../../invalidations.ts";

/** The text that says in a channel what became invalid. */
export function encodeInvalidation(invalidation: Invalidation): string {
  return JSON.stringify(invalidation);
}

/** What such a text says; `undefined` if it is damaged or of a version that is not known. */
export function decodeInvalidation(text: string): Invalidation | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { kind, keys, pattern, tag } = Object(message) as Record<string, unknown>;
  if (kind === "key" && areTexts(keys)) return { kind, keys };
  if (kind === "pattern" && isGlob(pattern)) return { kind, pattern };
  if (kind === "tag" && typeof tag === "string") return { kind, tag };
  return undefined;
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isGlob(value: unknown): value is string {
  try {
    compileGlob(value as string);
    return true;
  } catch {
    return false;
  }
}
