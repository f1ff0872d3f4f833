import { createHash } from "node:crypto";
import type { CallOptions } from "../core/call_options.ts";
import { systemClock } from "../core/clock.ts";
import { DatabaseError } from "../core/errors.ts";
import type { Database } from "./database.ts";
import { type Migration, MIGRATIONS } from "./migrations/migrations.ts";
import type { Transaction } from "./transaction.ts";

/** Where a database stands. */
export interface MigrationStatus {
  /** What was applied, in order. */
  readonly applied: readonly AppliedMigration[];
  /** The names of what {@linkcode migrate} would apply, in order. */
  readonly pending: readonly string[];
  /** Why {@linkcode migrate} would refuse; empty if it would not. */
  readonly problems: readonly string[];
}

/** A migration as the database remembers it. */
export interface AppliedMigration {
  /** Its name. */
  readonly name: string;
  /** The SHA-256 of its text, in hexadecimal. */
  readonly checksum: string;
  /** When it was committed. */
  readonly appliedAt: Date;
}

/** Which migrations to use, and who hears of them. */
export interface MigrateOptions extends CallOptions {
  /** Default: those of this library. */
  readonly migrations?: readonly Migration[];
  /** Hears of each migration when it is committed. What it throws ends {@linkcode migrate}. */
  readonly onApplied?: (migration: { readonly name: string; readonly durationMs: number }) => void;
}

/** Any number that no other user of advisory locks on the same database takes: "exchange" in ASCII. */
const LOCK_ID = "7311703294998374245";

/** Building an index on a large table takes its time. */
const TIMEOUT_MS = 600_000;

/**
 * Brings the schema up to date and returns the names of what it applied.
 *
 * Each migration is a transaction of its own: applied whole and remembered, or not at all. Processes
 * that migrate at the same time wait for each other, and each migration is applied once. Throws
 * `conflict`, having changed nothing, if an applied migration was edited, is unknown here, or comes after one that
 * was not applied. Needs no session state, so it works behind a pooler. Default deadline of each migration: 10 minutes.
 *
 * ```ts
 * import { createPool, migrate, migrationStatus } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * console.log(await migrate(pool)); // the names of what was applied
 * console.log(await migrationStatus(pool));
 * await pool.close();
 * ```
 */
export async function migrate(
  database: Database,
  options: MigrateOptions = {},
): Promise<readonly string[]> {
  const migrations = options.migrations ?? MIGRATIONS;
  const done: string[] = [];
  for (;;) {
    const startMs = systemClock.monotonic();
    const name = await database.transaction(
      (transaction) => applyNext(transaction, migrations),
      // Whatever the server's default is: what was committed before the lock was got must be seen.
      {
        isolation: "read committed",
        signal: options.signal,
        timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
      },
    );
    if (name === undefined) return done;
    done.push(name);
    options.onApplied?.({ name, durationMs: systemClock.monotonic() - startMs });
  }
}

/**
 * Says where the database stands, changing nothing.
 *
 * ```ts
 * import { createPool, migrationStatus } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * const { applied, pending, problems } = await migrationStatus(pool);
 * console.log(applied.length, pending[0], problems.length); // 0 0001_people 0
 * if (pending.length > 0) console.log("not ready: run the migrations first");
 * await pool.close();
 * ```
 */
export async function migrationStatus(
  database: Database,
  options: MigrateOptions = {},
): Promise<MigrationStatus> {
  const migrations = options.migrations ?? MIGRATIONS;
  const { rows } = await database.execute(
    "select to_regclass('exchange_migrations') is not null as found",
    [],
    options,
  );
  const applied = rows[0]?.["found"] === true ? await readApplied(database, options) : [];
  return compare(applied, migrations);
}

async function applyNext(
  transaction: Transaction,
  migrations: readonly Migration[],
): Promise<string | undefined> {
  await transaction.execute("set local statement_timeout = 0");
  // Whoever has the lock may take as long for a migration.
  await transaction.execute(`select pg_advisory_xact_lock(${LOCK_ID}::bigint)`, [], {
    timeoutMs: TIMEOUT_MS,
  });
  await transaction.execute(HISTORY_TABLE);
  const status = compare(await readApplied(transaction, {}), migrations);
  if (status.problems.length > 0) throw refusal(status.problems);
  const next = migrations.find(({ name }) => name === status.pending[0]);
  if (!next) return undefined;
  await transaction.execute(next.sql, [], { timeoutMs: TIMEOUT_MS });
  await transaction.execute(
    "insert into exchange_migrations (position, name, checksum) values ($1, $2, $3)",
    [status.applied.length + 1, next.name, checksum(next)],
  );
  return next.name;
}

const HISTORY_TABLE = `create table if not exists exchange_migrations (
  position integer primary key,
  name text not null unique,
  checksum text not null,
  applied_at timestamptz not null default now()
)`;

async function readApplied(
  database: Database,
  options: CallOptions,
): Promise<readonly AppliedMigration[]> {
  const { rows } = await database.execute(
    "select name, checksum, applied_at from exchange_migrations order by position",
    [],
    options,
  );
  return rows.map((row) => ({
    name: String(row["name"]),
    checksum: String(row["checksum"]),
    appliedAt: new Date(row["applied_at"] as Date | string),
  }));
}

function compare(
  applied: readonly AppliedMigration[],
  migrations: readonly Migration[],
): MigrationStatus {
  const done = new Set(applied.map(({ name }) => name));
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  const problems = applied.flatMap((one) => {
    const migration = known.get(one.name);
    if (!migration) return [`${one.name} was applied but is unknown here; this code is older`];
    if (checksum(migration) !== one.checksum) {
      return [`${one.name} was edited after it was applied`];
    }
    return [];
  });
  const names = migrations.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  problems.push(...twice.map((name) => `${name} is the name of two migrations`));
  const lastApplied = names.findLastIndex((name) => done.has(name));
  const pending = names.filter((name) => !done.has(name));
  for (const name of pending) {
    if (names.indexOf(name) < lastApplied) {
      problems.push(`${name} is not applied but comes before one that is`);
    }
  }
  return { applied, pending, problems };
}

/** Line ends are not part of the text: a checkout may change them. */
function checksum({ sql }: Migration): string {
  return createHash("sha256").update(sql.replaceAll("\r\n", "\n")).digest("hex");
}

function refusal(problems: readonly string[]): DatabaseError {
  const operation = "migrate";
  return new DatabaseError(`Cannot ${operation}: ${problems.join("; ")}`, {
    code: "conflict",
    operation,
  });
}
