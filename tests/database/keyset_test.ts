import assert from "node:assert/strict";
import * as fc from "fast-check";
import { sql } from "kysely";
import type { Page, PageRequest } from "../../core/page.ts";
import { arrayLiteral } from "../../database/array_literal.ts";
import { createPool } from "../../database/create_pool.ts";
import { CursorCodec } from "../../database/cursor.ts";
import { count, type KeysetList, readPage } from "../../database/keyset.ts";
import { sql as cursorKeyTable } from "../../database/migrations/0005_cursor_key.ts";
import { DatabasePool } from "../../database/database_pool.ts";
import { queryBuilder } from "../../database/query_builder.ts";
import { FakeDriver, forever } from "../support/fake_driver.ts";
import { after, before, test, whenPermitted } from "../support/permitted.ts";

interface Thing {
  readonly number: number;
  readonly time: string;
  readonly text: string;
  readonly score: number;
}

const pool = await whenPermitted(() => createPool({ embedded: {} }));
const cursors = new CursorCodec(pool);
after(() => pool.close());
before(async () => {
  await pool.execute(cursorKeyTable);
  await pool.execute(
    "create table things (number int4 primary key, time timestamptz, text text, score float8)",
  );
});

const TYPES = { number: "int4", time: "timestamptz", text: "text", score: "float8" } as const;

function things(
  columns: readonly (keyof Thing)[],
  descending = false,
  least = 0,
): KeysetList<{ t: Thing }, "t", Thing> {
  return {
    operation: "list things",
    columns: { number: "int4", time: "timestamptz", text: "text", score: "float8" },
    identity: ["things", columns, descending, least],
    query: queryBuilder.selectFrom(sql<Thing>`things`.as("t"))
      .select(["number", "time", "text", "score"]).where("number", ">=", least),
    sort: columns.map((column) => ({ column: `t.${column}`, type: TYPES[column] })),
    descending,
  };
}

async function fill(rows: readonly Omit<Thing, "number">[]): Promise<void> {
  await pool.execute("truncate things");
  await add(rows, 0);
}

async function add(rows: readonly Omit<Thing, "number">[], after: number): Promise<void> {
  await pool.execute(
    `insert into things select $1::int4 + number, time, text, score
    from unnest($2::text::timestamptz[], $3::text::text[], $4::text::float8[])
      with ordinality as t (time, text, score, number)`,
    [
      after,
      arrayLiteral(rows.map(({ time }) => time)),
      arrayLiteral(rows.map(({ text }) => text)),
      arrayLiteral(rows.map(({ score }) => score)),
    ],
  );
}

/** Every page of a list, with what `between` does after each. */
async function readPages(
  list: KeysetList<{ t: Thing }, "t", Thing>,
  limit: number,
  between: (page: Page<Thing>) => Promise<void> = async () => {},
): Promise<number[][]> {
  const pages: number[][] = [];
  let request: PageRequest = { limit };
  for (;;) {
    const page = await readPage(pool, cursors, list, request);
    pages.push(page.items.map(({ number }) => number));
    if (page.nextCursor === undefined) return pages;
    await between(page);
    request = { limit, cursor: page.nextCursor };
  }
}

/** Few values, so that many are equal, and those whose text could lose something. */
const row = fc.record({
  time: fc.constantFrom(
    "2026-01-01 00:00:00.000001Z",
    "2026-01-01 00:00:00.000002Z",
    "2026-01-01 00:00:00Z",
    "1969-12-31 23:59:59.999999Z",
    "12000-01-01 00:00:00Z",
  ),
  text: fc.constantFrom("", "a", "A", "a b", "é", "'", '"', "\\", "%", "\n", "💡"),
  score: fc.constantFrom(0, 0.1, 0.1 + 2 ** -55, -1e-300, 5e-324, 1e308, -0.30000000000000004),
});

test("pages of any length hold every row once, in the order of the whole list", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { maxLength: 30 }),
      fc.shuffledSubarray(["time", "text", "score"] as const),
      fc.boolean(),
      fc.integer({ min: 1, max: 12 }),
      async (rows, columns, descending, limit) => {
        await fill(rows);
        const list = things([...columns, "number"], descending);
        const [all = []] = await readPages(list, 1_000);
        assert.deepEqual([...all].sort((a, b) => a - b), rows.map((_, index) => index + 1));
        assert.deepEqual((await readPages(list, limit)).flat(), all);
      },
    ),
    { numRuns: 60 },
  );
});

const SAME = { time: "2026-01-01 00:00:00.000001Z", text: "a", score: 1 };

test("what is inserted meanwhile neither repeats nor hides a row", async () => {
  await fill(Array.from({ length: 6 }, () => SAME));
  let next = 6;
  const pages = await readPages(things(["time", "number"], true), 2, async () => {
    await add([SAME], next++);
    await add([{ ...SAME, time: "2026-01-01 00:00:00.000002Z" }], next++);
  });
  assert.deepEqual(pages, [[6, 5], [4, 3], [2, 1]]);
});

