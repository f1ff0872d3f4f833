import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { MIGRATIONS } from "../../database/migrations/migrations.ts";
import { migrate } from "../../database/migrator.ts";
import { generateSchema } from "../support/generate_schema.ts";
import { test as permittedTest } from "../support/permitted.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { findService, serviceTest } from "../support/services.ts";

const permittedServerTest = serviceTest(await findService("postgres"), permittedTest);

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

permittedServerTest(
  "the schema is the same on embedded PostgreSQL and on a server",
  async (url) => {
    const [embedded, server] = [await onPglite(readCatalog), await onServer(url, readCatalog)];
    assert.ok(embedded.length > 150, `only ${embedded.length} lines`);
    assert.deepEqual(server, embedded);
  },
);

permittedTest("the types of the schema are what the migrated schema gives", async () => {
  const generated = await onPglite(generateSchema);
  const committed = await readFile(new URL("../../database/schema.ts", import.meta.url), "utf8");
  const words = (text: string): string => text.replaceAll(/[\s,;]+/g, " ").trim();
  assert.equal(words(committed), words(generated));
});

test("names of migrations are unique and in order", () => {
  const names = MIGRATIONS.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)].sort());
});
