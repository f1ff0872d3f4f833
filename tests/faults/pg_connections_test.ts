import assert from "node:assert/strict";
import process from "node:process";
import { inspect } from "node:util";
import { createPool } from "../../database/create_pool.ts";
import { DatabasePool, type DatabasePoolOptions } from "../../database/database_pool.ts";
import { PgDriver } from "../../database/drivers/pg.ts";
import { DatabaseError } from "../../core/errors.ts";
import { withClient } from "../support/postgres.ts";
import { type PrivatePostgres, startPostgres } from "../support/private_postgres.ts";
import { privateServerTest } from "../support/services.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { blackholeAfter } from "../support/toxics.ts";

/** No error may show these. */
const SECRETS = { password: "canary-password-51c7", value: "canary-value-9e02" };

/** How much later than its deadline a call may settle. */
const GRACE_MS = 1_000;

/** The user `app` gets two of these; three are kept for superusers. */
const SETTINGS = { max_connections: 10, superuser_reserved_connections: 8 };

const SLEEP = "select pg_sleep(30), $1::text";

const test = privateServerTest("postgres");
let started: Promise<PrivatePostgres> | undefined;

test("an idle connection that the server ends is replaced, and the process lives on", async () => {
  await withPool({}, async (pool, server) => {
    const before = await backendOf(pool);
    await withClient(
      server.url,
      (client) => client.query("select pg_terminate_backend($1)", [before]),
    );
    await until(() => pool.stats.total === 0);
    assert.notEqual(await backendOf(pool), before);
  });
});

test("an idle connection that is reset is replaced", async () => {
  await withProxiedPool({}, async (pool, proxy) => {
    const before = await backendOf(pool);
    proxy.resetAll();
    await until(() => pool.stats.total === 0);
    assert.notEqual(await backendOf(pool), before);
  });
});

test("a killed backend costs the running calls, and the same pool recovers within 5 seconds", async () => {
  await withPool({ max: 2 }, async (pool, server) => {
    const victim = await backendOf(pool);
    const calls = [1, 2].map(() => failureOf(() => pool.execute(SLEEP, [SECRETS.value]), 5_000));
    await until(async () => await sleeping(server) === 2);
    process.kill(victim, "SIGKILL");
    for (const { code, outcome, retryable } of await Promise.all(calls)) {
      assert.deepEqual({ code, outcome, retryable }, {
        code: "unavailable",
        outcome: "unknown",
        retryable: false,
      });
    }
    await recovers(pool);
  });
});

test("after a shutdown calls fail as unavailable, and after the start the same pool works", async () => {
  for (const mode of ["fast", "immediate"] as const) {
    await withPool({}, async (pool, server) => {
      await backendOf(pool);
      await server.stop(mode);
      try {
        await until(() => pool.stats.total === 0);
        const { code, retryable, message } = await failureOf(() => pool.check(), 5_000);
        assert.deepEqual({ code, retryable }, { code: "unavailable", retryable: true });
        assert.match(message, /the server refused the connection/);
      } finally {
        await server.start();
      }
      await recovers(pool);
    });
  }
});

test("a wrong password is unauthenticated, and the error says so", async () => {
  const { url } = await server();
  const wrong = url.replace(SECRETS.password, `${SECRETS.password}-wrong`);
  const { code, retryable, message } = await failureOf(() => createPool({ url: wrong }), 5_000);
  assert.deepEqual({ code, retryable }, { code: "unauthenticated", retryable: false });
  assert.match(message, /wrong password or unknown user/);
});

test("no password where one is asked for is unauthenticated", async () => {
  const url = new URL((await server()).url);
  url.password = "";
  const { code, message } = await failureOf(() => createPool({ url: url.href }), 5_000);
  assert.equal(code, "unauthenticated");
  assert.match(message, /the password is missing/);
});

test("an unknown database is a mistake of the configuration", async () => {
  const url = new URL((await server()).url);
  url.pathname = "/missing";
  const { code, retryable, message } = await failureOf(() => createPool({ url: url.href }), 5_000);
  assert.deepEqual({ code, retryable }, { code: "configuration_invalid", retryable: false });
  assert.match(message, /the database does not exist/);
});

