import { sql } from "kysely";
import type { CallOptions } from "../../core/call_options.ts";
import { encodeJson } from "../../core/json.ts";
import { parseInput } from "../../core/validation.ts";
import {
  type BenchmarkChanges,
  type StatusReason,
  statusReasonSchema,
} from "../../domain/benchmark.ts";
import { arrayLiteral } from "../array_literal.ts";
import type { Database } from "../database.ts";
import { insertEvent, type RowEvent } from "../outbox/insert_event.ts";
import { type Statement, statement, type StatementInfo } from "../statement.ts";
import {
  BENCHMARK,
  BENCHMARK_COLUMNS,
  BENCHMARK_EVENT,
  type BenchmarkRow,
  type BenchmarkTarget,
  isTarget,
  type UpdateBenchmarkStatusInput,
} from "./benchmark_statements.ts";

/** Returns who moves a benchmark on and why, as a statement takes it; throws a `ValidationError` for what cannot be. */
export function checkReason(
  { changedBy, reason, successorId }: StatusReason,
): Pick<UpdateBenchmarkStatusInput, keyof StatusReason> {
  const why = { changedBy, reason, successorId };
  parseInput(statusReasonSchema, why, "options", "update benchmark status");
  return why;
}

/** The parameters of {@linkcode updateBenchmark}. */
interface UpdateBenchmarkInput extends BenchmarkTarget {
  /** JSON: the columns that change. */
  readonly changes: string;
  /** Whether the maintainers change, too. */
  readonly maintained: boolean;
  readonly events: boolean;
}

/** Returns the benchmark, or nothing if it is missing or has another revision. */
const updateBenchmark: Statement<UpdateBenchmarkInput, BenchmarkRow> = statement(
  "update benchmark",
  BENCHMARK_COLUMNS,
  (_, p: UpdateBenchmarkInput) =>
    // The row is locked before it is changed, to see what it was.
    sql<BenchmarkRow>`
      with old as (
        select b.id as old_id, b.name as old_name, b.description as old_description,
          b.category as old_category, b.license as old_license, b.citation as old_citation,
          b.tags as old_tags
        from benchmarks b where ${isTarget(p)} for no key update
      ), b as (
        update benchmarks as b set revision = b.revision + 1, updated_at = now(),
          (name, description, category, license, citation, tags) = (
            select c.name, c.description, c.category, c.license, c.citation, c.tags
            from jsonb_populate_record(b, ${p.changes}::text::jsonb) as c
          )
        from old where b.id = old_id returning b.*, old.*
      ), event as (${insertEvent(detailsChanged(p))}) select ${BENCHMARK} from b`,
);

function detailsChanged(p: UpdateBenchmarkInput): RowEvent {
  return {
    ...BENCHMARK_EVENT,
    type: "DetailsChanged",
    members: { benchmarkId: sql`id`, changedFields: sql`changed_fields` },
    from: sql`b, lateral (select array_remove(array[
        case when name <> old_name then 'name' end,
        case when description <> old_description then 'description' end,
        case when category <> old_category then 'category' end,
        case when license is distinct from old_license then 'license' end,
        case when citation is distinct from old_citation then 'citation' end,
        case when tags <> old_tags then 'tags' end,
        case when ${p.maintained}::bool then 'maintainers' end
      ], null) as changed_fields) as difference`,
    where: sql`changed_fields <> '{}'`,
    enabled: p.events,
  };
}

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
export const BENCHMARK_CHANGE_STATEMENTS: readonly StatementInfo[] = [
  updateBenchmark,
  setMaintainers,
];

/**
 * Changes what describes a benchmark. Returns it, or nothing if it is missing or has another
 * revision.
 */
export async function changeBenchmark(
  database: Database,
  target: BenchmarkTarget,
  { maintainers, ...columns }: BenchmarkChanges,
  events: boolean,
  { signal, timeoutMs }: CallOptions,
): Promise<BenchmarkRow[]> {
  const options = { signal, timeoutMs };
  const changes = encodeJson("changes", columns);
  const input = { ...target, changes, maintained: maintainers !== undefined, events };
  if (maintainers === undefined) return await database.run(updateBenchmark, input, options);
  const list = { id: target.id, maintainers: arrayLiteral(maintainers) };
  return await database.transaction(async (transaction) => {
    const rows = await transaction.run(updateBenchmark, input);
    if (rows.length > 0) await transaction.run(setMaintainers, list);
    return rows.map((row) => ({ ...row, maintainers: [...maintainers].sort() }));
  }, options);
}
