import assert from "node:assert/strict";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { migrate } from "../../database/migrator.ts";
import type { Schema } from "../../database/schema.ts";
import { lazily } from "../support/lazily.ts";
import { test } from "../support/permitted.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { findService, serviceTest } from "../support/services.ts";

type Table = keyof Schema;
/** SQL expressions by column. */
type Row = Readonly<Record<string, string>>;

const ID = uuid(1);
const OTHER = uuid(2);
const EVALUATION = `'{"primaryMetric":{"higherIsBetter":true,"range":{"min":0,"max":100}}}'`;

/** One row of each table that the schema accepts, in an order in which they can be inserted. */
const GOOD: readonly [Table, Row][] = [
  ["users", { id: ID, email: "'ada@example.org'", username: "'ada'" }],
  ["organizations", {
    id: ID,
    slug: "'acme'",
    name: "'Acme'",
    type: "'enterprise'",
    created_by: ID,
  }],
  ["organization_members", { organization_id: ID, user_id: ID, role: "'owner'" }],
  ["benchmarks", { id: ID, slug: "'bench'", name: "'B'", category: "'accuracy'", created_by: ID }],
  ["benchmark_maintainers", { benchmark_id: ID, user_id: ID }],
  ["benchmark_versions", {
    ...{ id: ID, benchmark_id: ID, version: "'1.0.0'", precedence: "'1'", created_by: ID },
    evaluation: EVALUATION,
  }],
  ["test_cases", {
    ...{ version_id: ID, position: "1", name: "'case'", input: "'{}'" },
    evaluation_method: "'exact'",
  }],
  ["submissions", {
    ...{ id: ID, version_id: ID, benchmark_id: ID, model_provider: "'p'", model_name: "'m'" },
    ...{ submitted_by: ID, status: "'completed'", score: "50" },
  }],
  ["submission_metrics", { submission_id: ID, name: "'accuracy'", value: "0.5" }],
  ["submission_results", { submission_id: ID, position: "1", case_name: "'case'" }],
];

type Case = readonly [table: Table, changes: Row, error: string, field: string];

const TAKEN: readonly Case[] = [
  ["users", { id: OTHER, email: "'ADA@Example.org'", username: "'x1'" }, "already_exists", "email"],
  ["users", { id: OTHER, email: "'b@b'", username: "'ADA'" }, "already_exists", "username"],
  ["users", { email: "'b@b'", username: "'x1'" }, "already_exists", "id"],
  ["organizations", { id: OTHER }, "already_exists", "slug"],
  ["organization_members", { role: "'member'" }, "already_exists", "id"],
  ["benchmarks", { id: OTHER }, "already_exists", "slug"],
  ["benchmark_maintainers", {}, "already_exists", "id"],
  ["benchmark_versions", { id: OTHER }, "already_exists", "version"],
  ["test_cases", { position: "2" }, "already_exists", "name"],
  ["test_cases", { name: "'other'" }, "already_exists", "id"],
  ["submissions", {}, "already_exists", "id"],
  ["submission_metrics", {}, "already_exists", "id"],
  ["submission_results", {}, "already_exists", "id"],
];

