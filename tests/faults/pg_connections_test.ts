import assert from "node:assert/strict";
import process from "node:process";
import { withClient } from "../support/postgres.ts";
import { blackholeAfter } from "../support/toxics.ts";
import {
  backendOf,
  failureOf,
  recovers,
  SECRETS,
  settled,
  SLEEP,
  sleeping,
  stopServer,
  test,
  until,
  withPool,
  withProxiedPool,
} from "../support/faulty_postgres.ts";

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

test("the server of the suite goes", stopServer);
