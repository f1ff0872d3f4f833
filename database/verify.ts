import type { CallOptions } from "../core/call_options.ts";
import { DatabaseError } from "../core/errors.ts";
import { readCursorKey } from "./cursor.ts";
import type { DatabasePool } from "./database_pool.ts";
import type { DriverColumn } from "./driver.ts";
import { insertOneEvent } from "./outbox/append_event.ts";
import { DEAD_EVENT_STATEMENTS } from "./outbox/dead_events.ts";
import { INBOX_STATEMENTS } from "./outbox/inbox.ts";
import { readStats } from "./outbox/outbox_stats.ts";
import { RELAY_STATEMENTS } from "./outbox/relay_statements.ts";
import { BENCHMARK_CHANGE_STATEMENTS } from "./repositories/benchmark_changes.ts";
import { BENCHMARK_LIST_STATEMENTS } from "./repositories/benchmark_list.ts";
import { BENCHMARK_STATEMENTS } from "./repositories/benchmark_statements.ts";
import { VERSION_STATEMENTS } from "./repositories/benchmark_version_statements.ts";
import { LEADERBOARD_STATEMENTS } from "./repositories/leaderboard_statements.ts";
import { MEMBERSHIP_STATEMENTS } from "./repositories/membership_statements.ts";
import { ORGANIZATION_STATEMENTS } from "./repositories/organization_statements.ts";
import { RESULT_LIST_STATEMENTS } from "./repositories/result_list.ts";
import { SUBMISSION_LIST_STATEMENTS } from "./repositories/submission_list.ts";
import { SUBMISSION_CHANGE_STATEMENTS } from "./repositories/submission_change_statements.ts";
import { SUBMISSION_STATEMENTS } from "./repositories/submission_statements.ts";
import { USER_STATEMENTS } from "./repositories/user_statements.ts";
import { TEST_CASE_STATEMENTS } from "./repositories/test_cases.ts";
import { COLUMN_TYPE_IDS, type StatementInfo } from "./statement.ts";

/** What {@linkcode verify} found. */
export interface VerifyReport {
  /** How many statements the server was given. */
  readonly statements: number;
  /** One sentence for each mismatch; empty if the schema is what this code expects. */
  readonly problems: readonly string[];
}

/** Every statement of the repositories; lists are built per call, so each stands with all its filters. */
function allStatements(): readonly StatementInfo[] {
  return [
    readCursorKey,
    insertOneEvent,
    readStats,
    ...RELAY_STATEMENTS,
    ...DEAD_EVENT_STATEMENTS,
    ...INBOX_STATEMENTS,
    ...USER_STATEMENTS,
    ...ORGANIZATION_STATEMENTS,
    ...MEMBERSHIP_STATEMENTS,
    ...BENCHMARK_STATEMENTS,
    ...BENCHMARK_CHANGE_STATEMENTS,
    ...BENCHMARK_LIST_STATEMENTS,
    ...VERSION_STATEMENTS,
    ...TEST_CASE_STATEMENTS,
    ...SUBMISSION_STATEMENTS,
    ...SUBMISSION_CHANGE_STATEMENTS,
    ...LEADERBOARD_STATEMENTS,
    ...SUBMISSION_LIST_STATEMENTS,
    ...RESULT_LIST_STATEMENTS,
  ];
}

/**
 * Has the server parse every statement of the repositories against the schema that it has, and
 * compares the names and types of their columns with what the code expects. Runs none of them. Rejects only
 * if the server cannot be asked. Through a Kysely dialect, types are not compared.
 *
 * ```ts
 * import { createPool, migrate, verify } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * const { problems } = await verify(pool);
 * if (problems.length > 0) throw new Error(problems.join("\n"));
 * await pool.close();
 * ```
 */
export async function verify(
  pool: DatabasePool,
  options: CallOptions = {},
): Promise<VerifyReport> {
  const statements = allStatements();
  const problems: string[] = [];
  for (const one of statements) {
    try {
      const found = await pool.describe(one.text, one.name, options);
      if (found && Object.keys(one.columns).length > 0) problems.push(...compare(one, found));
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.sqlState === undefined) throw error;
      problems.push(`${one.name}: the server refuses it with SQLSTATE ${error.sqlState}`);
    }
  }
  return { statements: statements.length, problems };
}

function compare({ name, columns }: StatementInfo, found: readonly DriverColumn[]): string[] {
  const types = new Map(found.map((column) => [column.name, column.typeId]));
  return Object.entries(columns).flatMap(([column, type]) => {
    const typeId = types.get(column);
    const expected = COLUMN_TYPE_IDS[type.replace("?", "") as keyof typeof COLUMN_TYPE_IDS];
    if (typeId === undefined) return [`${name}: it returns no column ${column}`];
    if (typeId === expected) return [];
    return [`${name}: column ${column} has type id ${typeId}, expected ${type} (${expected})`];
  });
}
