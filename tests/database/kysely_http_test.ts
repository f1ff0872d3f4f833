import assert from "node:assert/strict";
import { createPool } from "../../database/create_pool.ts";
import type { DatabasePool } from "../../database/database_pool.ts";
import { migrate } from "../../database/migrator.ts";
import { PostgresUserRepository } from "../../database/repositories/user_repository.ts";
import { test, whenPermitted } from "../support/permitted.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { findService, serviceTest } from "../support/services.ts";
import { serveSqlOverHttp } from "../support/sql_over_http.ts";

// Loaded late, because they read the environment.
const neonClient = await whenPermitted(() => import("@neondatabase/serverless"));
const kyselyNeon = await whenPermitted(() => import("kysely-neon"));
const databaseTest = serviceTest(await findService("postgres"), test);
const ADA = { username: "ada", email: "ada@example.org" };

/** Gives a pool whose statements go over HTTP, and one of the server itself. */
function httpTest(
  name: string,
  fn: (pool: DatabasePool, direct: DatabasePool) => Promise<void>,
): void {
  databaseTest(`kysely over HTTP: ${name}`, async (serverUrl) => {
    const database = await createTestDatabase(serverUrl);
    const direct = await createPool({ url: database.url });
    await migrate(direct);
    await using endpoint = await serveSqlOverHttp(database.url);
    neonClient.neonConfig.fetchEndpoint = endpoint.url;
    const pool = await createPool({
      dialect: new kyselyNeon.NeonDialect({ neon: neonClient.neon(database.url) }),
    });
    try {
      await fn(pool, direct);
    } finally {
      await pool.close();
      await direct.close();
      await database.drop();
    }
  });
}

httpTest(
  "repositories read and write what is one statement, with its events",
  async (pool, direct) => {
    const users = new PostgresUserRepository(pool);
    const { id } = await users.create(ADA);
    const changed = await users.updateProfile(id, { displayName: "Ada", profile: { bio: "x" } });
    assert.deepEqual(await users.getById(id), changed);
    assert.deepEqual((await users.list()).items, [changed]);
    const seen = new PostgresUserRepository(direct);
    assert.deepEqual(await seen.getByEmail(ADA.email), changed);
    const { rows } = await direct.execute("select count(*)::int4 as events from outbox_events");
    assert.equal(rows[0]?.["events"], 2);
    await assert.rejects(users.create(ADA), { code: "already_exists", field: "email" });
  },
);

httpTest("a transaction is refused before anything of it has run", async (pool, direct) => {
  const users = new PostgresUserRepository(pool);
  const { id } = await users.create(ADA);
  let ran = false;
  const transaction = pool.transaction(() => Promise.resolve(ran = true));
  await assert.rejects(transaction, {
    name: "DatabaseError",
    code: "unsupported",
    outcome: "not-applied",
    message: "Cannot begin transaction: the dialect sends every statement in a session of its own",
  });
  await assert.rejects(users.delete(id), { code: "unsupported" });
  assert.equal(ran, false);
  assert.ok(await new PostgresUserRepository(direct).getById(id));
  assert.ok(await users.getById(id), "the pool goes on");
});
