// Generated from the migrated schema by `deno task schema`; a test fails when it drifts.
import type { ColumnType, Generated, GeneratedAlways } from "kysely";

/** The columns of `benchmark_maintainers`. */
export interface BenchmarkMaintainersTable {
  /** uuid */
  benchmark_id: string;
  /** uuid */
  user_id: string;
}

/** The columns of `benchmark_versions`. */
export interface BenchmarkVersionsTable {
  /** uuid */
  id: string;
  /** uuid */
  benchmark_id: string;
  /** text */
  version: string;
  /** text */
  precedence: string;
  /** text */
  changelog: Generated<string>;
  /** jsonb */
  evaluation: ColumnType<unknown, string, string>;
  /** jsonb */
  execution: ColumnType<unknown, string | undefined, string>;
  /** jsonb */
  datasets: ColumnType<unknown, string | undefined, string>;
  /** uuid */
  created_by: string;
  /** timestamptz */
  created_at: Generated<Date>;
  /** bool */
  higher_is_better: GeneratedAlways<boolean>;
  /** float8 */
  score_min: GeneratedAlways<number | null>;
  /** float8 */
  score_max: GeneratedAlways<number | null>;
}

/** The columns of `benchmarks`. */
export interface BenchmarksTable {
  /** uuid */
  id: string;
  /** text */
  slug: string;
  /** text */
  name: string;
  /** text */
  description: Generated<string>;
  /** text */
  category: string;
  /** text */
  status: Generated<string>;
  /** text */
  license: string | null;
  /** text */
  citation: string | null;
  /** _text */
  tags: Generated<string[]>;
  /** uuid */
  created_by: string;
  /** timestamptz */
  created_at: Generated<Date>;
  /** timestamptz */
  updated_at: Generated<Date>;
  /** int4 */
  revision: Generated<number>;
  /** tsvector */
  search_document: GeneratedAlways<string>;
}

/** The columns of `cursor_key`. */
export interface CursorKeyTable {
  /** bool */
  id: Generated<boolean>;
  /** text */
  key: string;
}

/** The columns of `exchange_migrations`. */
export interface ExchangeMigrationsTable {
  /** int4 */
  position: number;
  /** text */
  name: string;
  /** text */
  checksum: string;
  /** timestamptz */
  applied_at: Generated<Date>;
}

/** The columns of `inbox`. */
export interface InboxTable {
  /** text */
  consumer: string;
  /** text */
  event_id: string;
  /** timestamptz */
  processed_at: Generated<Date>;
}

/** The columns of `leaderboard_buckets`. */
export interface LeaderboardBucketsTable {
  /** uuid */
  version_id: string;
  /** int2 */
  level: number;
  /** int4 */
  bucket: number;
  /** int4 */
  models: number;
}

/** The columns of `leaderboard_entries`. */
export interface LeaderboardEntriesTable {
  /** uuid */
  model_key: string;
  /** uuid */
  version_id: string;
  /** int2 */
  level: number;
  /** int4 */
  bucket: number;
  /** int4 */
  previous_bucket: number | null;
  /** float8 */
  sort_score: number;
  /** timestamptz */
  submitted_at: Date;
  /** uuid */
  submission_id: string;
  /** json */
  entry: ColumnType<unknown, string, string>;
}

/** The columns of `organization_members`. */
export interface OrganizationMembersTable {
  /** uuid */
  organization_id: string;
  /** uuid */
  user_id: string;
  /** text */
  role: string;
  /** timestamptz */
  joined_at: Generated<Date>;
}

/** The columns of `organizations`. */
export interface OrganizationsTable {
  /** uuid */
  id: string;
  /** text */
  slug: string;
  /** text */
  name: string;
  /** text */
  type: string;
  /** text */
  description: string | null;
  /** text */
  website: string | null;
  /** bool */
  verified: Generated<boolean>;
  /** timestamptz */
  verified_at: Date | null;
  /** uuid */
  created_by: string;
  /** timestamptz */
  created_at: Generated<Date>;
  /** timestamptz */
  updated_at: Generated<Date>;
  /** timestamptz */
  deleted_at: Date | null;
  /** int4 */
  revision: Generated<number>;
}

/** The columns of `outbox_events`. */
export interface OutboxEventsTable {
  /** int8 */
  position: Generated<number>;
  /** uuid */
  id: Generated<string>;
  /** text */
  aggregate_type: string;
  /** text */
  aggregate_id: string;
  /** text */
  type: string;
  /** jsonb */
  payload: ColumnType<unknown, string, string>;
  /** timestamptz */
  time: Generated<Date>;
  /** text */
  correlation_id: string | null;
  /** text */
  traceparent: string | null;
  /** text */
  tracestate: string | null;
  /** int4 */
  attempts: Generated<number>;
  /** timestamptz */
  available_at: Generated<Date>;
  /** uuid */
  claimed_by: string | null;
  /** timestamptz */
  claimed_until: Date | null;
  /** text */
  last_error: string | null;
  /** timestamptz */
  dead_at: Date | null;
}

