/**
 * PostgreSQL: pool, transactions, migrations, repositories and locks.
 *
 * @module
 */

export * from "./channel_listener.ts";
export * from "./connection_pool.ts";
export * from "./connection_url.ts";
export * from "./create_pool.ts";
export * from "./cursor.ts";
export * from "./database.ts";
export * from "./database_pool.ts";
export * from "./driver.ts";
export * from "./migrations/migrations.ts";
export * from "./migrator.ts";
export * from "./outbox/append_event.ts";
export * from "./outbox/dead_events.ts";
export * from "./outbox/inbox.ts";
export * from "./outbox/outbox_event.ts";
export * from "./outbox/outbox_stats.ts";
export * from "./outbox/relay.ts";
export * from "./outbox/relay_options.ts";
export * from "./postgres_locks.ts";
export * from "./repositories/benchmark_list.ts";
export * from "./repositories/benchmark_repository.ts";
export * from "./repositories/leaderboard.ts";
export * from "./repositories/organization_repository.ts";
export * from "./repositories/repository_options.ts";
export * from "./repositories/revision.ts";
export * from "./repositories/submission_list.ts";
export * from "./repositories/submission_repository.ts";
export * from "./repositories/user_repository.ts";
export * from "./schema.ts";
export * from "./statement.ts";
export * from "./transaction.ts";
export * from "./verify.ts";
