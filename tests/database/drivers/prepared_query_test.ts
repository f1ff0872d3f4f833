import assert from "node:assert/strict";
import { test } from "node:test";
import { PgDriver } from "../../../database/drivers/pg.ts";
import { PreparedQuery } from "../../../database/drivers/prepared_query.ts";
import type { DriverConnection } from "../../../database/driver.ts";
import { findService, serviceTest } from "../../support/services.ts";

const serverTest = serviceTest(await findService("postgres"));

async function withConnection(
  url: string,
  use: (connection: DriverConnection) => Promise<void>,
): Promise<void> {
  const connection = await new PgDriver({ url }).connect(() => {});
  try {
    await use(connection);
  } finally {
    await connection.close();
  }
}

serverTest(
  "a named statement gives the same rows as an unnamed one, also when its columns are remembered",
  (url) =>
    withConnection(url, async (connection) => {
      const text = `select $1::text as text, $2::int8 as big, 1.5::numeric as exact, true as yes,
      null::text as nothing, '{a,"b c"}'::text[] as list, '{"a":[1]}'::jsonb as json,
      '2026-01-02 03:04:05.678901+00'::timestamptz as at, '2026-01-02'::date as day
      from generate_series(1, 2)`;
      const values = ["ä\u{1F600}", 2 ** 53 - 1];
      const unnamed = await connection.execute({ text, values });
      for (let call = 0; call < 3; call++) {
        assert.deepEqual(await connection.execute({ text, values, name: "all_types" }), unnamed);
      }
      assert.deepEqual(unnamed.rows[0], {
        text: "ä\u{1F600}",
        big: 2 ** 53 - 1,
        exact: "1.5",
        yes: true,
        nothing: null,
        list: ["a", "b c"],
        json: { a: [1] },
        at: new Date("2026-01-02T03:04:05.678Z"),
        day: "2026-01-02",
      });
      assert.deepEqual([unnamed.rowCount, unnamed.command], [2, "SELECT"]);
    }),
);

serverTest(
  "a named statement says how many rows it changed",
  (url) =>
    withConnection(url, async (connection) => {
      await connection.execute({ text: "create temp table t (n integer)", values: [] });
      const insert = {
        text: "insert into t select n from generate_series(1, $1::integer) n",
        values: [3],
        name: "insert_t",
      };
      for (let call = 0; call < 2; call++) {
        const { rows, rowCount, command } = await connection.execute(insert);
        assert.deepEqual([rows, rowCount, command], [[], 3, "INSERT"]);
      }
    }),
);

serverTest(
  "after a refused named statement the connection goes on",
  (url) =>
    withConnection(url, async (connection) => {
      const divide = { text: "select 1 / $1::integer as n", values: [0], name: "divide" };
      await assert.rejects(connection.execute(divide), { code: "22012" });
      assert.deepEqual((await connection.execute({ ...divide, values: [1] })).rows, [{ n: 1 }]);
      await assert.rejects(
        connection.execute({ text: "select nothing_of_that_name", values: [], name: "wrong" }),
        { code: "42703" },
      );
      assert.equal(connection.reusable, true);
    }),
);

serverTest(
  "a statement whose columns changed on the server costs the connection, never wrong rows",
  (url) =>
    withConnection(url, async (connection) => {
      await connection.execute({ text: "create temp table t as select 1 as a", values: [] });
      const read = { text: "select * from t", values: [], name: "read_t" };
      assert.deepEqual((await connection.execute(read)).rows, [{ a: 1 }]);
      await connection.execute({ text: "alter table t add column b text default 'b'", values: [] });
      await assert.rejects(connection.execute(read), { code: "0A000" });
      assert.equal(connection.usable, false);
    }),
);

serverTest(
  "a value that cannot be sent is refused, and the connection goes on",
  (url) =>
    withConnection(url, async (connection) => {
      const text = "select $1::text as text";
      for (const value of [{ a: 1 }, [1], Object.create(null), new Uint8Array(1), new Date(NaN)]) {
        const call = connection.execute({ text, values: [value], name: "echo" });
        await assert.rejects(call, (error) =>
          error instanceof TypeError || error instanceof RangeError);
        const { rows } = await connection.execute({ text, values: ["x"], name: "echo" });
        assert.deepEqual(rows, [{ text: "x" }]);
      }
      assert.deepEqual([connection.usable, connection.reusable], [true, true]);
    }),
);

test("a value that cannot be read is an error of its statement, and not the end of the process", async () => {
  const mine = new Error("mine");
  const refuse = (): never => {
    throw mine;
  };
  const query = new PreparedQuery({ name: "n", text: "", values: [] }, new Map(), () => refuse);
  query.handleRowDescription({ fields: [{ name: "a", dataTypeID: 1 }] });
  query.handleDataRow({ fields: [null] });
  query.handleDataRow({ fields: ["x"] });
  query.handleCommandComplete({ text: "SELECT 2" });
  query.handleReadyForQuery();
  await assert.rejects(query.result, (error) => error === mine);
});
