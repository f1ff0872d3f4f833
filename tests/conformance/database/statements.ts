import assert from "node:assert/strict";
import type { Database } from "../../../database/database.ts";
import { type Statement, statement } from "../../../database/statement.ts";
import { type DatabaseTest, type PoolHarness, rejects } from "./harness.ts";

const addKey: Statement<{ id: boolean; key: string }, { id: boolean }> = statement(
  "add key",
  { id: "bool" },
  (db, input: { id: boolean; key: string }) =>
    db.insertInto("cursor_key").values({ id: input.id, key: input.key }).returning("id"),
);

const readTypes = statement(
  "read types",
  {
    ...{ text: "text", int8: "int8", timestamptz: "timestamptz", none: "int8?" },
    ...{ float8: "float8", bool: "bool" },
  } as const,
  (db, input: { text: string; time: string }) =>
    db.selectNoFrom(({ cast, lit, val }) => [
      cast<string>(val(input.text), "text").as("text"),
      cast<number>(lit(5), "int8").as("int8"),
      cast<Date>(cast(val(input.time), "text"), "timestamptz").as("timestamptz"),
      cast<number | null>(lit(null), "int8").as("none"),
      cast<number>(lit(0.5), "float8").as("float8"),
      lit(true).as("bool"),
    ]),
);

/** Statements, the query builder, and the errors of both. */
export function testStatements(test: DatabaseTest, { capabilities }: PoolHarness): void {
  test("a statement runs with the values of its input, on the pool and in a transaction", async ({ pool, small }) => {
    const unnamed = await small();
    const expected = {
      ...{ text: "it's", int8: 5, timestamptz: new Date("2026-11-22T22:27:00Z"), none: null },
      ...{ float8: 0.5, bool: true },
    };
    const check = async (database: Database): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        const rows = await database.run(readTypes, {
          text: "it's",
          time: "2026-11-22 22:27:00+00",
        });
        assert.deepEqual(rows.map((row) => ({ ...row })), [expected]);
      }
    };
    for (const each of [pool, unnamed]) {
      await check(each);
      await each.transaction(check);
    }
  });

  test("the query builder knows the schema, and its errors are mapped like all others", async ({ pool }) => {
    await createCursorKey(pool);
    const added = await pool.query.insertInto("cursor_key").values({ key: "a" }).executeTakeFirst();
    assert.equal(added.numInsertedOrUpdatedRows, 1n);
    const again = pool.query.insertInto("cursor_key").values({ key: "b" }).execute();
    await rejects(again, { code: "already_exists", outcome: "not-applied", field: "id" });
    await pool.transaction(async (transaction) => {
      await transaction.query.updateTable("cursor_key").set({ key: "c" }).execute();
      const row = await transaction.query.selectFrom("cursor_key").select("key").executeTakeFirst();
      assert.equal(row?.key, "c");
      throw new Error("enough");
    }).catch((error) => assert.equal(error.message, "enough"));
    const { key } = await pool.query.selectFrom("cursor_key").select("key")
      .executeTakeFirstOrThrow();
    assert.equal(key, "a");
  });

  test("the query builder's own transaction, and streaming, are refused", async ({ pool }) => {
    const builders = [pool.query];
    await pool.transaction((transaction) => Promise.resolve(builders.push(transaction.query)));
    for (const query of builders) {
      let called = false;
      const call = query.transaction().execute(() => Promise.resolve(called = true));
      await rejects(call, { code: "unsupported" });
      await rejects(query.startTransaction().execute(), { code: "unsupported" });
      assert.equal(called, false);
    }
    const rows = pool.query.selectFrom("cursor_key").selectAll().stream();
    await rejects(rows.next(), { code: "unsupported" });
  });

  test("closing the query builder does not close the pool", async ({ pool }) => {
    await pool.query.destroy();
    assert.equal((await pool.execute("select 1 as one")).rows[0]?.["one"], 1);
  });

  test("an error names constraint, field and SQLSTATE, and never the value", async ({ pool }) => {
    await createCursorKey(pool);
    await pool.run(addKey, { id: true, key: "canary" });
    const call = pool.run(addKey, { id: true, key: "canary" });
    await assert.rejects(call, {
      name: "DatabaseError",
      message: "Cannot add key: duplicate id",
      ...{ code: "already_exists", operation: "add key", outcome: "not-applied", retryable: false },
      ...{ constraint: "cursor_key_pkey", field: "id", sqlState: "23505" },
    });
    const check = pool.run(addKey, { id: false, key: "canary" });
    await assert.rejects(check, {
      ...{ code: "constraint_violated", constraint: "cursor_key_id_check", sqlState: "23514" },
      field: "id",
    });
    const missing = pool.run(addKey, { id: true, key: undefined as unknown as string });
    await assert.rejects(missing, { code: "constraint_violated", field: "key", sqlState: "23502" });
  });

  test("a text that is no SQL, a missing table and a bad value are errors of the caller", async ({ pool }) => {
    await assert.rejects(pool.execute("selec 1"), { code: "internal", sqlState: "42601" });
    await assert.rejects(pool.execute("select * from nowhere"), {
      code: "internal",
      message: "Cannot execute statement: a table is missing; run the migrations",
    });
    const bad = pool.execute("select $1::text::integer", ["canary"]);
    await assert.rejects(bad, (error: Error & { sqlState?: string }) => {
      assert.equal(error.sqlState, "22P02");
      assert.ok(!`${error.message} ${error.stack} ${error.cause}`.includes("canary"));
      return true;
    });
    assert.equal((await pool.execute("select 1 as one")).rows[0]?.["one"], 1);
  });

  test("a described statement is not run, and one that the server refuses is an error", async ({ pool, table }) => {
    const insert = `insert into ${table} (id) values ($1) returning id, label`;
    const columns = await pool.describe(insert, "describe");
    if (capabilities.describesColumns) {
      assert.deepEqual(columns, [{ name: "id", typeId: 23 }, { name: "label", typeId: 25 }]);
    }
    assert.equal(
      (await pool.execute(`select count(*)::int4 as n from ${table}`)).rows[0]?.["n"],
      0,
    );
    const refused = pool.describe("select nothing from nowhere", "describe");
    await assert.rejects(refused, { sqlState: "42P01" });
    await pool.execute("select 1");
  });
}

async function createCursorKey(database: Database): Promise<void> {
  await database.execute("drop table if exists cursor_key");
  await database.execute(
    `create table cursor_key (id boolean default true, key text not null,
      constraint cursor_key_pkey primary key (id), constraint cursor_key_id_check check (id))`,
  );
}