/** The columns of `submission_metrics`. */
export interface SubmissionMetricsTable {
  /** uuid */
  submission_id: string;
  /** text */
  name: string;
  /** float8 */
  value: number;
}

/** The columns of `submission_results`. */
export interface SubmissionResultsTable {
  /** uuid */
  submission_id: string;
  /** int4 */
  position: number;
  /** text */
  case_name: string;
  /** bool */
  passed: boolean | null;
  /** float8 */
  score: number | null;
  /** float8 */
  duration_ms: number | null;
  /** text */
  output: string | null;
}

/** The columns of `submissions`. */
export interface SubmissionsTable {
  /** uuid */
  id: string;
  /** uuid */
  version_id: string;
  /** uuid */
  benchmark_id: string;
  /** text */
  model_provider: string;
  /** text */
  model_name: string;
  /** text */
  model_version: Generated<string>;
  /** uuid */
  model_key: GeneratedAlways<string>;
  /** bool */
  model_official: Generated<boolean>;
  /** uuid */
  submitted_by: string;
  /** uuid */
  organization_id: string | null;
  /** bool */
  verified_provider: Generated<boolean>;
  /** text */
  status: string;
  /** float8 */
  score: number | null;
  /** float8 */
  sort_score: number | null;
  /** float8 */
  interval_low: number | null;
  /** float8 */
  interval_high: number | null;
  /** float8 */
  interval_level: number | null;
  /** text */
  failure: string | null;
  /** jsonb */
  execution: ColumnType<unknown, string | undefined, string>;
  /** text */
  verification: Generated<string>;
  /** uuid */
  verified_by: string | null;
  /** timestamptz */
  verified_at: Date | null;
  /** text */
  verification_notes: string | null;
  /** text */
  visibility: Generated<string>;
  /** timestamptz */
  created_at: Generated<Date>;
  /** timestamptz */
  updated_at: Generated<Date>;
  /** timestamptz */
  deleted_at: Date | null;
  /** int4 */
  revision: Generated<number>;
}

/** The columns of `test_cases`. */
export interface TestCasesTable {
  /** uuid */
  version_id: string;
  /** int4 */
  position: number;
  /** text */
  name: string;
  /** jsonb */
  input: ColumnType<unknown, string, string>;
  /** jsonb */
  expected: ColumnType<unknown, string | null | undefined, string | null>;
  /** text */
  evaluation_method: string;
  /** float8 */
  weight: Generated<number>;
  /** _text */
  tags: Generated<string[]>;
}

/** The columns of `users`. */
export interface UsersTable {
  /** uuid */
  id: string;
  /** text */
  email: string;
  /** text */
  username: string;
  /** text */
  display_name: string | null;
  /** text */
  role: Generated<string>;
  /** jsonb */
  profile: ColumnType<unknown, string | undefined, string>;
  /** text */
  password_hash: string | null;
  /** bool */
  email_verified: Generated<boolean>;
  /** timestamptz */
  last_active_at: Date | null;
  /** timestamptz */
  created_at: Generated<Date>;
  /** timestamptz */
  updated_at: Generated<Date>;
  /** timestamptz */
  deleted_at: Date | null;
  /** int4 */
  revision: Generated<number>;
}

/** Every table, for the query builder. */
export interface Schema {
  /** benchmark_maintainers */
  benchmark_maintainers: BenchmarkMaintainersTable;
  /** benchmark_versions */
  benchmark_versions: BenchmarkVersionsTable;
  /** benchmarks */
  benchmarks: BenchmarksTable;
  /** cursor_key */
  cursor_key: CursorKeyTable;
  /** exchange_migrations */
  exchange_migrations: ExchangeMigrationsTable;
  /** inbox */
  inbox: InboxTable;
  /** leaderboard_buckets */
  leaderboard_buckets: LeaderboardBucketsTable;
  /** leaderboard_entries */
  leaderboard_entries: LeaderboardEntriesTable;
  /** organization_members */
  organization_members: OrganizationMembersTable;
  /** organizations */
  organizations: OrganizationsTable;
  /** outbox_events */
  outbox_events: OutboxEventsTable;
  /** submission_metrics */
  submission_metrics: SubmissionMetricsTable;
  /** submission_results */
  submission_results: SubmissionResultsTable;
  /** submissions */
  submissions: SubmissionsTable;
  /** test_cases */
  test_cases: TestCasesTable;
  /** users */
  users: UsersTable;
}
