import assert from "node:assert/strict";
import { PgDriver } from "../../../database/drivers/pg.ts";
import { findService, serviceTest } from "../../support/services.ts";

const serverTest = serviceTest(await findService("postgres"));

serverTest("a statement is described, not run, and a refused one costs nothing", async (url) => {
  const connection = await new PgDriver({ url }).connect(() => {});
  try {
    assert.deepEqual(await connection.describe("select 1 / 0 as n, $1::text as text"), [
      { name: "n", typeId: 23 },
      { name: "text", typeId: 25 },
    ]);
    await connection.execute({ text: "create temp table t (n integer)", values: [] });
    assert.deepEqual(await connection.describe("insert into t values (1)"), []);
    await assert.rejects(connection.describe("select nothing_of_that_name"), { code: "42703" });
    const { rows } = await connection.execute({ text: "select count(*) as n from t", values: [] });
    assert.deepEqual(rows, [{ n: 0 }]);
    assert.equal(connection.reusable, true);
  } finally {
    await connection.close();
  }
});