/** On top of a row that would be accepted, with names of its own. */
const BAD: readonly Case[] = [
  ...each("users", "email", ["'nonsense'", "'a b@c'", "''", "repeat('a', 250) || '@b.de'"]),
  ...each("users", "username", ["'a'", "'a b'", "'ä12'", "repeat('a', 41)"]),
  ...each("users", "role", ["'root'", "''", "'Admin'"]),
  ...each("users", "profile", ["'[]'", "'null'", `'"x"'`]),
  ...each("organizations", "slug", ["'Acme'", "'-a'", "'a--b'", "'a_b'", "repeat('a', 101)", "''"]),
  ...each("organizations", "name", ["''"]),
  ...each("organizations", "type", ["'club'"]),
  ["organizations", { verified: "true" }, "constraint_violated", "verifiedAt"],
  ["organizations", { verified_at: "now()" }, "constraint_violated", "verifiedAt"],
  ...each("organization_members", "role", ["'emperor'", "'guest'"]),
  ...each("benchmarks", "slug", ["'A b'", "''"]),
  ...each("benchmarks", "name", ["''"]),
  ...each("benchmarks", "category", ["'speed'"]),
  ...each("benchmarks", "status", ["'published'", "''"]),
  ...each("benchmark_versions", "datasets", ["'{}'", "'null'"]),
  ...each("benchmark_versions", "execution", ["'[]'"]),
  ["benchmark_versions", { evaluation: "'{}'" }, "constraint_violated", "higherIsBetter"],
  ...each("test_cases", "weight", ["'NaN'", "'Infinity'", "-0.5"]),
  ...each("submissions", "score", ["'NaN'", "'Infinity'", "'-Infinity'", "-0.1", "100.1"]),
  ...each("submissions", "status", ["'done'", "'pending'"], { score: "null" }),
  ["submissions", { status: "'failed'", failure: "'x'" }, "constraint_violated", "statusScore"],
  ["submissions", { failure: "'x'" }, "constraint_violated", "statusFailure"],
  ["submissions", { status: "'failed'", score: "null" }, "constraint_violated", "statusFailure"],
  ["submissions", { score: "null" }, "constraint_violated", "statusScore"],
  ...interval("'NaN'", "2", "0.95"),
  ...interval("1", "'NaN'", "0.95"),
  ...interval("'-Infinity'", "2", "0.95"),
  ...interval("1", "'Infinity'", "0.95"),
  ...interval("2", "1", "0.95"),
  ...interval("1", "2", "0"),
  ...interval("1", "2", "1"),
  ...interval("1", "2", "'NaN'"),
  ...interval("1", "null", "null"),
  ...interval("1", "2", "null"),
  ...interval("null", "2", "0.95"),
  ["submissions", { model_provider: "''" }, "constraint_violated", "model"],
  ["submissions", { model_name: "''" }, "constraint_violated", "model"],
  ["submissions", { model_name: "e'a\\x1fb'" }, "constraint_violated", "model"],
  ...each("submissions", "verification", ["'trusted'"]),
  ...each("submissions", "visibility", ["'hidden'"]),
  ...each("submissions", "execution", ["'[]'"]),
  ...each("submission_metrics", "value", ["'NaN'", "'Infinity'", "'-Infinity'"]),
  ...each("submission_results", "score", ["'NaN'", "'Infinity'", "'-Infinity'"]),
  ["submission_results", { duration_ms: "-1" }, "constraint_violated", "durationMs"],
  ["submission_results", { duration_ms: "'Infinity'" }, "constraint_violated", "durationMs"],
  ["submission_results", { duration_ms: "'NaN'" }, "constraint_violated", "durationMs"],
  // Rows that refer to nothing.
  ...each("organizations", "created_by", [OTHER]),
  ...each("organization_members", "organization_id", [OTHER]),
  ...each("organization_members", "user_id", [OTHER]),
  ...each("benchmarks", "created_by", [OTHER]),
  ...each("benchmark_maintainers", "benchmark_id", [OTHER]),
  ["benchmark_maintainers", { user_id: OTHER }, "constraint_violated", "maintainers"],
  ...each("benchmark_versions", "benchmark_id", [OTHER]),
  ...each("benchmark_versions", "created_by", [OTHER]),
  ...each("test_cases", "version_id", [OTHER]),
  ...each("submissions", "benchmark_id", [OTHER]),
  ...each("submissions", "submitted_by", [OTHER]),
  ...each("submissions", "organization_id", [OTHER]),
  ...each("submissions", "verified_by", [OTHER]),
  ...each("submission_metrics", "submission_id", [OTHER]),
  ...each("submission_results", "submission_id", [OTHER]),
];

const CHANGES: readonly [sql: string, error: string, field: string][] = [
  ["delete from users", "constraint_violated", "createdBy"],
  ["update benchmarks set status = 'published'", "constraint_violated", "status"],
  ["update organization_members set role = 'emperor'", "constraint_violated", "role"],
  ["update submissions set score = 60", "constraint_violated", "immutable"],
  ["update submissions set model_name = 'better'", "constraint_violated", "immutable"],
  [`update submissions set execution = '{"a":1}'`, "constraint_violated", "immutable"],
  ["update submissions set verified_provider = true", "constraint_violated", "immutable"],
  ["update benchmark_versions set changelog = 'x'", "constraint_violated", "immutable"],
  [`update benchmark_versions set evaluation = '{}'`, "constraint_violated", "immutable"],
  ["update test_cases set expected = '1'", "constraint_violated", "immutable"],
  ["update users set email = null", "constraint_violated", "email"],
];

/** Rows that would refer to a deleted user or organization, and are fine otherwise. */
const DELETED: readonly [Table, Row, field: string][] = [
  ["benchmarks", { id: OTHER, slug: "'other'" }, "createdBy"],
  ["benchmark_maintainers", {}, "maintainers"],
  ["benchmark_versions", { id: OTHER, precedence: "'2'" }, "createdBy"],
  ["submissions", { id: OTHER }, "submittedBy"],
  ["submissions", { id: OTHER, submitted_by: OTHER, organization_id: ID }, "organizationId"],
  ["submissions", { id: OTHER, submitted_by: OTHER, verified_by: ID }, "verifiedBy"],
];

