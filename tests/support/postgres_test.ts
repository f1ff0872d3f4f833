import assert from "node:assert/strict";
import { createTestDatabase, dropLeftDatabases, probePostgres, withClient } from "./postgres.ts";
import { findService, serviceTest } from "./services.ts";

const test = serviceTest(await findService("postgres"));

test("a test database is empty, its own, and gone after drop", async (url) => {
  const [one, other] = await Promise.all([createTestDatabase(url), createTestDatabase(url)]);
  await withClient(one.url, (client) => client.query("create table mine ()"));
  await withClient(other.url, async (client) => {
    await assert.rejects(client.query("select from mine"), { code: "42P01" });
  });
  await Promise.all([one.drop(), other.drop()]);
  await assert.rejects(probePostgres(one.url), { code: "3D000" });
});

test("a test database is dropped also while somebody is connected", async (url) => {
  const database = await createTestDatabase(url);
  await withClient(database.url, async () => await database.drop());
  await assert.rejects(probePostgres(database.url), { code: "3D000" });
});

test("a server is usable only if its user may create databases", async (url) => {
  const database = await createTestDatabase(url);
  const role = new URL(database.url).pathname.slice(1);
  const weak = new URL(database.url);
  weak.username = role;
  weak.password = "weak";
  await withClient(
    database.url,
    (client) => client.query(`create role ${role} login password 'weak'`),
  );
  await assert.rejects(probePostgres(weak.href), /may not create databases/);
  await withClient(url, (client) => client.query(`drop role ${role}`));
  await database.drop();
});

test("what a killed test file left is dropped, and only that", async (url) => {
  const run = crypto.randomUUID().slice(0, 8);
  const left = `exchange_test_${run}_left`;
  await withClient(url, (client) => client.query(`create database ${left}`));
  const kept = await createTestDatabase(url);
  await dropLeftDatabases(url, run);
  await withClient(url, async (client) => {
    const sql = "select 1 from pg_database where datname = $1";
    assert.equal((await client.query(sql, [left])).rowCount, 0);
  });
  await probePostgres(kept.url);
  await kept.drop();
});