test("what is deleted meanwhile, also the last row of a page, hides no other", async () => {
  await fill(Array.from({ length: 6 }, () => SAME));
  const pages = await readPages(things(["time", "number"]), 2, async ({ items }) => {
    await pool.execute("delete from things where number = $1", [items.at(-1)!.number]);
  });
  assert.deepEqual(pages, [[1, 2], [3, 4], [5, 6]]);
});

test("the last page has no cursor, also when it is full or empty", async () => {
  await fill(Array.from({ length: 4 }, () => SAME));
  assert.deepEqual(await readPages(things(["number"]), 2), [[1, 2], [3, 4]]);
  assert.deepEqual(await readPages(things(["number"]), 4), [[1, 2, 3, 4]]);
  assert.deepEqual(await readPages(things(["number"], false, 9), 4), [[]]);
});

test("a page has 50 rows unless the limit says otherwise", async () => {
  await fill(Array.from({ length: 60 }, () => SAME));
  assert.equal((await readPage(pool, cursors, things(["number"]), {})).items.length, 50);
  for (const limit of [0, -1, 1_001, 1.5, NaN, "2"]) {
    const request = { limit: limit as number };
    await assert.rejects(readPage(pool, cursors, things(["number"]), request), { field: "limit" });
  }
});

test("the total counts what the filters leave, whatever the page is", async () => {
  await fill(Array.from({ length: 5 }, () => SAME));
  const list = things(["number"], false, 3);
  assert.equal(await count(pool, list), 3);
  const first = await readPage(pool, cursors, list, { limit: 2, withTotal: true });
  const last = await readPage(pool, cursors, list, {
    limit: 2,
    withTotal: true,
    cursor: first.nextCursor!,
  });
  assert.deepEqual([first.total, last.total, last.items.length], [3, 3, 1]);
  assert.equal("total" in await readPage(pool, cursors, list, {}), false);
});

test("a cursor goes with one order and one filter", async () => {
  await fill(Array.from({ length: 3 }, () => SAME));
  const { nextCursor: cursor } = await readPage(pool, cursors, things(["number"]), { limit: 1 });
  for (const other of [things(["number"], true), things(["number"], false, 1), things(["text"])]) {
    await assert.rejects(readPage(pool, cursors, other, { cursor: cursor! }), { field: "cursor" });
  }
});

test("a list that fails says what it is, and that nothing can have changed", async () => {
  const driver = new FakeDriver();
  const lost = Object.assign(new Error("x"), { code: "ECONNRESET" });
  driver.answer = () => Promise.reject(lost);
  const broken = new DatabasePool(driver);
  const failure = { code: "unavailable", outcome: "not-applied", retryable: true };
  await assert.rejects(readPage(broken, cursors, things(["number"]), {}), {
    ...failure,
    operation: "list things",
    message: "Cannot list things: the connection was reset",
  });
  await assert.rejects(count(broken, things(["number"]), { operation: "count things" }), {
    ...failure,
    operation: "count things",
  });
});

test("a list that fails inside a transaction says what it is", async () => {
  const missing = { ...things(["number"]), query: queryBuilder.selectFrom("users").select("id") };
  const list = { ...missing, sort: [{ column: "users.id", type: "uuid" }] } as const;
  const call = pool.transaction((transaction) => readPage(transaction, cursors, list, {}));
  await assert.rejects(call, { operation: "list things", sqlState: "42P01" });
});

test("all statements of a list share one deadline", async () => {
  const row = { number: 1, position: ["1"] };
  const isKey = (text: string): boolean => text.includes("cursor_key");
  const isCount = (text: string): boolean => text.includes("count(*)");
  const requests: [PageRequest, hangs: (text: string) => boolean][] = [
    [{ withTotal: true }, isCount],
    [{ limit: 1 }, isKey],
  ];
  for (const [request, hangs] of requests) {
    const driver = new FakeDriver();
    driver.answer = async ({ text }) => {
      if (hangs(text)) return await forever();
      await new Promise((resolve) => setTimeout(resolve, 60));
      return { rows: [row, row], rowCount: 2, command: "" };
    };
    const slow = new DatabasePool(driver);
    const call = readPage(slow, new CursorCodec(slow), things(["number"]), {
      ...request,
      timeoutMs: 100,
    });
    await assert.rejects(call, ({ code, message }: Error & { code?: string }) => {
      const leftMs = Number(/no answer within (\d+) ms/.exec(message)?.[1]);
      return code === "timeout" && leftMs > 0 && leftMs <= 45;
    });
  }
});

test("rows have the types of their columns, also where the client leaves them text", async () => {
  const driver = new FakeDriver();
  const row = { number: 1, time: "2026-01-01 00:00:00.000001+00", position: ["1"] };
  driver.answer = () => Promise.resolve({ rows: [row], rowCount: 1, command: "SELECT" });
  const plain = new DatabasePool(driver);
  const { items } = await readPage(plain, new CursorCodec(plain), things(["number"]), {});
  assert.deepEqual(items[0]?.time, new Date("2026-01-01T00:00:00Z"));
});