type PoolTest = (name: string, fn: (pool: DatabasePool) => Promise<void>) => unknown;

const service = await findService("postgres");
const database = "url" in service ? await createTestDatabase(service.url) : undefined;
// One after the other: while PGlite opens, nothing else gets on.
const embedded = lazily(() => openMigrated({ embedded: {} }));
const server = lazily(() => openMigrated({ url: database?.url ?? "" }));
const serverTest = serviceTest(service);

testConstraints((name, fn) => test(`pglite: ${name}`, async () => await fn(await embedded())));
testConstraints((name, fn) => serverTest(`pg: ${name}`, async () => await fn(await server())));

test("pglite: the pool of these tests closes", async () => await (await embedded()).close());

serverTest("pg: the database of these tests goes", async () => {
  await (await server()).close();
  await database?.drop();
});

function testConstraints(test: PoolTest): void {
  test("the schema accepts good rows", async (pool) => {
    await undone(pool, async (run) => {
      for (const [table, row] of GOOD) await run(insert(table, row));
    });
  });

  for (const [table, changes, code, field] of TAKEN) {
    test(`${table} refuses a second row: ${JSON.stringify(changes)}`, (pool) =>
      undone(pool, async (run) => {
        for (const [name, row] of GOOD) await run(insert(name, row));
        const second = { ...goodRow(table), ...changes };
        await assert.rejects(run(insert(table, second)), { code, field });
      }));
  }

  for (const [table, changes, code, field] of BAD) {
    test(`${table} refuses ${JSON.stringify(changes)}`, (pool) =>
      undone(pool, async (run) => {
        for (const [name, row] of GOOD) {
          if (name === table) break;
          await run(insert(name, row));
        }
        await assert.rejects(run(insert(table, { ...goodRow(table), ...changes })), {
          code,
          field,
        });
      }));
  }

  for (const [sql, code, field] of CHANGES) {
    test(`the schema refuses ${sql}`, (pool) =>
      undone(pool, async (run) => {
        for (const [name, row] of GOOD) await run(insert(name, row));
        await assert.rejects(run(sql), { code, field });
      }));
  }

  for (const [table, changes, field] of DELETED) {
    test(`${table} refuses to refer to what was deleted: ${field}`, (pool) =>
      undone(pool, async (run) => {
        for (const [name, row] of GOOD) await run(insert(name, row));
        const living = { ...goodRow("users"), id: OTHER, email: "'b@b'", username: "'living'" };
        await run(insert("users", living));
        await run("delete from benchmark_maintainers");
        await run(`update users set deleted_at = now() where id = ${ID}`);
        await run("update organizations set deleted_at = now()");
        await assert.rejects(run(insert(table, { ...goodRow(table), ...changes })), {
          ...{ code: "constraint_violated", field },
        });
      }));
  }

  test("names of deleted users and organizations can be taken again", (pool) =>
    undone(pool, async (run) => {
      for (const [name, row] of GOOD) await run(insert(name, row));
      await run("update users set deleted_at = now()");
      await run("update organizations set deleted_at = now()");
      await run(insert("users", { ...goodRow("users"), id: OTHER }));
      await run(insert("organizations", { ...goodRow("organizations"), id: OTHER }));
    }));
}

/** Runs statements in a transaction that is rolled back. */
async function undone(
  pool: DatabasePool,
  use: (run: (sql: string) => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const done = new Error("done");
  await pool.transaction(async (transaction) => {
    await use((sql) => transaction.execute(sql));
    throw done;
  }).catch((error) => {
    if (error !== done) throw error;
  });
}

function goodRow(table: Table): Row {
  return GOOD.find(([name]) => name === table)![1];
}

function insert(table: Table, row: Row): string {
  return `insert into ${table} (${Object.keys(row)}) values (${Object.values(row)})`;
}

function each(table: Table, column: string, values: readonly string[], more: Row = {}): Case[] {
  const field = column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return values.map((value) => [table, { ...more, [column]: value }, "constraint_violated", field]);
}

function interval(low: string, high: string, level: string): Case[] {
  const changes = { interval_low: low, interval_high: high, interval_level: level };
  return [["submissions", changes, "constraint_violated", "interval"]];
}

function uuid(n: number): string {
  return `'00000000-0000-7000-8000-00000000000${n}'`;
}

async function openMigrated(config: Parameters<typeof createPool>[0]): Promise<DatabasePool> {
  const pool = await createPool(config);
  await migrate(pool);
  return pool;
}