test("an unknown host is unavailable, and the error says so", async () => {
  const url = `postgres://app:${SECRETS.password}@host.invalid/postgres?sslmode=disable`;
  const { code, message } = await failureOf(() => createPool({ url }), 5_000);
  assert.equal(code, "unavailable");
  assert.match(message, /the host name/);
});

test("a full pool is overloaded at the deadline, and serves again afterwards", async () => {
  await withPool({}, async (pool) => {
    const held = pool.execute("select pg_sleep(0.5)");
    const call = (): Promise<unknown> => pool.execute("select 1", [], { timeoutMs: 200 });
    const { code, retryable, outcome, message } = await failureOf(call, 200);
    assert.deepEqual({ code, retryable, outcome }, {
      code: "overloaded",
      retryable: true,
      outcome: "not-applied",
    });
    assert.match(message, /the pool is full/);
    await held;
    await backendOf(pool);
  });
});

test("a server without a connection left is overloaded, and the error blames the server", async () => {
  const { url } = await server();
  await withClient(url, (client) => {
    return client.query(`create role app login password '${SECRETS.password}'`);
  });
  const pool = openPool(url.replace("//exchange:", "//app:"), { max: 3 });
  try {
    const calls = [1, 2, 3].map(() => settled(pool.execute("select pg_sleep(1)")));
    const errors = (await Promise.all(calls)).filter((error) => error !== undefined);
    // A connection that still closes can take a place: one call is refused, or more.
    assert.deepEqual(new Set(errors.map((one) => one.sqlState)), new Set(["53300"]));
    assert.equal(errors[0]!.code, "overloaded");
    assert.match(errors[0]!.message, /the server has no connection left/);
    await pool.check();
  } finally {
    await pool.close(100);
  }
});

test("a server that hangs before it accepts a session is unavailable at the acquire timeout", async () => {
  const postgres = await server();
  const pool = openPool(postgres.url, { acquireTimeoutMs: 300 });
  await postgres.pause();
  try {
    const { code, retryable, message } = await failureOf(() => pool.check(), 300);
    assert.deepEqual({ code, retryable }, { code: "unavailable", retryable: true });
    assert.match(message, /did not accept a connection within/);
    postgres.resume();
    await recovers(pool);
  } finally {
    postgres.resume();
    await pool.close(100);
  }
});

test("a server that hangs during a statement costs it its deadline, and the pool recovers", async () => {
  await withPool({}, async (pool, server) => {
    const before = await backendOf(pool);
    await server.pause();
    const call = (): Promise<unknown> =>
      pool.execute("select $1", [SECRETS.value], { timeoutMs: 300 });
    const { code, outcome } = await failureOf(call, 300);
    server.resume();
    assert.deepEqual({ code, outcome }, { code: "timeout", outcome: "unknown" });
    assert.notEqual(await backendOf(pool), before);
  });
});

test("an idle connection to a server that hangs is not given out, and the pool recovers", async () => {
  await withPool({ validateAfterIdleMs: 1, acquireTimeoutMs: 300 }, async (pool, server) => {
    await backendOf(pool);
    await server.pause();
    const { code, outcome } = await failureOf(() => pool.execute("select 1"), 300);
    server.resume();
    assert.deepEqual({ code, outcome }, { code: "unavailable", outcome: "not-applied" });
    await recovers(pool);
  });
});

test("a half-open idle connection is found and replaced before it is given out", async () => {
  await withProxiedPool({ validateAfterIdleMs: 1 }, async (pool, proxy) => {
    const before = await backendOf(pool);
    // `select 1` is what an idle connection is tried with.
    proxy.add(blackholeAfter(/select 1/));
    // It has to idle for longer than it may untried.
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.notEqual(await backendOf(pool), before);
    assert.equal(pool.stats.total, 1);
  });
});

test("a statement at its deadline is stopped on the server, and its connection is not reused", async () => {
  await withPool({}, async (pool, server) => {
    const before = await backendOf(pool);
    const call = (): Promise<unknown> => pool.execute(SLEEP, [SECRETS.value], { timeoutMs: 200 });
    const { code, outcome } = await failureOf(call, 200);
    assert.deepEqual({ code, outcome }, { code: "timeout", outcome: "unknown" });
    await until(async () => await sleeping(server) === 0, 1_000);
    assert.notEqual(await backendOf(pool), before);
  });
});

