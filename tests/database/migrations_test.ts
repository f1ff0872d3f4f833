import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { MIGRATIONS } from "../../database/migrations/migrations.ts";
import { migrate } from "../../database/migrator.ts";
import { generateSchema } from "../support/generate_schema.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { findService, serviceTest } from "../support/services.ts";

const serverTest = serviceTest(await findService("postgres"));

async function onPglite<T>(use: (pool: DatabasePool) => Promise<T>): Promise<T> {
  const pool = await createPool({ embedded: {} });
  try {
    await migrate(pool);
    return await use(pool);
  } finally {
    await pool.close();
  }
}

async function onServer<T>(url: string, use: (pool: DatabasePool) => Promise<T>): Promise<T> {
  const database = await createTestDatabase(url);
  const pool = await createPool({ url: database.url });
  try {
    await migrate(pool);
    return await use(pool);
  } finally {
    await pool.close();
    await database.drop();
  }
}

/** Everything that makes a schema, as the server itself describes it; not-null constraints are columns to all versions. */
const CATALOG = `
  select 'column ' || table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable
    || ' ' || coalesce(column_default, generation_expression, '') as line
  from information_schema.columns where table_schema = 'public'
  union all select 'constraint ' || conrelid::regclass || '.' || conname || ' ' || pg_get_constraintdef(oid)
  from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n'
  union all select pg_get_indexdef(indexrelid) from pg_index
  where indrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
  union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
  union all select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
  order by 1`;

async function readCatalog(pool: DatabasePool): Promise<string[]> {
  const { rows } = await pool.execute(CATALOG);
  // Newer servers write a collation where it is not the default; both describe the same column.
  return rows.map((row) => String(row["line"])).sort();
}

serverTest("the schema is the same on embedded PostgreSQL and on a server", async (url) => {
  const [embedded, server] = [await onPglite(readCatalog), await onServer(url, readCatalog)];
  assert.ok(embedded.length > 150, `only ${embedded.length} lines`);
  assert.deepEqual(server, embedded);
});

test("the types of the schema are what the migrated schema gives", async () => {
  const generated = await onPglite(generateSchema);
  const committed = await readFile(new URL("../../database/schema.ts", import.meta.url), "utf8");
  const words = (text: string): string => text.replaceAll(/[\s,;]+/g, " ").trim();
  assert.equal(words(committed), words(generated));
});

test("names of migrations are unique and in order", () => {
  const names = MIGRATIONS.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)].sort());
});

const USER = "00000000-0000-7000-8000-000000000001";
const OTHER = "00000000-0000-7000-8000-000000000002";

const GOOD = `
  insert into users (id, email, username) values ('${USER}', 'ada@example.org', 'ada');
  insert into organizations (id, slug, name, type, created_by)
  values ('${USER}', 'acme', 'Acme', 'enterprise', '${USER}');
  insert into organization_members (organization_id, user_id, role) values ('${USER}', '${USER}', 'owner');
  insert into benchmarks (id, slug, name, category, created_by)
  values ('${USER}', 'bench', 'Bench', 'accuracy', '${USER}');
  insert into benchmark_versions (id, benchmark_id, version, precedence, evaluation, created_by)
  values ('${USER}', '${USER}', '1.0.0', '1', '{"primaryMetric":{"higherIsBetter":true,"range":{"min":0}}}', '${USER}');`;

function submission(columns: string, values: string): string {
  return `insert into submissions (id, version_id, benchmark_id, model_provider, model_name,
    submitted_by, ${columns}) values (gen_random_uuid(), '${USER}', '${USER}', 'p', 'm', '${USER}', ${values})`;
}

/** Rows that the schema itself refuses, whoever writes them, and what the error names. */
const BAD: readonly [sql: string, code: string, field: string][] = [
  [
    `insert into users (id, email, username) values ('${OTHER}', 'ADA@example.org', 'x1')`,
    "already_exists",
    "email",
  ],
  [
    `insert into users (id, email, username) values ('${OTHER}', 'b@example.org', 'ADA')`,
    "already_exists",
    "username",
  ],
  [
    `insert into users (id, email, username) values ('${OTHER}', 'nonsense', 'x1')`,
    "constraint_violated",
    "email",
  ],
  [
    `insert into users (id, email, username, role) values ('${OTHER}', 'b@b', 'x1', 'root')`,
    "constraint_violated",
    "role",
  ],
  [
    `insert into organizations (id, slug, name, type, created_by) values ('${OTHER}', 'acme', 'a', 'enterprise', '${USER}')`,
    "already_exists",
    "slug",
  ],
  [
    `insert into organizations (id, slug, name, type, created_by) values ('${OTHER}', 'b', 'a', 'club', '${USER}')`,
    "constraint_violated",
    "type",
  ],
  [
    `insert into organization_members (organization_id, user_id, role) values ('${USER}', '${USER}', 'member')`,
    "already_exists",
    "id",
  ],
  [
    `insert into organization_members (organization_id, user_id, role) values ('${USER}', '${OTHER}', 'member')`,
    "constraint_violated",
    "userId",
  ],
  [`update organization_members set role = 'emperor'`, "constraint_violated", "role"],
  [
    `insert into benchmarks (id, slug, name, category, created_by) values ('${OTHER}', 'bench', 'a', 'accuracy', '${USER}')`,
    "already_exists",
    "slug",
  ],
  [`update benchmarks set status = 'published'`, "constraint_violated", "status"],
  [`update benchmarks set created_by = '${OTHER}'`, "constraint_violated", "createdBy"],
  [
    `insert into benchmark_versions (id, benchmark_id, version, precedence, evaluation, created_by)
    values ('${OTHER}', '${USER}', '1.0.0', '1', '{"primaryMetric":{"higherIsBetter":true}}', '${USER}')`,
    "already_exists",
    "version",
  ],
  [
    `insert into submission_results (submission_id, position, case_name) values ('${OTHER}', 1, 'a')`,
    "constraint_violated",
    "submissionId",
  ],
  [
    `insert into submission_metrics (submission_id, name, value) values ('${OTHER}', 'a', 1)`,
    "constraint_violated",
    "submissionId",
  ],
  [submission("status, score", "'completed', 'NaN'"), "constraint_violated", "score"],
  [submission("status, score", "'completed', 'Infinity'"), "constraint_violated", "score"],
  [submission("status, score", "'completed', '-Infinity'"), "constraint_violated", "score"],
  [submission("status, score", "'completed', -1"), "constraint_violated", "score"],
  [submission("status, score", "'done', 1"), "constraint_violated", "status"],
  [submission("status, score", "'failed', 1"), "constraint_violated", "statusScore"],
  [
    submission("status, score, visibility", "'completed', 1, 'hidden'"),
    "constraint_violated",
    "visibility",
  ],
  [
    submission("status, score, verification", "'completed', 1, 'trusted'"),
    "constraint_violated",
    "verification",
  ],
];

async function refusesBadRows(pool: DatabasePool): Promise<void> {
  await pool.execute(GOOD);
  for (const [sql, code, field] of BAD) {
    await assert.rejects(pool.execute(sql), { code, field }, sql);
  }
}

test("pglite: the schema refuses bad rows by itself", () => onPglite(refusesBadRows));

serverTest(
  "postgres: the schema refuses bad rows by itself",
  (url) => onServer(url, refusesBadRows),
);
