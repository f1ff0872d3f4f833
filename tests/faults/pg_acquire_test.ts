import assert from "node:assert/strict";
import { createPool } from "../../database/create_pool.ts";
import { withClient } from "../support/postgres.ts";
import {
  backendOf,
  failureOf,
  openPool,
  recovers,
  SECRETS,
  server,
  settled,
  stopServer,
  test,
  withPool,
} from "../support/faulty_postgres.ts";

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

test("the server of the suite goes", stopServer);
