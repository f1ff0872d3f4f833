import { sql } from "kysely";
import type { CallOptions } from "../../core/call_options.ts";
import { encodeJson } from "../../core/json.ts";
import type { BenchmarkChanges } from "../../domain/benchmark.ts";
import { arrayLiteral } from "../array_literal.ts";
import type { Database } from "../database.ts";
import { type Statement, statement, type StatementInfo } from "../statement.ts";
import {
  type BenchmarkRow,
  type BenchmarkTarget,
  updateBenchmark,
} from "./benchmark_statements.ts";

/**
 * Replaces the maintainers of a benchmark; an array literal. Run it after {@linkcode updateBenchmark}
 * in a transaction: a statement that waits for the row itself would not see whom the other one added.
 */
const setMaintainers: Statement<{ id: string; maintainers: string }, object> = statement(
  "set maintainers of benchmark",
  {},
  (_, p: { id: string; maintainers: string }) =>
    sql<object>`
      with gone as (
        delete from benchmark_maintainers
        where benchmark_id = ${p.id} and user_id <> all(${p.maintainers}::text::uuid[])
      )
      insert into benchmark_maintainers (benchmark_id, user_id)
      select ${p.id}::uuid, unnest(${p.maintainers}::text::uuid[]) on conflict do nothing`,
);

/** Every statement of this file, for `verify`. */
export const BENCHMARK_CHANGE_STATEMENTS: readonly StatementInfo[] = [setMaintainers];

/**
 * Changes what describes a benchmark. Returns it, or nothing if it is missing or has another
 * revision.
 */
export async function changeBenchmark(
  database: Database,
  target: BenchmarkTarget,
  { maintainers, ...columns }: BenchmarkChanges,
  { signal, timeoutMs }: CallOptions,
): Promise<BenchmarkRow[]> {
  const options = { signal, timeoutMs };
  const input = { ...target, changes: encodeJson("changes", columns) };
  if (maintainers === undefined) return await database.run(updateBenchmark, input, options);
  const list = { id: target.id, maintainers: arrayLiteral(maintainers) };
  return await database.transaction(async (transaction) => {
    const rows = await transaction.run(updateBenchmark, input);
    if (rows.length > 0) await transaction.run(setMaintainers, list);
    return rows.map((row) => ({ ...row, maintainers: [...maintainers].sort() }));
  }, options);
}
