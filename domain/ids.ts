import { validate } from "uuid";
import { ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";

export { newId } from "../core/new_id.ts";

/**
 * Returns `value` in lower case if it is a UUID; throws a {@linkcode ValidationError} that names `field` otherwise.
 *
 * ```ts
 * import { checkId } from "@benchmark-exchange/infrastructure/domain";
 *
 * const id = checkId("benchmarkId", "0193A5B2-7C1E-7D4F-8A90-1B2C3D4E5F60");
 * console.log(id); // 0193a5b2-7c1e-7d4f-8a90-1b2c3d4e5f60
 * try {
 *   checkId("benchmarkId", "humaneval");
 * } catch (error) {
 *   console.log((error as Error).message);
 *   // Cannot use benchmarkId: it must be a UUID, got string
 * }
 * ```
 */
export function checkId(field: string, value: unknown): string {
  if (typeof value === "string" && validate(value)) return value.toLowerCase();
  throw new ValidationError(field, `it must be a UUID, got ${kindOf(value)}`);
}
