/**
 * PostgreSQL: pool, transactions, migrations, repositories and locks.
 *
 * @module
 */

export { ChannelListener, type Listen, type ListenOptions } from "./channel_listener.ts";
export { type ConnectionPoolOptions, type PoolStats } from "./connection_pool.ts";
export * from "./connection_url.ts";
export * from "./create_pool.ts";
export * from "./cursor.ts";
export * from "./database.ts";
export * from "./database_pool.ts";
export * from "./driver.ts";
export * from "./migrations/migrations.ts";
export * from "./migrator.ts";
export { appendEvent, type AppendOptions } from "./outbox/append_event.ts";
export { type DeadEvent, deadEvents, redriveEvents } from "./outbox/dead_events.ts";
export { type Processed, processOnce, pruneInbox, type PruneOptions } from "./outbox/inbox.ts";
export * from "./outbox/outbox_event.ts";
export { type OutboxStats, outboxStats } from "./outbox/outbox_stats.ts";
export * from "./outbox/relay.ts";
export { type OutboxRelayOptions } from "./outbox/relay_options.ts";
export { type RelayRun } from "./outbox/relay_run.ts";
export * from "./postgres_locks.ts";
export {
  type BenchmarkListOptions,
  type BenchmarkSearchOptions,
  type BenchmarkSort,
} from "./repositories/benchmark_list.ts";
export * from "./repositories/benchmark_repository.ts";
export * from "./repositories/leaderboard.ts";
export { type MemberListOptions } from "./repositories/membership.ts";
export * from "./repositories/organization_repository.ts";
export * from "./repositories/repository_options.ts";
export * from "./repositories/revision.ts";
export {
  type SubmissionFilter,
  type SubmissionListOptions,
} from "./repositories/submission_list.ts";
export * from "./repositories/submission_repository.ts";
export * from "./repositories/user_repository.ts";
export * from "./schema.ts";
export {
  COLUMN_TYPE_IDS,
  type Columns,
  type ColumnType,
  type RowOf,
  type Statement,
  statement,
  type StatementInfo,
  type ValueOf,
} from "./statement.ts";
export { Transaction, type TransactionOptions, type TransactionSettings } from "./transaction.ts";
export * from "./verify.ts";
