import { z } from "zod";
import { parseInput } from "../../core/validation.ts";
import type { KeysetList } from "../keyset.ts";
import { queryBuilder } from "../query_builder.ts";
import type { Schema } from "../schema.ts";
import type { RowOf, StatementInfo } from "../statement.ts";
import { listStatements } from "./list_statement.ts";
import { RESULT_COLUMNS } from "./submission_rows.ts";

/** The case results of a submission, in their order; throws a {@linkcode ValidationError} for a bad `passed`. */
export function resultList(
  submissionId: string,
  passed: boolean | undefined,
): KeysetList<Schema, "submission_results", RowOf<typeof RESULT_COLUMNS>> {
  parseInput(z.boolean().optional(), passed, "passed", "list results");
  const columns = Object.keys(RESULT_COLUMNS) as (keyof typeof RESULT_COLUMNS)[];
  let query = queryBuilder.selectFrom("submission_results").select(columns)
    .where("submission_id", "=", submissionId);
  if (passed !== undefined) query = query.where("passed", "=", passed);
  return {
    operation: "list results",
    columns: RESULT_COLUMNS,
    identity: ["results", submissionId, passed ?? null],
    query,
    sort: [{ column: "submission_results.position", type: "int4" }],
    descending: false,
  };
}

/** Every statement of this file, for `verify`. */
export const RESULT_LIST_STATEMENTS: readonly StatementInfo[] = [
  ...listStatements(() => resultList("", true)),
];
