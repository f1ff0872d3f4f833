import assert from "node:assert/strict";
import { CopyRows } from "../../../database/copy_rows.ts";
import { createPool, type DatabasePool } from "../../../database/mod.ts";
import { createTestDatabase } from "../../support/postgres.ts";
import { findService, serviceTest } from "../../support/services.ts";

const serverTest = serviceTest(await findService("postgres"));

const COPY = "copy numbers from stdin (format binary)";
const OPERATION = "copy numbers";

async function withNumbers(
  url: string,
  use: (pool: DatabasePool, databaseUrl: string) => Promise<void>,
): Promise<void> {
  const database = await createTestDatabase(url);
  const pool = await createPool({ url: database.url });
  try {
    await pool.execute("create table numbers (n integer constraint positive check (n > 0))");
    await use(pool, database.url);
  } finally {
    await pool.close();
    await database.drop();
  }
}

function numbers(...values: number[]): Uint8Array {
  const rows = new CopyRows();
  for (const value of values) {
    rows.row(1);
    rows.int4(value);
  }
  return rows.end();
}

async function stored(pool: DatabasePool): Promise<unknown[]> {
  return (await pool.execute("select n from numbers order by n")).rows.map(({ n }) => n);
}

serverTest(
  "copies and statements of a transaction take effect together",
  (url) =>
    withNumbers(url, async (pool) => {
      const counts = await pool.transaction(async (transaction) => {
        assert.equal(transaction.copies, true);
        const first = await transaction.copyFrom(COPY, numbers(1, 2), OPERATION);
        await transaction.execute("insert into numbers values (3)");
        const second = await transaction.copyFrom(
          COPY,
          numbers(...Array(100_000).fill(4)),
          OPERATION,
        );
        return [first.rowCount, second.rowCount];
      });
      assert.deepEqual(counts, [2, 100_000]);
      assert.deepEqual((await stored(pool)).slice(0, 4), [1, 2, 3, 4]);
    }),
);

serverTest(
  "a refused copy says why, stores nothing and does not cost the connection",
  (url) =>
    withNumbers(url, async (pool) => {
      const cut = numbers(5).subarray(0, -4);
      const cases: [string, Uint8Array, object][] = [
        [COPY, numbers(5, -1, ...Array(100_000).fill(6)), {
          code: "constraint_violated",
          constraint: "positive",
          operation: OPERATION,
        }],
        ["copy nothing from stdin (format binary)", numbers(5), { sqlState: "42P01" }],
        [COPY, cut, { sqlState: "22P04" }],
        [COPY, new Uint8Array(), { sqlState: "22P04" }],
      ];
      for (const [text, rows, expected] of cases) {
        await pool.transaction(async (transaction) => {
          const copy = transaction.transaction((nested) => nested.copyFrom(text, rows, OPERATION));
          await assert.rejects(copy, expected);
          await transaction.copyFrom(COPY, numbers(7), OPERATION);
        });
      }
      const ignoring = pool.transaction((transaction) =>
        transaction.copyFrom(COPY, numbers(-1), OPERATION).catch(() => {})
      );
      await assert.rejects(ignoring, { code: "constraint_violated" });
      assert.deepEqual(await stored(pool), [7, 7, 7, 7]);
      assert.equal(pool.stats.total, 1);
    }),
);

serverTest(
  "a copy that waits is ended by its deadline, and the transaction is lost",
  (url) =>
    withNumbers(url, async (pool, databaseUrl) => {
      const other = await createPool({ url: databaseUrl });
      await other.transaction(async (holder) => {
        await holder.execute("lock table numbers");
        const late = pool.transaction((transaction) =>
          transaction.copyFrom(COPY, numbers(1), OPERATION, { timeoutMs: 50 })
        );
        await assert.rejects(late, { code: "timeout", outcome: "not-applied" });
      }).finally(() => other.close());
      assert.deepEqual(await stored(pool), []);
    }),
);
