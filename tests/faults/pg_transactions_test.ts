import assert from "node:assert/strict";
import { inspect } from "node:util";
import { createPool } from "../../database/create_pool.ts";
import { DatabasePool, type DatabasePoolOptions } from "../../database/database_pool.ts";
import { PgDriver, type PgDriverConfig } from "../../database/drivers/pg.ts";
import { migrate } from "../../database/migrator.ts";
import { PostgresUserRepository } from "../../database/repositories/user_repository.ts";
import type { Transaction } from "../../database/transaction.ts";
import { DatabaseError } from "../../core/errors.ts";
import { withClient } from "../support/postgres.ts";
import { type PrivatePostgres, startPostgres } from "../support/private_postgres.ts";
import { privateServerTest } from "../support/services.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { swallowReply } from "../support/toxics.ts";

/** No error may show these. */
const SECRETS = { password: "canary-password-b3a8", value: "canary-value-40fd" };

const INSERT = "insert into kept values ($1)";

/** A connection that broke before anything was applied. */
const LOST_BEFORE = { code: "unavailable", outcome: "not-applied", retryable: true };

/** A reply that was lost: nobody knows. */
const LOST_REPLY = { code: "unavailable", outcome: "unknown", retryable: false };

const test = privateServerTest("postgres");
let started: Promise<PrivatePostgres> | undefined;

test("a connection that the server ends between two statements undoes the transaction", async () => {
  await withPool({}, async (pool) => {
    let runs = 0;
    const error = await failureOf(pool.transaction(async (transaction) => {
      runs++;
      await insert(transaction, "between");
      await endBackend(await backendOf(transaction));
      await insert(transaction, "after");
    }));
    assert.deepEqual(verdict(error), LOST_BEFORE);
    assert.equal(runs, 1);
    assert.deepEqual(await kept("between", "after"), []);
    await pool.check();
  });
});

test("a connection that is lost before the commit undoes the transaction", async () => {
  await withPool({}, async (pool) => {
    const error = await failureOf(pool.transaction(async (transaction) => {
      await insert(transaction, "before-commit");
      await endBackend(await backendOf(transaction));
    }));
    assert.deepEqual(verdict(error), LOST_BEFORE);
    assert.deepEqual(await kept("before-commit"), []);
    await pool.check();
  });
});

test("a connection that is lost in a nested transaction undoes all of it", async () => {
  await withPool({}, async (pool) => {
    const error = await failureOf(pool.transaction(async (transaction) => {
      await insert(transaction, "outer");
      const inner = await failureOf(transaction.transaction(async (nested) => {
        await endBackend(await backendOf(nested));
        await insert(nested, "inner");
      }));
      assert.deepEqual(verdict(inner), LOST_BEFORE);
    }));
    assert.deepEqual(verdict(error), LOST_BEFORE);
    assert.deepEqual(await kept("outer", "inner"), []);
    await pool.check();
  });
});

test("when the reply to a commit is lost, the outcome is unknown and nothing is tried again", async () => {
  await withProxiedPool(async (pool, proxy) => {
    let runs = 0;
    proxy.add(swallowReply(/commit/));
    const error = await failureOf(pool.transaction(async (transaction) => {
      runs++;
      await insert(transaction, "unconfirmed");
    }));
    assert.deepEqual(verdict(error), LOST_REPLY);
    assert.equal(runs, 1);
    assert.deepEqual(await kept("unconfirmed"), ["unconfirmed"]);
    proxy.heal();
    await pool.check();
  });
});

test("when the reply to a write of a repository is lost, the outcome is unknown and it is applied", async () => {
  await withProxiedPool(async (pool, proxy) => {
    proxy.add(swallowReply(/insert into "users"/));
    const user = { email: `${SECRETS.value}@example.org`, username: "lost-reply" };
    const error = await failureOf(new PostgresUserRepository(pool).create(user));
    assert.deepEqual(verdict(error), LOST_REPLY);
    proxy.heal();
    const { rows } = await pool.execute("select 1 from users where username = 'lost-reply'");
    assert.equal(rows.length, 1);
  });
});

test("when the reply to a read of a repository is lost, the same call can be made again", async () => {
  await withProxiedPool(async (pool, proxy) => {
    const users = new PostgresUserRepository(pool);
    proxy.add(swallowReply(/from "users"/));
    const read = (): Promise<unknown> => users.getByEmail(`${SECRETS.value}@example.net`);
    assert.deepEqual(verdict(await failureOf(read())), LOST_BEFORE);
    proxy.heal();
    assert.equal(await read(), undefined);
  });
});

test("a statement timeout of the server comes before the deadline, and costs no connection", async () => {
  await withPool({ statementTimeoutMs: 100 }, async (pool) => {
    const before = await backendOf(pool);
    const error = await failureOf(pool.execute("select pg_sleep(30), $1", [SECRETS.value]));
    assert.deepEqual([error.code, error.sqlState, error.outcome], [
      "timeout",
      "57014",
      "not-applied",
    ]);
    assert.equal(await backendOf(pool), before);
  });
});

test("a lock that is not available in time is a timeout, and is not tried again", async () => {
  await withPool({ max: 2 }, async (pool) => {
    let runs = 0;
    await withClient((await server()).url, async (client) => {
      await client.query("begin; lock table kept");
      const error = await failureOf(pool.transaction(async (transaction) => {
        runs++;
        await transaction.execute("set local lock_timeout = 50");
        await insert(transaction, "locked out");
      }));
      assert.deepEqual([error.code, error.sqlState], ["timeout", "55P03"]);
    });
    assert.equal(runs, 1);
    await insert(pool, "let in");
  });
});

