import type { z } from "zod";
import { DatabaseError } from "../../core/errors.ts";

/**
 * Returns a value of a `jsonb` column as its rules say. Throws a {@linkcode DatabaseError} with code
 * `corrupted` if it does not keep them: somebody wrote it past this library.
 */
export function parseStored<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const operation = `read ${what}`;
  throw new DatabaseError(`Cannot ${operation}: the stored JSON does not keep its rules`, {
    code: "corrupted",
    operation,
  });
}
