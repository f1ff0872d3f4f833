import assert from "node:assert/strict";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { type Migration, MIGRATIONS } from "../../database/migrations/migrations.ts";
import { migrate, migrationStatus } from "../../database/migrator.ts";
import { test, whenPermitted } from "../support/permitted.ts";
import { createTestDatabase, withClient } from "../support/postgres.ts";
import { findService, serviceTest } from "../support/services.ts";
import { Script } from "../support/spawn_script.ts";

const ONE: Migration = {
  name: "0001_one",
  sql: "create table one (id integer);\ninsert into one values (1);",
};
const TWO: Migration = { name: "0002_two", sql: "create table two (id integer);" };
const THREE: Migration = { name: "0003_three", sql: "insert into two values (3);" };

type PoolTest = (name: string, fn: (pool: DatabasePool) => Promise<void>) => unknown;

const embedded = whenPermitted(() => createPool({ embedded: {} }));
const service = await findService("postgres");
const onServer = serviceTest(service);
const withProcesses = serviceTest(service, test);

testMigrator((name, fn) =>
  test(`pglite: ${name}`, async () => {
    const pool = await embedded;
    await pool.execute("drop schema public cascade; create schema public");
    await fn(pool);
  })
);

testMigrator((name, fn) =>
  onServer(`pg: ${name}`, (url) =>
    inDatabase(url, async (url) => {
      const pool = await createPool({ url });
      await fn(pool).finally(() => pool.close());
    }))
);

test("pglite: the pool of these tests closes", async () => {
  await (await embedded).close();
});

function testMigrator(test: PoolTest): void {
  test("migrations are applied in their order, once, and remembered", async (pool) => {
    assert.deepEqual(await migrate(pool, { migrations: [ONE, TWO] }), ["0001_one", "0002_two"]);
    assert.deepEqual(await migrate(pool, { migrations: [ONE, TWO] }), []);
    assert.deepEqual(await migrate(pool, { migrations: [ONE, TWO, THREE] }), ["0003_three"]);
    const { applied, pending, problems } = await migrationStatus(pool, {
      migrations: [ONE, TWO, THREE],
    });
    assert.deepEqual(applied.map(({ name }) => name), ["0001_one", "0002_two", "0003_three"]);
    assert.ok(applied.every(({ checksum }) => /^[0-9a-f]{64}$/.test(checksum)));
    assert.ok(
      applied.every(({ appliedAt }) => Math.abs(Date.now() - appliedAt.getTime()) < 60_000),
    );
    assert.deepEqual([pending, problems], [[], []]);
    assert.equal(await count(pool, "one"), 1);
  });

  test("who listens hears of each migration when it is committed, and how long it took", async (pool) => {
    const heard: string[] = [];
    await migrate(pool, {
      migrations: [ONE, TWO],
      onApplied: ({ name, durationMs }) => {
        assert.ok(durationMs >= 0 && durationMs < 60_000);
        heard.push(name);
        if (name === "0001_one") throw new Error("enough");
      },
    }).catch((error) => heard.push(error.message));
    assert.deepEqual(heard, ["0001_one", "enough"]);
    const { applied } = await migrationStatus(pool, { migrations: [ONE, TWO] });
    assert.deepEqual(applied.map(({ name }) => name), ["0001_one"]);
  });

  test("the migrations of this library are the default", async (pool) => {
    const names = MIGRATIONS.map(({ name }) => name);
    assert.deepEqual((await migrationStatus(pool)).pending, names);
    assert.deepEqual(await migrate(pool), names);
    assert.deepEqual((await migrationStatus(pool)).pending, []);
    assert.deepEqual([...names].sort(), names);
  });

  test("asking for the status changes nothing", async (pool) => {
    const status = await migrationStatus(pool, { migrations: [ONE] });
    assert.deepEqual(status, { applied: [], pending: ["0001_one"], problems: [] });
    assert.deepEqual(await tables(pool), []);
  });

  test("a migration that fails leaves nothing, and those before it stay", async (pool) => {
    const failing = {
      name: "0002_two",
      sql: `${TWO.sql} insert into one values (2); select 1 / 0;`,
    };
    const call = migrate(pool, { migrations: [ONE, failing, THREE] });
    await assert.rejects(call, { sqlState: "22012", outcome: "not-applied" });
    assert.deepEqual(await tables(pool), ["exchange_migrations", "one"]);
    assert.equal(await count(pool, "one"), 1);
    const { applied, pending } = await migrationStatus(pool, { migrations: [ONE, failing, THREE] });
    assert.deepEqual([applied.length, pending], [1, ["0002_two", "0003_three"]]);
    // What was not applied can still be mended.
    const rest = await migrate(pool, { migrations: [ONE, TWO, THREE] });
    assert.deepEqual(rest, ["0002_two", "0003_three"]);
  });

  test("the first migration failing leaves not even the history", async (pool) => {
    const failing = { name: "0001_one", sql: "create table one (); selec 1;" };
    await assert.rejects(migrate(pool, { migrations: [failing] }), { sqlState: "42601" });
    assert.deepEqual(await tables(pool), []);
  });

  const refused: readonly [name: string, migrations: readonly Migration[], problem: string][] = [
    [
      "edited",
      [{ ...ONE, sql: `${ONE.sql} ` }, TWO, THREE],
      "0001_one was edited after it was applied",
    ],
    ["unknown", [TWO, THREE], "0001_one was applied but is unknown here; this code is older"],
    [
      "out of order",
      [ONE, { name: "0001b_late", sql: "create table late ()" }, TWO],
      "0001b_late is not applied but comes before one that is",
    ],
    [
      "repeated",
      [ONE, TWO, THREE, { ...THREE, sql: "select 3" }],
      "0003_three is the name of two migrations",
    ],
  ];

  for (const [name, migrations, problem] of refused) {
    test(`an ${name} migration is refused, and nothing is changed`, async (pool) => {
      await migrate(pool, { migrations: [ONE, TWO] });
      const status = await migrationStatus(pool, { migrations });
      assert.deepEqual(status.problems, [problem]);
      await assert.rejects(migrate(pool, { migrations }), {
        ...{ code: "conflict", outcome: "not-applied", message: `Cannot migrate: ${problem}` },
      });
      assert.deepEqual(await tables(pool), ["exchange_migrations", "one", "two"]);
      assert.equal((await migrationStatus(pool, { migrations: [ONE, TWO] })).applied.length, 2);
    });
  }

  test("line ends are not part of a migration", async (pool) => {
    await migrate(pool, { migrations: [ONE] });
    const checkedOut = { ...ONE, sql: ONE.sql.replaceAll("\n", "\r\n") };
    assert.deepEqual(await migrate(pool, { migrations: [checkedOut] }), []);
  });

  test("a signal that has fired applies nothing", async (pool) => {
    const signal = AbortSignal.abort();
    await assert.rejects(migrate(pool, { migrations: [ONE], signal }), { code: "aborted" });
    assert.deepEqual(await tables(pool), []);
  });
}

