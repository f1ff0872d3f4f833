import assert from "node:assert/strict";
import { test } from "node:test";
import { DatabasePool, type DatabasePoolOptions } from "../../database/database_pool.ts";
import type { DriverQuery } from "../../database/driver.ts";
import { statement } from "../../database/statement.ts";
import { FakeDriver, forever, NOTHING } from "../support/fake_driver.ts";

const LOST = Object.assign(new Error("x"), { code: "ECONNRESET" });
const readKey = statement(
  "read key",
  { key: "text" },
  (db, _: object) => db.selectFrom("cursor_key").select("key"),
);
const addKey = statement(
  "add key",
  { id: "bool" },
  (db, input: { key: string }) =>
    db.insertInto("cursor_key").values({ key: input.key }).returning("id"),
);

test("a lost reply is unknown where the statement could write, and not-applied where it reads", async () => {
  const { pool } = open(() => Promise.reject(LOST));
  const unknown = { code: "unavailable", outcome: "unknown", retryable: false };
  const notApplied = { code: "unavailable", outcome: "not-applied", retryable: true };
  await assert.rejects(pool.run(addKey, { key: "a" }), { ...unknown, operation: "add key" });
  await assert.rejects(pool.execute("select 1"), unknown);
  await assert.rejects(pool.run(readKey, {}), { ...notApplied, operation: "read key" });
  await assert.rejects(pool.check(), { ...notApplied, operation: "check health" });
  const transaction = pool.transaction((transaction) => transaction.run(addKey, { key: "a" }));
  await assert.rejects(transaction, notApplied);
});

test("a commit whose reply is lost is not tried again", async () => {
  let attempts = 0;
  const { pool } = open(({ text }) =>
    text === "commit" ? Promise.reject(LOST) : Promise.resolve(NOTHING)
  );
  const call = pool.transaction(() => Promise.resolve(attempts++));
  await assert.rejects(call, { code: "unavailable", outcome: "unknown", retryable: false });
  assert.equal(attempts, 1);
});

test("a transaction that loses its connection is not tried again by itself", async () => {
  let attempts = 0;
  const { pool } = open(({ text }) =>
    text === "a" ? Promise.reject(LOST) : Promise.resolve(NOTHING)
  );
  const call = pool.transaction((transaction) => (attempts++, transaction.execute("a")));
  await assert.rejects(call, { code: "unavailable", outcome: "not-applied", retryable: true });
  assert.equal(attempts, 1);
});

test("a conflict at the commit runs the function again", async () => {
  let attempts = 0;
  const conflict = Object.assign(new Error("x"), { code: "40001" });
  const { pool } = open(({ text }) =>
    text === "commit" && attempts < 3 ? Promise.reject(conflict) : Promise.resolve(NOTHING)
  );
  await pool.transaction(() => Promise.resolve(attempts++));
  assert.equal(attempts, 3);
});

test("statements are sent under their names, or without", async () => {
  for (const preparedStatements of [undefined, true, false]) {
    const names: unknown[] = [];
    const { pool } = open(({ name }) => (names.push(name), Promise.resolve(NOTHING)), {
      ...(preparedStatements === undefined ? {} : { preparedStatements }),
    });
    await pool.run(readKey, {});
    await pool.transaction((transaction) => transaction.run(readKey, {}));
    const expected = preparedStatements === false ? undefined : readKey.toQuery({}, true).name;
    assert.deepEqual(names.filter(Boolean), expected ? [expected, expected] : []);
  }
});

test("the default deadlines are those of the options", async () => {
  const { pool } = open(({ text }) => text === "hang" ? forever() : Promise.resolve(NOTHING), {
    timeoutMs: 20,
    transactionTimeoutMs: 60,
  });
  const within = { code: "timeout", message: /within 20 ms/ };
  await assert.rejects(pool.execute("hang"), within);
  const inside = pool.transaction((transaction) => transaction.execute("hang"));
  await assert.rejects(inside, within);
  const hanging = pool.transaction(() => forever());
  await assert.rejects(hanging, { code: "timeout", message: /within \d+ ms/ });
});

test("what a call waits for a connection is taken from its deadline", async () => {
  const { pool, driver } = open(({ text }) =>
    text === "hang" ? forever() : Promise.resolve(NOTHING)
  );
  driver.attempts.push(() => new Promise((resolve) => setTimeout(resolve, 60)));
  const call = pool.execute("hang", [], { timeoutMs: 100 });
  await assert.rejects(call, ({ message }: Error) => {
    const leftMs = Number(/no answer within (\d+) ms/.exec(message)?.[1]);
    return leftMs > 0 && leftMs <= 45;
  });
});

test("the pool lends one connection for each statement and gets it back, also after errors", async () => {
  const duplicate = Object.assign(new Error("x"), { code: "23505" });
  const { pool, driver } = open(({ text }) =>
    text === "bad" ? Promise.reject(duplicate) : Promise.resolve(NOTHING)
  );
  await pool.execute("good");
  await assert.rejects(pool.execute("bad"), { code: "already_exists" });
  await assert.rejects(pool.transaction((transaction) => transaction.execute("bad")));
  await pool.query.selectFrom("cursor_key").selectAll().execute();
  assert.equal(driver.attempted, 1);
  assert.deepEqual(pool.stats, { total: 1, idle: 1, waiting: 0 });
});

test("health shows the driver, the version and how the pool stands", async () => {
  const { pool } = open(() => Promise.resolve({ ...NOTHING, rows: [{ version: "15.8" }] }));
  const shown = { driver: "fake", version: "15.8", total: 1, idle: 1, waiting: 0 };
  assert.deepEqual(await pool.check(), shown);
});

test("closing the pool closes the driver", async () => {
  const { pool, driver } = open();
  await pool.execute("a");
  await pool.close();
  assert.ok(driver.closed && driver.connections[0]?.closed);
});

function open(
  answer: FakeDriver["answer"] = (_: DriverQuery) => Promise.resolve(NOTHING),
  options?: DatabasePoolOptions,
): { pool: DatabasePool; driver: FakeDriver } {
  const driver = new FakeDriver();
  driver.answer = answer;
  return { pool: new DatabasePool(driver, options), driver };
}
