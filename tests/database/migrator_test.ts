import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { type Migration, MIGRATIONS } from "../../database/migrations/migrations.ts";
import { migrate, migrationStatus } from "../../database/migrator.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { runCommand } from "../support/run_command.ts";
import { findService, serviceTest } from "../support/services.ts";

const service = await findService("postgres");
const serverTest = serviceTest(service);

const STEPS: readonly Migration[] = [
  { name: "0001_a", sql: "create table a (id integer); insert into a values (1);" },
  { name: "0002_b", sql: "create table b (id integer);" },
  { name: "0003_c", sql: "insert into b select id from a;" },
];

/** Runs a test on an empty database of either kind. */
function onBoth(name: string, fn: (pool: DatabasePool) => Promise<void>): void {
  test(`pglite: ${name}`, async () => {
    const pool = await createPool({ embedded: {} });
    try {
      await fn(pool);
    } finally {
      await pool.close();
    }
  });
  serverTest(`postgres: ${name}`, async (url) => {
    const database = await createTestDatabase(url);
    const pool = await createPool({ url: database.url });
    try {
      await fn(pool);
    } finally {
      await pool.close();
      await database.drop();
    }
  });
}

onBoth(
  "migrations are applied in order, once, and remembered with their checksum",
  async (pool) => {
    assert.deepEqual((await migrationStatus(pool, { migrations: STEPS })).pending, [
      "0001_a",
      "0002_b",
      "0003_c",
    ]);
    assert.deepEqual(await migrate(pool, { migrations: STEPS.slice(0, 1) }), ["0001_a"]);
    assert.deepEqual(await migrate(pool, { migrations: STEPS }), ["0002_b", "0003_c"]);
    assert.deepEqual(await migrate(pool, { migrations: STEPS }), []);
    assert.deepEqual((await pool.execute("select id from b")).rows, [{ id: 1 }]);
    const { applied, pending, problems } = await migrationStatus(pool, { migrations: STEPS });
    assert.deepEqual(applied.map(({ name }) => name), ["0001_a", "0002_b", "0003_c"]);
    for (const { checksum, appliedAt } of applied) {
      assert.match(checksum, /^[0-9a-f]{64}$/);
      assert.ok(appliedAt instanceof Date);
    }
    assert.deepEqual([pending, problems], [[], []]);
  },
);

onBoth("a migration that fails leaves nothing, and the ones before it stay", async (pool) => {
  const broken = { name: "0002_b", sql: "create table half (id integer); select nothing_there;" };
  const migrations = [...STEPS.slice(0, 1), broken];
  await assert.rejects(migrate(pool, { migrations }), { sqlState: "42703" });
  const { rows } = await pool.execute("select to_regclass('half') as half, to_regclass('a') as a");
  assert.equal(rows[0]?.["half"], null);
  assert.notEqual(rows[0]?.["a"], null);
  assert.deepEqual(await migrate(pool, { migrations: STEPS }), ["0002_b", "0003_c"]);
});

onBoth(
  "edited, unknown and out-of-order migrations are refused, changing nothing",
  async (pool) => {
    await migrate(pool, { migrations: STEPS.slice(0, 2) });
    const [a, b, c] = STEPS as [Migration, Migration, Migration];
    const early = { name: "0000_early", sql: "create table early (id integer)" };
    const cases: [RegExp, Migration[]][] = [
      [/0001_a was edited/, [{ ...a, sql: `${a.sql} ` }, b, c]],
      [/0002_b was applied but is unknown/, [a, c]],
      [/0000_early is not applied but comes before/, [early, a, b, c]],
    ];
    for (const [message, migrations] of cases) {
      await assert.rejects(migrate(pool, { migrations }), { code: "conflict", message });
      assert.match((await migrationStatus(pool, { migrations })).problems.join(), message);
    }
    const { rows } = await pool.execute("select to_regclass('early') as early");
    assert.equal(rows[0]?.["early"], null);
    const windows = STEPS.map(({ name, sql }) => ({ name, sql: sql.replaceAll("\n", "\r\n") }));
    assert.deepEqual(await migrate(pool, { migrations: windows }), ["0003_c"]);
  },
);

const SCRIPT = fileURLToPath(new URL("../support/fixtures/migrate.ts", import.meta.url));
const ARGUMENTS = "Deno" in globalThis ? ["run", "-A", "--no-check", SCRIPT] : [SCRIPT];

serverTest("processes that migrate at the same time apply each migration once", async (url) => {
  const database = await createTestDatabase(url);
  try {
    const env = { DATABASE_URL: database.url };
    const outcomes = await Promise.all(
      Array.from({ length: 3 }, () => runCommand(process.execPath, ARGUMENTS, { env })),
    );
    assert.deepEqual(outcomes.map(({ code }) => code), [0, 0, 0], outcomes[0]?.output);
    const applied = outcomes.flatMap(({ output }) => JSON.parse(output) as string[]);
    assert.deepEqual(applied.sort(), MIGRATIONS.map(({ name }) => name));
  } finally {
    await database.drop();
  }
});

serverTest("a process killed half way leaves a database that migrates on", async (url) => {
  const database = await createTestDatabase(url);
  const pool = await createPool({ url: database.url });
  try {
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, ARGUMENTS, {
        env: { ...process.env, DATABASE_URL: database.url },
        stdio: "ignore",
      });
      const ended = new Promise((resolve) => child.once("exit", resolve));
      await someMigrationRuns(pool, ended);
      child.kill("SIGKILL");
      await ended;
    }
    await migrate(pool);
    const { pending, problems, applied } = await migrationStatus(pool);
    assert.deepEqual([pending, problems, applied.length], [[], [], MIGRATIONS.length]);
  } finally {
    await pool.close();
    await database.drop();
  }
});

/** Resolves when the child is seen inside a transaction, or has ended. */
async function someMigrationRuns(pool: DatabasePool, ended: Promise<unknown>): Promise<void> {
  let over = false;
  void ended.then(() => over = true);
  while (!over) {
    const { rows } = await pool.execute(
      `select from pg_stat_activity where datname = current_database()
        and pid <> pg_backend_pid() and xact_start is not null`,
    );
    if (rows.length > 0) return;
  }
}