withProcesses(
  "pg: processes that migrate at the same time apply each migration once",
  (url) =>
    inDatabase(url, async (url) => {
      // As if by slow indexes, so that the processes meet.
      const migrations = [ONE, TWO, THREE].map(({ name, sql }) => ({
        name,
        sql: `${sql} select pg_sleep(0.3);`,
      }));
      const args = [url, JSON.stringify(migrations)];
      const scripts = [1, 2, 3].map(() => new Script("migrate.ts", args));
      await Promise.all(scripts.map((script) => script.line()));
      const applied = await Promise.all(
        scripts.map(async (script) => JSON.parse(await script.line())),
      );
      await Promise.all(scripts.map((script) => script.finish()));
      assert.deepEqual(applied.flat().sort(), ["0001_one", "0002_two", "0003_three"]);
      await withClient(url, async (client) => {
        assert.equal((await client.query("select from one")).rowCount, 1);
        assert.equal((await client.query("select from two")).rowCount, 1);
      });
    }),
);

withProcesses(
  "pg: a process that is killed half way leaves a database that migrates",
  (url) =>
    inDatabase(url, async (url) => {
      const slow = { ...TWO, sql: `${TWO.sql} select pg_sleep(3);` };
      const script = new Script("migrate.ts", [url, JSON.stringify([ONE, slow])]);
      assert.equal(await script.line(), "connected");
      await withClient(url, async (client) => {
        // Other suites sleep on the same server, in databases of their own.
        const running = `select from pg_stat_activity
          where datname = current_database() and wait_event = 'PgSleep'`;
        while ((await client.query(running)).rowCount === 0) await pause(20);
        await script.kill();
      });
      const pool = await createPool({ url });
      // The server finishes the statement before it notices; until then it has the lock.
      assert.deepEqual(await migrate(pool, { migrations: [ONE, TWO, THREE] }), [
        "0002_two",
        "0003_three",
      ]);
      assert.deepEqual([await count(pool, "one"), await count(pool, "two")], [1, 1]);
      await pool.close();
    }),
);

onServer(
  "pg: waiting for the migration of another process is not cut short by other timeouts",
  (url) =>
    inDatabase(url, async (url) => {
      const slow = [{ ...ONE, sql: `${ONE.sql} select pg_sleep(1);` }];
      const options = {
        url,
        timeoutMs: 2_000,
        transactionTimeoutMs: 2_000,
        statementTimeoutMs: 2_000,
      };
      const pools = await Promise.all([createPool(options), createPool(options)]);
      const applied = await Promise.all(pools.map((pool) => migrate(pool, { migrations: slow })));
      assert.deepEqual(applied.flat(), ["0001_one"]);
      await Promise.all(pools.map((pool) => pool.close()));
    }),
);

onServer(
  "pg: a server with another default isolation migrates as well",
  (url) =>
    inDatabase(url, async (url) => {
      const name = new URL(url).pathname.slice(1);
      const set = `alter database ${name} set default_transaction_isolation = 'serializable'`;
      await withClient(url, (client) => client.query(set));
      const pools = await Promise.all([1, 2, 3].map(() => createPool({ url })));
      const slow = [{ ...ONE, sql: `${ONE.sql} select pg_sleep(0.2);` }, TWO];
      const applied = await Promise.all(pools.map((pool) => migrate(pool, { migrations: slow })));
      assert.deepEqual(applied.flat().sort(), ["0001_one", "0002_two"]);
      await Promise.all(pools.map((pool) => pool.close()));
    }),
);

async function inDatabase(server: string, use: (url: string) => Promise<void>): Promise<void> {
  const database = await createTestDatabase(server);
  try {
    await use(database.url);
  } finally {
    await database.drop();
  }
}

async function tables(pool: DatabasePool): Promise<unknown[]> {
  const { rows } = await pool.execute(
    "select tablename from pg_tables where schemaname = 'public' order by tablename",
  );
  return rows.map((row) => row["tablename"]);
}

async function count(pool: DatabasePool, table: string): Promise<unknown> {
  return (await pool.execute(`select count(*)::int4 as n from ${table}`)).rows[0]?.["n"];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
