import assert from "node:assert/strict";
import { PostgresUserRepository } from "../../database/repositories/user_repository.ts";
import { withClient } from "../support/postgres.ts";
import { swallowReply } from "../support/toxics.ts";
import {
  backendOf,
  endBackend,
  failureOf,
  insert,
  kept,
  lives,
  LOST_BEFORE,
  LOST_REPLY,
  SECRETS,
  server,
  setReadOnly,
  stopServer,
  test,
  until,
  verdict,
  withPool,
  withProxiedPool,
} from "../support/transaction_faults.ts";

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
    proxy.add(swallowReply(/insert into users/));
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

test("the server of the suite goes", stopServer);
