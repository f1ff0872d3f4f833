import type { CallOptions } from "../../core/call_options.ts";
import { DatabaseError, NotFoundError } from "../../core/errors.ts";
import { checkInteger } from "../../core/validation.ts";

/** An update that must not overwrite what somebody else changed meanwhile. */
export interface UpdateOptions extends CallOptions {
  /**
   * The `revision` of what the caller saw. If it is no longer the current one, the update changes
   * nothing and fails with `conflict`. Absent: the last writer wins.
   */
  readonly expectedRevision?: number | undefined;
}

/**
 * Returns the revision as a statement takes it; throws a {@linkcode ValidationError} unless it can
 * be one.
 *
 * ```ts
 * import { checkRevision, type Database, type UpdateOptions } from "@benchmark-exchange/infrastructure/database";
 *
 * // For a table of your own; says whether the dataset had the revision that was expected.
 * async function rename(database: Database, id: string, name: string, options: UpdateOptions) {
 *   const { rowCount } = await database.execute(
 *     `update datasets set name = $3, revision = revision + 1
 *      where id = $1 and revision = coalesce($2, revision)`,
 *     [id, checkRevision(options), name],
 *   );
 *   return rowCount === 1;
 * }
 * ```
 */
export function checkRevision({ expectedRevision }: UpdateOptions): number | null {
  if (expectedRevision === undefined) return null;
  return checkInteger("expectedRevision", expectedRevision, { min: 1, max: 2 ** 31 - 1 });
}

/**
 * Returns the one row that an update gave back. Without one, throws a {@linkcode NotFoundError} or a
 * `conflict` that says both revisions. Where none was expected, the thing came into sight between the
 * update and the look after it, so the same call can succeed.
 *
 * ```ts
 * import { requireUpdated } from "@benchmark-exchange/infrastructure/database";
 *
 * const update = { resource: "dataset", operation: "rename dataset", expectedRevision: 3 };
 * const changed: { name: string }[] = []; // what the `returning` of an update gave: nothing
 * await requireUpdated(changed, { ...update, currentRevision: () => Promise.resolve(5) })
 *   .catch(({ code, message }) => console.log(code, message));
 * // conflict Cannot rename dataset: it changed meanwhile, expected revision 3, current revision 5
 * ```
 */
export async function requireUpdated<Row>(
  rows: readonly Row[],
  update: {
    /** What it is about, such as `organization`. */
    readonly resource: string;
    /** What it does, such as `update organization`. */
    readonly operation: string;
    /** As in {@linkcode UpdateOptions}. */
    readonly expectedRevision: number | undefined;
    /** Reads the current revision, or `undefined` if the thing does not exist. */
    readonly currentRevision: () => Promise<number | undefined>;
  },
): Promise<Row> {
  const [row] = rows;
  if (row !== undefined) return row;
  const { resource, operation, expectedRevision } = update;
  const current = await update.currentRevision();
  if (current === undefined) throw new NotFoundError(resource, { operation });
  const expected = expectedRevision === undefined ? "" : ` expected revision ${expectedRevision},`;
  throw new DatabaseError(
    `Cannot ${operation}: it changed meanwhile,${expected} current revision ${current}`,
    { code: "conflict", operation, retryable: expectedRevision === undefined },
  );
}
