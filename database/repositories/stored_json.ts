import type { z } from "zod";
import { DatabaseError } from "../../core/errors.ts";

/**
 * Returns the JSON of a row as its type; throws `corrupted`, without showing it, if something else
 * than this library wrote it. Give a schema of types only, so that a stricter rule for new input
 * leaves old rows readable.
 */
export function parseStored<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const path = result.error.issues[0]?.path.join(".") || "it";
  throw new DatabaseError(`Cannot read ${what}: ${path} is malformed`, {
    code: "corrupted",
    operation: `read ${what}`,
  });
}