test("a transaction that idles for too long is ended by the server, and costs nobody else", async () => {
  await withPool({ idleInTransactionTimeoutMs: 100 }, async (pool) => {
    const error = await failureOf(pool.transaction(async (transaction) => {
      const pid = await backendOf(transaction);
      await insert(transaction, "idled");
      await until(async () => !await lives(pid));
      await insert(transaction, "too late");
    }));
    assert.deepEqual(verdict(error), LOST_BEFORE);
    assert.deepEqual(await kept("idled", "too late"), []);
    await pool.check();
  });
});

test("an aborted transaction leaves no lock on the server", async () => {
  await withPool({}, async (pool) => {
    const controller = new AbortController();
    const error = await failureOf(pool.transaction(async (transaction) => {
      await transaction.execute("lock table kept");
      setTimeout(() => controller.abort(), 50);
      await transaction.execute("select pg_sleep(30)");
    }, { signal: controller.signal }));
    assert.deepEqual([error.code, error.outcome], ["aborted", "not-applied"]);
    await insert(pool, "unlocked", 1_000);
  });
});

test("a server that became read-only refuses writes, and the next call gets a new connection", async () => {
  await withPool({}, async (pool) => {
    const before = await backendOf(pool);
    await setReadOnly(true);
    try {
      await until(async () =>
        (await pool.execute("show transaction_read_only"))
          .rows[0]?.["transaction_read_only"] === "on"
      );
      const error = await failureOf(insert(pool, "read-only"));
      assert.deepEqual([error.code, error.sqlState], ["permission_denied", "25006"]);
    } finally {
      await setReadOnly(false);
    }
    assert.notEqual(await backendOf(pool), before);
    await until(async () => await insert(pool, "writable").then(() => true, () => false));
  });
});

test("errors of the server, which repeat values, show none of them", async () => {
  await withPool({}, async (pool) => {
    const failing: [sql: string, sqlState: string][] = [
      ["select $1::text::int", "22P02"],
      ["select $1::text::jsonb", "22P02"],
      ["insert into kept values ($1), ($1)", "23505"],
      ["insert into short values ($1)", "23514"],
      ["select length($1::text) / 0", "22012"],
      ["do $$ begin raise exception '" + SECRETS.value + "'; end $$", "P0001"],
    ];
    for (const [sql, sqlState] of failing) {
      const values = sql.includes("$1") ? [SECRETS.value] : [];
      assert.equal((await failureOf(pool.execute(sql, values))).sqlState, sqlState);
    }
  });
});

test("the server of the suite goes", async () => {
  await (await started)?.[Symbol.asyncDispose]();
});

function server(): Promise<PrivatePostgres> {
  started ??= startMigrated();
  return started;
}

async function startMigrated(): Promise<PrivatePostgres> {
  const postgres = await startPostgres({ password: SECRETS.password });
  const pool = await createPool({ url: postgres.url });
  await migrate(pool);
  await pool.execute("create table kept (name text primary key)");
  await pool.execute("create table short (name text check (length(name) < 5))");
  await pool.close();
  return postgres;
}

async function withPool(
  options: DatabasePoolOptions & Partial<PgDriverConfig>,
  use: (pool: DatabasePool) => Promise<void>,
): Promise<void> {
  const config = { url: (await server()).url, max: 1, ...options };
  const pool = new DatabasePool(new PgDriver(config), config);
  try {
    await use(pool);
  } finally {
    await pool.close(100);
  }
}

async function withProxiedPool(
  use: (pool: DatabasePool, proxy: TcpProxy) => Promise<void>,
): Promise<void> {
  const { url, port } = await server();
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port });
  try {
    await withPool({ url: proxy.through(url) }, (pool) => use(pool, proxy));
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
}

function insert(
  database: DatabasePool | Transaction,
  name: string,
  timeoutMs = 5_000,
): Promise<unknown> {
  return database.execute(INSERT, [name], { timeoutMs });
}

async function backendOf(database: DatabasePool | Transaction): Promise<number> {
  const { rows } = await database.execute("select pg_backend_pid() as pid");
  return rows[0]?.["pid"] as number;
}

/** Which of the names the server has, asked for without the pool. */
async function kept(...names: string[]): Promise<string[]> {
  const sql = "select name from kept where name = any($1)";
  return await query(sql, [names]) as string[];
}

/** Asks the server without the pool; returns the first column. */
async function query(sql: string, values: unknown[] = []): Promise<unknown[]> {
  const { url } = await server();
  return await withClient(url, async (client) => {
    const { rows } = await client.query({ text: sql, values, rowMode: "array" });
    return rows.map(([first]) => first);
  });
}

async function lives(pid: number): Promise<boolean> {
  return (await query("select pid from pg_stat_activity where pid = $1", [pid])).length > 0;
}

async function endBackend(pid: number): Promise<void> {
  await query("select pg_terminate_backend($1)", [pid]);
  await until(async () => !await lives(pid));
}

async function setReadOnly(readOnly: boolean): Promise<void> {
  await query(`alter system set default_transaction_read_only = ${readOnly}`);
  await query("select pg_reload_conf()");
}

function verdict({ code, outcome, retryable }: DatabaseError): unknown {
  return { code, outcome, retryable };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 5_000;
  while (!(await condition())) {
    assert.ok(performance.now() < endMs, "it was not so within 5 seconds");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The error of a call, which has to be ours and to show no secret. */
async function failureOf(call: Promise<unknown>): Promise<DatabaseError> {
  const error = await call.then(() => undefined, (error) => error);
  assert.ok(error instanceof DatabaseError, `it did not fail as it should: ${error}`);
  const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) +
    error.message + error.stack;
  for (const secret of Object.values(SECRETS)) assert.ok(!shown.includes(secret), shown);
  return error;
}