test("an aborted statement is stopped on the server, and its connection is not reused", async () => {
  await withPool({}, async (pool, server) => {
    const before = await backendOf(pool);
    const controller = new AbortController();
    const { signal } = controller;
    const call = failureOf(() => pool.execute(SLEEP, [SECRETS.value], { signal }), 5_000);
    await until(async () => await sleeping(server) === 1);
    controller.abort();
    const { code, outcome } = await call;
    assert.deepEqual({ code, outcome }, { code: "aborted", outcome: "unknown" });
    await until(async () => await sleeping(server) === 0, 1_000);
    assert.notEqual(await backendOf(pool), before);
  });
});

test("a pool that closes stops on the server what has not ended by its deadline", async () => {
  await withPool({}, async (pool, server) => {
    const call = failureOf(() => pool.execute(SLEEP, [SECRETS.value]), 5_000);
    await until(async () => await sleeping(server) === 1);
    await pool.close(50);
    assert.equal((await call).outcome, "unknown");
    await until(async () => await sleeping(server) === 0, 1_000);
  });
});

test("a connection that was left inside a transaction is not handed on", async () => {
  await withPool({}, async (pool) => {
    for (const leave of ["begin", "begin; select 1 / 0"]) {
      const before = await backendOf(pool);
      await settled(pool.execute(leave));
      assert.notEqual(await backendOf(pool), before);
    }
  });
});

test("the server of the suite goes", async () => {
  await (await started)?.[Symbol.asyncDispose]();
});

function server(): Promise<PrivatePostgres> {
  started ??= startPostgres({ password: SECRETS.password, settings: SETTINGS });
  return started;
}

/** Unlike `createPool`, this asks the server for nothing. */
function openPool(url: string, options: DatabasePoolOptions): DatabasePool {
  return new DatabasePool(new PgDriver({ url }), { max: 1, ...options });
}

async function withPool(
  options: DatabasePoolOptions,
  use: (pool: DatabasePool, server: PrivatePostgres) => Promise<void>,
): Promise<void> {
  const postgres = await server();
  const pool = openPool(postgres.url, options);
  try {
    await use(pool, postgres);
  } finally {
    postgres.resume();
    await pool.close(100);
  }
}

async function withProxiedPool(
  options: DatabasePoolOptions,
  use: (pool: DatabasePool, proxy: TcpProxy) => Promise<void>,
): Promise<void> {
  const { url, port } = await server();
  const proxy = await TcpProxy.start({ host: "127.0.0.1", port });
  const pool = openPool(proxy.through(url), options);
  try {
    await use(pool, proxy);
  } finally {
    await pool.close(100);
    await proxy[Symbol.asyncDispose]();
  }
}

/** The process that serves the pool's only connection. */
async function backendOf(pool: DatabasePool): Promise<number> {
  const { rows } = await pool.execute("select pg_backend_pid() as pid");
  return rows[0]?.["pid"] as number;
}

/** How many of the suite's long statements the server runs. */
function sleeping({ url }: PrivatePostgres): Promise<number> {
  const sql = "select from pg_stat_activity where state = 'active' and query = $1";
  return withClient(url, async (client) => (await client.query(sql, [SLEEP])).rowCount ?? 0);
}

/** Calls fail in one way only, and not for longer than 5 seconds. */
async function recovers(pool: DatabasePool): Promise<void> {
  await until(async () => {
    const error = await settled(pool.check({ timeoutMs: 2_000 }));
    if (error) assert.equal(error.code, "unavailable");
    return error === undefined;
  });
}

/** Polls the state of the server or the pool. */
async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 5_000,
): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!(await condition())) {
    assert.ok(performance.now() < endMs, `it was not so within ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The error of a call that has to fail in time. */
async function failureOf(call: () => Promise<unknown>, timeoutMs: number): Promise<DatabaseError> {
  const startMs = performance.now();
  const error = await settled(call());
  assert.ok(error, "it did not fail");
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs < timeoutMs + GRACE_MS, `it took ${tookMs} ms`);
  return error;
}

/** Waits; an error has to be ours and to show no secret. */
async function settled(call: Promise<unknown>): Promise<DatabaseError | undefined> {
  const error = await call.then(() => undefined, (error) => error);
  if (error === undefined) return undefined;
  assert.ok(error instanceof DatabaseError, String(error));
  const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) +
    error.message + error.stack;
  for (const secret of Object.values(SECRETS)) assert.ok(!shown.includes(secret), shown);
  return error;
}
